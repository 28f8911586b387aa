"""Lets the graphs of traced functions go with their models.

Every call of a function under `tf.custom_gradient` inside a graph registers its gradient for good, under a name of its
own, and the gradient holds the graph's tensors: no graph that has one is ever freed, nor are the functions that it
calls (https://github.com/tensorflow/tensorflow/issues/97697). Our layers have them, and so has every training step, by
the optimizers of Keras. Here the graph holds its gradients instead, and the registry knows them for as long.
"""

import weakref

from tensorflow.python.framework import ops, registry


class GradientRegistry(registry.Registry):
    """TensorFlow's registry of gradients by name, which forgets those of a graph with it."""

    __slots__ = ()

    def register(self, candidate, name=None):
        graph = ops.get_default_graph()
        if not (str(name).startswith("CustomGradient-") and graph.building_function):
            return super().register(candidate, name)
        if not hasattr(graph, "custom_gradients"):
            graph.custom_gradients = []
        graph.custom_gradients.append(candidate)
        entries = self._registry
        held = weakref.ref(candidate, lambda _: entries.pop(name, None))
        super().register(lambda op, *gradients: held()(op, *gradients), name)


def install() -> None:
    """Puts it in the place of TensorFlow's own, with all that is registered; once is enough."""
    if not isinstance(ops.gradient_registry, GradientRegistry):
        found = GradientRegistry("gradient")
        found._registry = ops.gradient_registry._registry
        ops.gradient_registry = ops._gradient_registry = found

"""Weights in the dtype of the computation, cast once for a whole loop and not at every step of it."""

import contextlib
import contextvars

import tensorflow as tf

CAST = contextvars.ContextVar("CAST", default=None)  # by the layer: what is cast already


@contextlib.contextmanager
def cast_once(layers):
    """While this is open, `weights_of` finds the weights of these layers cast here: outside of a loop that is traced
    inside. A layer takes part that has `weights_to_compute()`."""
    found = {id(layer): layer.weights_to_compute() for layer in layers if hasattr(layer, "weights_to_compute")}
    token = CAST.set({**(CAST.get() or {}), **found})
    try:
        yield
    finally:
        CAST.reset(token)


def weights_of(layer) -> list[tf.Tensor]:
    """`layer.weights_to_compute()`, or what they were when `cast_once` began."""
    found = (CAST.get() or {}).get(id(layer))
    return layer.weights_to_compute() if found is None else found

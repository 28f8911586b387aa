"""The functions of a model inside the graph: what its Python methods call, and what an export holds."""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.text import as_texts


class Signature(NamedTuple):
    """A function of a model.

    Attributes:
        function: what computes it, from its inputs in their order, the attributes, and the options by name.
        inputs: the shapes and dtypes of what it takes.
        takes_attributes: whether an attribute more is one more input (`string [n]` or `[1]`, by the attribute's name).
        options: inputs that may be left out, with the tensors that then stand for them.
    """

    function: Callable
    inputs: dict[str, tf.TensorSpec]
    takes_attributes: bool = True
    options: Mapping[str, tf.Tensor] = MappingProxyType({})

    def graph_function(self, attributes) -> tf.function:
        """The function for fixed shapes and dtypes, with named inputs; `attributes` are the names of the model's."""
        told = {name: tf.TensorSpec([None], tf.string) for name in attributes if self.takes_attributes}
        optional = {name: of_any_length(value) for name, value in self.options.items()}
        specs = {**self.inputs, **told, **optional}
        required = len(self.inputs) + len(told)

        def function(*values, **options):
            # Tensors in the order of `specs`, unless TensorFlow is told to run functions eagerly.
            given = function.__signature__.bind(*values, **options)
            given.apply_defaults()
            values = [tf.convert_to_tensor(value, specs[key].dtype) for key, value in given.arguments.items()]
            return self.function(*values[:required], **dict(zip(optional, values[required:], strict=True)))

        # An export finds the names and the defaults of its inputs here.
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        function.__signature__ = inspect.Signature(
            [inspect.Parameter(name, kind, default=self.options.get(name, inspect.Parameter.empty)) for name in specs]
        )
        named = [tf.TensorSpec(spec.shape, spec.dtype, name=name) for name, spec in specs.items()]
        return tf.function(function, input_signature=named, autograph=False)


def of_any_length(value: tf.Tensor) -> tf.TensorSpec:
    """What stands for an optional input: a scalar, or as many values as there are."""
    return tf.TensorSpec([None] if value.shape.rank else [], value.dtype)


TEXTS = tf.TensorSpec([None], tf.string)
WHOLE = tf.TensorSpec([], tf.int32)
SEED = tf.TensorSpec([], tf.int64)
NUMBER = tf.TensorSpec([], tf.float32)
WHOLES, SEEDS, NUMBERS = (tf.TensorSpec([None], spec.dtype) for spec in (WHOLE, SEED, NUMBER))


class GraphFunctions:
    """What a model with a tokenizer and attributes can be asked inside the graph; each answer is named tensors."""

    def signatures(self) -> dict[str, Signature]:
        """The functions that an exported model offers, by name."""
        raise NotImplementedError

    def internal_signatures(self) -> dict[str, Signature]:
        """Functions that only the Python methods call."""
        return {}

    @functools.cached_property
    def functions(self) -> dict[str, tf.function]:
        """All of them as graph functions with fixed shapes and dtypes."""
        signatures = {**self.signatures(), **self.internal_signatures()}
        return {name: signature.graph_function(self.attributes.values) for name, signature in signatures.items()}

    def functions_to_export(self) -> dict[str, tf.function]:
        """Those of `signatures`, each a call of what is traced once for all: saving traces a function anew."""
        return {
            name: signature._replace(function=self.functions[name].get_concrete_function()).graph_function(
                self.attributes.values
            )
            for name, signature in self.signatures().items()
        }

    def by_batches(self, name: str, texts, *arguments, attributes=(), batch_size: int = 64) -> dict[str, np.ndarray]:
        """Runs a function of texts on batches of similar length; results come back in the order of the texts.

        Args:
            attributes: arrays of strings, one a text, for a function that takes them.
        """
        self.require_weights()
        texts = np.asarray(as_texts(texts), object)
        order = np.argsort([len(text) for text in texts], kind="stable")
        parts = []
        for first in range(0, len(texts), batch_size):
            rows = order[first : first + batch_size]
            told = [tf.constant(column[rows]) for column in attributes]
            parts.append(self.functions[name](tf.constant(texts[rows]), *arguments, *told))
        places = np.argsort(order, kind="stable")
        return {key: np.concatenate([part[key].numpy() for part in parts])[places] for key in parts[0]}


def strings(texts) -> list[str]:
    """An eager tensor or array of strings as a flat list of `str`."""
    return [text.decode("utf-8", "replace") for text in np.ravel(texts)]

"""The functions of a model inside the graph: what its Python methods call, and what an export holds."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.text import as_texts


class Signature(NamedTuple):
    """A function of a model: what computes it, the shapes and dtypes of what it takes, and whether an attribute more
    is one more input (`string [n]` or `[1]`, by the attribute's name)."""

    function: Callable
    inputs: dict[str, tf.TensorSpec]
    takes_attributes: bool = True


TEXTS = tf.TensorSpec([None], tf.string)
WHOLE = tf.TensorSpec([], tf.int32)
SEED = tf.TensorSpec([], tf.int64)
NUMBER = tf.TensorSpec([], tf.float32)


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
        found = {}
        for name, signature in {**self.signatures(), **self.internal_signatures()}.items():
            inputs = [tf.TensorSpec(spec.shape, spec.dtype, name=key) for key, spec in signature.inputs.items()]
            if signature.takes_attributes:
                inputs += [tf.TensorSpec([None], tf.string, name=attribute) for attribute in self.attributes.values]
            found[name] = tf.function(signature.function, input_signature=inputs, autograph=False)
        return found

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

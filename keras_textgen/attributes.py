"""Attributes: labels of a text, such as its sentiment, that a model is told and can be asked for."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from keras_textgen.errors import InputError, unknown
from keras_textgen.sampling.options import Options

# The arguments of exported functions: an attribute becomes one more of them.
RESERVED = {"a", "b", "c", "latents", "num", "num_samples", "rows", "seed", "seeds"}
RESERVED |= {"spherical", "steps", "strategy", "texts"}
RESERVED |= set(Options._fields)


class Attributes:
    """The attributes that a model knows, each with its values, in alphabetical order.

    Args:
        values: the values of each attribute by its name, as {"sentiment": ["negative", "positive"]}; None for none.

    Raises:
        InputError: if a name is no identifier or means something else, or an attribute has fewer than two values.
    """

    def __init__(self, values: Mapping[str, Sequence[str]] | None = None):
        if not isinstance(values or {}, Mapping):
            raise InputError(f"attributes must be the values by name, as {{'sentiment': [...]}}, not {values!r}")
        self.values = {}
        for name in sorted(values or {}, key=str):
            if not isinstance(name, str) or not name.isidentifier() or name in RESERVED:
                raise InputError(f"an attribute's name must be an identifier and none of an argument, not {name!r}")
            listed = isinstance(values[name], Iterable) and not isinstance(values[name], str)
            if not listed or not all(isinstance(value, str) for value in values[name]):
                raise InputError(f"the values of attribute {name!r} must be a list of strings, not {values[name]!r}")
            self.values[name] = sorted(set(values[name]))
            if len(self.values[name]) < 2:
                raise InputError(f"attribute {name!r} needs at least two values, not {self.values[name]}")

    @classmethod
    def learn(cls, labels: Mapping[str, Sequence[str]]) -> "Attributes":
        """The attributes that labels speak of, `{name: [one label a text]}`."""
        if not isinstance(labels, Mapping):
            raise InputError("labels must be given by the name of the attribute, as {'sentiment': [...]}")
        return cls({name: [str(value) for value in np.unique(as_labels(name, labels[name]))] for name in labels})

    def __len__(self) -> int:
        return len(self.values)

    def get_config(self) -> dict[str, list[str]] | None:
        """What the constructor takes."""
        return self.values or None

    @property
    def width(self) -> int:
        """The width of `one_hot`: the number of all values."""
        return sum(len(values) for values in self.values.values())

    def given(self, labels: Mapping[str, str | Sequence[str]] | None, num: int, kind: str = "attributes"):
        """The strings `[num]` of each attribute, from one value for all texts or one a text.

        Args:
            labels: by name; must name every attribute, and no other.
            num: the number of texts.
            kind: what the argument is called, for errors.

        Raises:
            InputError: if an attribute is missing or unknown, has an unknown value, or not one value a text.
        """
        if labels is not None and not isinstance(labels, Mapping):
            raise InputError(f"{kind} must be given by name, as {{'sentiment': 'positive'}}, not {labels!r}")
        labels = labels or {}
        if labels and not self.values:
            raise InputError(f"the model knows no attributes; fit it with labels= to use {kind}=")
        for name in labels:
            if name not in self.values:
                raise unknown("attribute", name, self.values)
        found = []
        for name, values in self.values.items():
            if name not in labels:
                example = f"{kind}={{{name!r}: {values[0]!r}}}"
                raise InputError(f"the attribute {name!r} is missing; give it as {example} (of: {', '.join(values)})")
            array = as_labels(name, labels[name])
            if len(array) not in (1, num) or (len(array) != num and not isinstance(labels[name], str)):
                raise InputError(f"{len(array)} values of the attribute {name!r} were given for {num} texts")
            for value in np.unique(array):
                if value not in values:
                    raise unknown(name, str(value), values)
            found.append(np.broadcast_to(array, [num]))
        return found

    def numbers(self, labels, num: int, kind: str = "labels") -> np.ndarray:
        """The place of each text's value among those of its attribute: `int32 [num, attributes]`."""
        given = self.given(labels, num, kind)
        columns = [np.searchsorted(values, array) for values, array in zip(self.values.values(), given, strict=True)]
        return np.stack(columns, axis=1).astype(np.int32) if columns else np.zeros([num, 0], np.int32)

    def look_up(self, columns: Sequence[tf.Tensor], num) -> tf.Tensor:
        """The same inside a graph, from one string tensor `[num]` or `[1]` an attribute.

        An unknown value fails the graph with a message that names the values there are.
        """
        found = []
        for (name, values), column in zip(self.values.items(), columns, strict=True):
            same = tf.equal(column[:, None], tf.constant(values))
            message = f"unknown {name}; choose from: {', '.join(values)}"
            check = tf.debugging.Assert(tf.reduce_all(tf.reduce_any(same, axis=1)), [message, column])
            with tf.control_dependencies([check] if check is not None else []):
                place = tf.argmax(same, axis=1, output_type=tf.int32)
            found.append(tf.broadcast_to(place, [num]))
        return tf.stack(found, axis=1) if found else tf.zeros([num, 0], tf.int32)

    def values_of(self, names: tf.Tensor) -> tf.Tensor:
        """The values of the attributes of these names inside a graph: strings `[n, most]`, "" behind the last one.

        An unknown name fails the graph with a message that names the attributes there are.
        """
        most = max(map(len, self.values.values()))
        table = tf.constant([[*values, *[""] * (most - len(values))] for values in self.values.values()])
        same = tf.equal(names[:, None], tf.constant(list(self.values)))
        message = f"unknown attribute; choose from: {', '.join(self.values)}"
        check = tf.debugging.Assert(tf.reduce_all(tf.reduce_any(same, axis=1)), [message, names])
        with tf.control_dependencies([check] if check is not None else []):
            return tf.gather(table, tf.argmax(same, axis=1))

    def one_hot(self, numbers: tf.Tensor) -> tf.Tensor:
        """What a network is told: `float32 [num, width]` from `int32 [num, attributes]`, a one-hot vector each."""
        parts = [tf.one_hot(numbers[:, place], len(values)) for place, values in enumerate(self.values.values())]
        return tf.concat(parts, axis=1) if parts else tf.zeros([tf.shape(numbers)[0], 0])


def as_labels(name: str, values) -> np.ndarray:
    """The labels of one attribute, checked to be strings: `[n]`."""
    array = np.atleast_1d(np.asarray(values, object))
    if array.ndim != 1 or not len(array) or not all(isinstance(value, str) for value in array):
        raise InputError(f"the labels {name!r} must be strings, one a text")
    return array.astype(str)

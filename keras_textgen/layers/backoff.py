"""The tables of an n-gram model inside the graph."""

import tensorflow as tf
from keras import layers

from keras_textgen.ngrams import Level
from keras_textgen.text import shift_right

NOTHING = -1  # the node of an n-gram that was never seen


class Backoff(layers.Layer):
    """The n-grams of every length as sorted keys, with the shares and backoffs of `keras_textgen.ngrams.Level`.

    A context is `[batch, order - 1]` nodes, `int64`: those of its last token, its last two, …; -1 for one never seen.
    """

    def __init__(self, levels: list[Level], **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.order = len(levels)
        self.hold(levels)
        self.built = True

    def make(self, place, size):
        """The weights of a level of that many nodes."""
        options = dict(shape=(size,), trainable=False, initializer="zeros", autocast=False)
        for name, dtype in (("keys", "int64"), ("shares", "float32"), ("backoffs", "float32")):
            name = f"{name}_{place + 1}"
            if hasattr(self, name):
                self._untrack_variable(getattr(self, name))  # `delattr` collects all garbage for each of them
            setattr(self, name, self.add_weight(dtype=dtype, name=name, **options))

    def hold(self, levels: list[Level]) -> None:
        """Takes tables of any size in the place of those it has."""
        for place, level in enumerate(levels):
            self.make(place, len(level.keys))
            for kept, values in zip(self.level(place + 1), level, strict=True):
                kept.assign(values)

    def load_own_variables(self, store):
        for place in range(self.order):
            self.make(place, len(store[str(3 * place)]))
        super().load_own_variables(store)

    def level(self, k):
        """Keys, shares and backoffs of the n-grams of `k` tokens."""
        return tuple(getattr(self, f"{name}_{k}") for name in ("keys", "shares", "backoffs"))

    @property
    def vocabulary_size(self):
        """The number of tokens."""
        return self.keys_1.shape[0]

    def find(self, k, parents, tokens):
        """The nodes of level `k` of contexts with one token more, `int64`, all of one shape."""
        keys = tf.convert_to_tensor(self.level(k)[0])
        wanted = parents * self.vocabulary_size + tf.cast(tokens, tf.int64)
        places = tf.reshape(tf.searchsorted(keys, tf.reshape(wanted, [-1])), tf.shape(wanted))
        places = tf.minimum(places, tf.size(keys) - 1)
        seen = (parents >= 0) & tf.equal(tf.gather(keys, places), wanted)
        return tf.where(seen, tf.cast(places, tf.int64), NOTHING)

    def extend(self, context, tokens):
        """The contexts `[..., order - 1]` after one token more `[...]`."""
        nodes = [tf.cast(tokens, tf.int64)]
        for k in range(2, self.order):
            nodes.append(self.find(k, context[..., k - 2], tokens))
        return tf.stack(nodes[: self.order - 1], axis=-1) if self.order > 1 else context

    def log_prob(self, ids):
        """Log-probability of each token after those before it, `float32 [batch, length]`."""
        before = tf.cast(shift_right(ids), tf.int64)  # the nodes of the last token, then of the last two, …
        probabilities = tf.gather(self.level(1)[1], ids)
        for k in range(2, self.order + 1):
            probabilities = self.backed_off(k, before, probabilities) + self.share(k, self.find(k, before, ids))
            if k < self.order:
                # The context of one token more ends at the same place and begins one earlier.
                earlier = tf.pad(before[:, :-1], [[0, 0], [1, 0]], constant_values=NOTHING)
                before = self.find(k, earlier, shift_right(ids))
        return tf.math.log(probabilities)

    def share(self, k, nodes):
        """The shares of nodes of level `k`; 0 for what was never seen."""
        return tf.where(nodes >= 0, tf.gather(self.level(k)[1], tf.maximum(nodes, 0)), 0.0)

    def backed_off(self, k, contexts, probabilities):
        """What the level below gives in level `k`, after contexts of that level."""
        backoffs = tf.gather(self.level(k - 1)[2], tf.maximum(contexts, 0))
        return tf.where(contexts >= 0, backoffs, 1.0) * probabilities

    def next_log_prob(self, context):
        """Log-probabilities of all tokens after contexts `[batch, order - 1]`: `float32 [batch, vocabulary]`."""
        size = self.vocabulary_size
        probabilities = tf.repeat(tf.convert_to_tensor(self.level(1)[1])[None], tf.shape(context)[0], axis=0)
        for k in range(2, self.order + 1):
            keys, shares, _ = map(tf.convert_to_tensor, self.level(k))
            nodes = context[:, k - 2]
            probabilities = self.backed_off(k, nodes[:, None], probabilities)
            first = tf.searchsorted(keys, nodes * size)
            behind = tf.where(nodes >= 0, tf.searchsorted(keys, (nodes + 1) * size), first)
            children = tf.ragged.range(first, behind)
            places = children.flat_values
            rows = tf.cast(children.value_rowids(), tf.int64)
            targets = tf.stack([rows, tf.gather(keys, places) % size], axis=1)
            probabilities = tf.tensor_scatter_nd_add(probabilities, targets, tf.gather(shares, places))
        return tf.math.log(probabilities)

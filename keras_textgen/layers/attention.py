"""The attention of a Transformer that writes: keys and values kept as they grow, places told by turning."""

import keras_hub
import numpy as np
import tensorflow as tf


class WritingAttention(keras_hub.layers.CachedMultiHeadAttention):
    """keras-hub's attention; how keys and values are kept while a text is written is its own.

    keras-hub keeps room for the longest text, attends to all of it, and writes into it by `keras.ops.slice_update`,
    which on TensorFlow is an op of XLA, and a server has XLA disabled. Here a cache, `[batch, num_heads, places,
    2 * width]`, holds the keys and values of the places so far side by side, and grows; one that has room behind them
    keeps its size.
    """

    def call(self, query, value, key=None, attention_mask=None, cache=None, cache_update_index=None, training=None):
        first = 0 if cache_update_index is None else cache_update_index
        queries = self.at_places(self._query_dense(query), first)
        keys = self.at_places(self._key_dense(value if key is None else key), first)
        values = self._value_dense(value)
        if cache is None:
            attended, _ = self._compute_attention(
                queries, keys, values, attention_mask=attention_mask, training=training
            )
            return self._output_dense(attended)
        queries, new = (tf.transpose(heads, [0, 2, 1, 3]) for heads in (queries, tf.concat([keys, values], axis=-1)))
        behind = first + tf.shape(new)[2]
        cache = tf.concat([cache[:, :, :first], new, cache[:, :, behind:]], axis=2)
        return self._output_dense(tf.transpose(self.attend(queries, cache, first), [0, 2, 1, 3])), cache

    def attend(self, queries, cache, first):
        """What queries `[batch, num_heads, length, width]` of the places from `first` on read from all places up to
        their own."""
        width = queries.shape[3]
        # Zeros for the values: to cut the keys out would cost a copy of them at every step.
        queries = tf.pad(queries * width**-0.5, [[0, 0], [0, 0], [0, 0], [0, width]])
        scores = tf.matmul(queries, cache, transpose_b=True)
        own = first + tf.range(tf.shape(queries)[2])[:, None]
        scores = tf.where(tf.range(tf.shape(cache)[2]) > own, tf.constant(-np.inf, scores.dtype), scores)
        return tf.matmul(tf.nn.softmax(scores), cache)[..., width:]

    def at_places(self, heads, first):
        """Queries or keys `[batch, length, num_heads, width]`, told that they stand at `first` and behind."""
        return heads


class RotaryAttention(WritingAttention):
    """Queries and keys are turned by an angle for their place, so that their product knows how far apart the two words
    are (Su et al. 2021, RoFormer, equation 16)."""

    def at_places(self, heads, first):
        return keras_hub.layers.RotaryEmbedding(dtype=self.compute_dtype)(heads, start_index=first)


POSITIONS = {"sine": WritingAttention, "rotary": RotaryAttention}


def give_attention(block: keras_hub.layers.TransformerDecoder, positions: str) -> None:
    """Puts the attention of this file into a built block, which has no argument for it. Neither the block nor its place
    in a saved model changes."""
    block._self_attention_layer.__class__ = POSITIONS[positions]

"""The attention of a Transformer that writes: keys and values kept by core ops, places told by turning."""

import keras_hub
import tensorflow as tf


class WritingAttention(keras_hub.layers.CachedMultiHeadAttention):
    """keras-hub's attention; how new keys and values are kept is its own.

    keras-hub updates what it keeps by `keras.ops.slice_update`, which on TensorFlow is an op of XLA, and a server has
    XLA disabled.
    """

    def call(self, query, value, key=None, attention_mask=None, cache=None, cache_update_index=None, training=None):
        first = 0 if cache_update_index is None else cache_update_index
        queries = self.at_places(self._query_dense(query), first)
        keys = self.at_places(self._key_dense(value if key is None else key), first)
        values = self._value_dense(value)
        if cache is not None:
            behind = first + tf.shape(keys)[1]
            new = tf.stack([keys, values], axis=1)
            cache = tf.concat([cache[:, :, :first], new, cache[:, :, behind:]], axis=2)
            keys, values = cache[:, 0], cache[:, 1]
        attended, _ = self._compute_attention(queries, keys, values, attention_mask=attention_mask, training=training)
        output = self._output_dense(attended)
        return output if cache is None else (output, cache)

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

"""Attention that keeps the keys and values of what is written by core ops."""

import keras_hub
import tensorflow as tf


def keep_by_core_ops(block: keras_hub.layers.TransformerDecoder) -> None:
    """Makes a built block one that an exported model can write with.

    keras-hub updates what it keeps by `keras.ops.slice_update`, which on TensorFlow is an op of XLA, and a server has
    XLA disabled. Neither the block nor its place in a saved model changes; it has no argument for its attention.
    """
    block._self_attention_layer.__class__ = KeepingAttention


class KeepingAttention(keras_hub.layers.CachedMultiHeadAttention):
    """keras-hub's attention; only how new keys and values are kept is its own."""

    def call(self, query, value, key=None, attention_mask=None, cache=None, cache_update_index=None, training=None):
        if cache_update_index is not None:
            new = tf.stack([self._key_dense(value if key is None else key), self._value_dense(value)], axis=1)
            behind = cache_update_index + tf.shape(new)[2]
            cache = tf.concat([cache[:, :, :cache_update_index], new, cache[:, :, behind:]], axis=2)
        return super().call(query, value, key=key, attention_mask=attention_mask, cache=cache, training=training)

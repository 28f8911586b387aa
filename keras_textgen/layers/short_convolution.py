"""A convolution over the last few places, by which a Transformer sees neighbouring words without attention."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("keras_textgen")
class ShortConvolution(keras.layers.Layer):
    """Adds to each place a weighted sum of itself and the places before it, each feature with weights of its own (the
    depthwise causal convolution of So et al. 2021, Primer; before a block as in Allen-Zhu 2025, "Canon Layers").

    Args:
        width: places that are seen, with the place itself.
    """

    def __init__(self, width, **kwargs):
        super().__init__(**kwargs)
        self.width = width

    def build(self, shape):
        self.kernel = self.add_weight(shape=(self.width, shape[-1]), initializer="zeros", name="kernel")

    def nothing_before(self, batch):
        """What stands before the first place: `[batch, width - 1, features]`."""
        return tf.zeros([batch, self.width - 1, self.kernel.shape[-1]], self.compute_dtype)

    def call(self, features, before):
        """`[batch, length, features]`, and what stands before the next places: the last `width - 1` inputs."""
        length = tf.shape(features)[1]
        seen = tf.concat([before, features], axis=1)
        added = sum(weights * seen[:, place : place + length] for place, weights in enumerate(tf.unstack(self.kernel)))
        return features + added, seen[:, length:]

    def get_config(self):
        return {**super().get_config(), "width": self.width}

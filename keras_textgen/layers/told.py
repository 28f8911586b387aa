"""What a text is told (its latent, its attributes) to features; it may be told nothing."""

import tensorflow as tf
from keras import layers


class Told(layers.Dense):
    """A dense layer whose inputs `[batch, width]` may have no width: it then gives its bias alone.

    (oneDNN has no products of no numbers.)
    """

    def call(self, inputs, training=None):
        if inputs.shape[-1]:
            return super().call(inputs)
        features = tf.reduce_sum(tf.cast(self.kernel, self.compute_dtype), axis=0)  # 0, and every weight has a gradient
        if self.use_bias:
            features += tf.cast(self.bias, self.compute_dtype)
        return tf.repeat(features[None], tf.shape(inputs)[0], axis=0)

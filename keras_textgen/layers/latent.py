"""Latent heads: features to the parameters of a posterior."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.distributions import diagonal_normal


@keras.saving.register_keras_serializable("keras_textgen")
class GaussianHead(layers.Layer):
    """Features `[batch, width]` to a diagonal Gaussian over `[batch, latent_dim]` (Kingma & Welling 2014).

    Called, it gives mean and scale, both `float32 [batch, latent_dim]`; `distribution` gives the Gaussian itself.
    """

    def __init__(self, latent_dim, *, min_scale=1e-3, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.latent_dim = latent_dim
        self.min_scale = min_scale
        self.mean = layers.Dense(latent_dim, dtype="float32", name="mean")
        self.raw_scale = layers.Dense(latent_dim, dtype="float32", name="raw_scale")

    def build(self, features_shape):
        self.mean.build(features_shape)
        self.raw_scale.build(features_shape)

    def call(self, features):
        return self.mean(features), tf.nn.softplus(self.raw_scale(features)) + self.min_scale

    def distribution(self, features):
        """The Gaussian, as a TensorFlow Probability distribution with one event dimension."""
        return diagonal_normal(*self(features))

    def get_config(self):
        return {**super().get_config(), "latent_dim": self.latent_dim, "min_scale": self.min_scale}

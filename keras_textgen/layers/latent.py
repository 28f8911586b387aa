"""Latent heads: features to the parameters of a posterior."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.distributions import diagonal_normal


@keras.saving.register_keras_serializable("keras_textgen")
class GaussianHead(layers.Layer):
    """Features `[batch, width]` to a diagonal Gaussian over `[batch, latent_dim]` (Kingma & Welling 2014).

    Called, it gives mean and scale, both `float32 [batch, latent_dim]`; `distribution` gives the Gaussian itself.

    Args:
        mean_scale: if over 0, the means are normalised over the batch to this standard deviation in every dimension, so
            that the rate cannot vanish: its mean over the texts is then at least `latent_dim * mean_scale**2 / 2` (Zhu
            et al. 2020, "A Batch Normalized Inference Network").
    """

    def __init__(self, latent_dim, *, min_scale=1e-3, mean_scale=0.0, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.latent_dim = latent_dim
        self.min_scale = min_scale
        self.mean_scale = mean_scale
        self.mean = layers.Dense(latent_dim, dtype="float32", name="mean")
        self.raw_scale = layers.Dense(latent_dim, dtype="float32", name="raw_scale")
        self.normalization = None
        if mean_scale:
            # With a larger epsilon the rate can still vanish: training shrinks the means until the epsilon drowns them.
            self.normalization = layers.BatchNormalization(
                momentum=0.9, epsilon=1e-12, scale=False, dtype="float32", name="normalization"
            )

    def build(self, features_shape):
        self.mean.build(features_shape)
        self.raw_scale.build(features_shape)
        if self.normalization is not None:
            self.normalization.build((*features_shape[:-1], self.latent_dim))

    def call(self, features):
        mean = self.mean(features)
        if self.normalization is not None:
            mean = self.mean_scale * self.normalization(mean)
        return mean, tf.nn.softplus(self.raw_scale(features)) + self.min_scale

    def distribution(self, features):
        """The Gaussian, as a TensorFlow Probability distribution with one event dimension."""
        return diagonal_normal(*self(features))

    def get_config(self):
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
            "min_scale": self.min_scale,
            "mean_scale": self.mean_scale,
        }

"""The autoencoder of Hinton & Salakhutdinov 2006, which writes by the mixture of Gaussians that Ghosh et al. 2020 fit
to its codes."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.checks import whole
from keras_textgen.distributions import FullNormal
from keras_textgen.models.dense_networks import DenseNetworks
from keras_textgen.models.latent_model import LatentTextModel, with_attributes

tfd = tfp.distributions
MOST_CODES = 10_000  # that the mixture is fitted to


@keras.saving.register_keras_serializable("keras_textgen")
class DenseAE(DenseNetworks, LatentTextModel):
    """Dense layers to a point and back. After every epoch a Gaussian mixture over the codes of training texts becomes
    the prior (Ghosh et al. 2020, section 4), so that the model can write.

    It has no likelihood of a text: `p(x)` is an integral over codes that the model never learned to fill.

    Args:
        mixture_components: number of Gaussians, each with a full covariance.
        **kwargs: of `DenseNetworks`, `LatentTextModel` and `TextModel`.
    """

    terms = ("distortion",)

    def __init__(self, tokenizer=None, *, mixture_components: int = 10, **kwargs):
        super().__init__(tokenizer, **kwargs)
        self.mixture_components = whole(1, mixture_components=mixture_components)
        self.assemble()

    def build_state(self):
        num, size = self.mixture_components, self.latent_dim
        self.mixture_logits = self.add_weight(shape=(num,), initializer="zeros", trainable=False, name="mixture_logits")
        self.mixture_means = self.add_weight(
            shape=(num, size), initializer="zeros", trainable=False, name="mixture_means"
        )
        self.mixture_scales = self.add_weight(
            shape=(num, size, size), initializer=unit_scales, trainable=False, name="mixture_scales"
        )

    def build_networks(self):
        super().build_networks()
        self.head = keras.layers.Dense(self.latent_dim, dtype="float32", name="head")

    def posterior(self, ids):
        return tfd.Independent(tfd.Deterministic(self.head(self.encoder(ids))), 1)

    def prior(self):
        gaussians = FullNormal(self.mixture_means.value, self.mixture_scales.value)
        return tfd.MixtureSameFamily(tfd.Categorical(self.mixture_logits.value), gaussians)

    def call(self, ids, attributes=None):
        z = self.posterior(self.word_deletion(ids)).mean()
        likelihood = self.likelihood(with_attributes(z, self.told_of(ids, attributes)), ids)
        return {"distortion": -likelihood.log_prob(ids)}

    def own_callbacks(self, batches):
        return [FitPrior(batches), *super().own_callbacks(batches)]

    def fit_prior(self, codes: np.ndarray) -> None:
        """Makes the mixture that fits codes `[n, latent_dim]` best the prior (maximum likelihood, scikit-learn)."""
        from sklearn.mixture import GaussianMixture
        from threadpoolctl import threadpool_limits

        num = min(self.mixture_components, len(codes))
        # Its matrices are small: more threads only wait for each other, on a busy machine for minutes.
        with threadpool_limits(1):
            mixture = GaussianMixture(num, random_state=self.seed, reg_covar=1e-4).fit(codes.astype(np.float64))
        unused = self.mixture_components - num
        logits = np.pad(np.log(mixture.weights_), [0, unused], constant_values=-1e9)
        standard = np.tile(np.eye(self.latent_dim), [unused, 1, 1])
        scales = np.concatenate([np.linalg.cholesky(mixture.covariances_), standard])
        self.mixture_logits.assign(logits)
        self.mixture_means.assign(np.pad(mixture.means_, [[0, unused], [0, 0]]))
        self.mixture_scales.assign(scales)

    def get_config(self):
        return {**super().get_config(), "mixture_components": self.mixture_components}


def unit_scales(shape, dtype=None):
    """The scales of standard Gaussians, `[num, size, size]`."""
    return tf.eye(shape[1], batch_shape=[shape[0]], dtype=dtype)


class FitPrior(keras.callbacks.Callback):
    """Fits the prior to the codes of training texts at the end of every epoch, so that each checkpoint can write."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_end(self, epoch, logs=None):
        codes, seen = [], 0
        for data in self.batches:
            ids, _, _ = keras.utils.unpack_x_y_sample_weight(data)
            codes.append(self.model.posterior(ids).mean().numpy())
            seen += len(codes[-1])
            if seen >= MOST_CODES:
                break
        self.model.fit_prior(np.concatenate(codes))

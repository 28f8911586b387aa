"""The variational autoencoder of Kingma & Welling 2014, "Auto-Encoding Variational Bayes", on texts of bounded
length."""

import keras

from keras_textgen.layers import GaussianHead
from keras_textgen.models.dense_networks import DenseNetworks
from keras_textgen.models.variational_model import VariationalTextModel


@keras.saving.register_keras_serializable("keras_textgen")
class DenseVAE(DenseNetworks, VariationalTextModel):
    """Dense layers over the embedded tokens, a diagonal Gaussian posterior, and words that are independent given the
    latent.

    Args:
        **kwargs: of `DenseNetworks`, `VariationalTextModel`, `LatentTextModel` and `TextModel`.
    """

    def __init__(self, tokenizer=None, *, kl_weight="linear:25%", **kwargs):
        super().__init__(tokenizer, kl_weight=kl_weight, **kwargs)
        self.assemble()

    def build_networks(self):
        super().build_networks()
        self.head = GaussianHead(self.latent_dim, mean_scale=self.mean_scale, name="head")

    def posterior(self, ids):
        return self.head.distribution(self.encoder(ids))

"""The LSTM variational autoencoder of Bowman et al. 2016, "Generating Sentences from a Continuous Space".

The decoder is told the latent at every step and in its initial state, as in He et al. 2019; free bits and a growing KL
weight keep it from ignoring the latent.
"""

import keras
import tensorflow as tf

from keras_textgen.checks import number
from keras_textgen.distributions import TokenSequence
from keras_textgen.layers import GaussianHead, LSTMEncoder
from keras_textgen.models.decoder_networks import LSTMNetwork
from keras_textgen.models.latent_model import with_attributes
from keras_textgen.models.variational_model import VariationalTextModel
from keras_textgen.text import shift_right

ROWS_AT_ONCE = 512  # latents that are weighed together: their logits stay in the processor's cache


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMVAE(LSTMNetwork, VariationalTextModel):
    """An LSTM encoder, a diagonal Gaussian posterior, an LSTM decoder. The word vectors of both are not shared.

    Args:
        bidirectional: whether the encoder reads both ways.
        encoder_dropout: rate on the encoder's embeddings.
        **kwargs: of `LSTMNetwork`, `DecoderNetwork`, `VariationalTextModel`, `LatentTextModel` and `TextModel`.
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        bidirectional: bool = False,
        encoder_dropout: float = 0.0,
        kl_weight="linear:25%",
        free_bits: float = 0.28,
        weight_decay: float = 0.03,
        **kwargs,
    ):
        super().__init__(tokenizer, kl_weight=kl_weight, free_bits=free_bits, weight_decay=weight_decay, **kwargs)
        self.bidirectional = bidirectional
        self.encoder_dropout = number(0, below=1, encoder_dropout=encoder_dropout)
        self.assemble()

    def build_networks(self):
        self.encoder = LSTMEncoder(
            self.tokenizer.vocabulary_size,
            self.embedding_dim,
            self.hidden_dim,
            bidirectional=self.bidirectional,
            dropout=self.encoder_dropout,
            dtype=self.dtype_policy,
            name="encoder",
        )
        self.head = GaussianHead(self.latent_dim, mean_scale=self.mean_scale, name="head")
        super().build_networks()

    def posterior(self, ids):
        return self.head.distribution(self.encoder(ids))

    def likelihood(self, z, ids):
        return TokenSequence(self.decoder(z, shift_right(ids)))

    def log_likelihoods(self, z, condition, ids):
        if type(self).likelihood is not LSTMVAE.likelihood:  # of a subclass
            return super().log_likelihoods(z, condition, ids)
        told = tf.tile(self.beside(condition, z)[None], [tf.shape(z)[0], 1, 1])
        return self.decoder.log_prob(with_attributes(z, told), ids)

    def rows_at_once(self, length):
        return ROWS_AT_ONCE

    def get_config(self):
        return {
            **super().get_config(),
            "bidirectional": self.bidirectional,
            "encoder_dropout": self.encoder_dropout,
        }

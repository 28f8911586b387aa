"""A Transformer variational autoencoder after Li et al. 2020, "Optimus: Organizing Sentences via Pre-trained Modeling
of a Latent Space", without the pre-trained halves."""

import keras

from keras_textgen.checks import number, whole
from keras_textgen.distributions import TokenSequence
from keras_textgen.layers import GaussianHead, TransformerEncoder
from keras_textgen.models.decoder_networks import TransformerNetwork
from keras_textgen.models.variational_model import VariationalTextModel
from keras_textgen.text import shift_right


@keras.saving.register_keras_serializable("keras_textgen")
class TransformerVAE(TransformerNetwork, VariationalTextModel):
    """A Transformer encoder, a diagonal Gaussian posterior, a Transformer decoder that attends to the latent.

    Both halves have the same width and as many blocks.

    Args:
        memory_length: places before the text in which the decoder finds the latent; it is added to every word, too.
        encoder_dropout: rate in the encoder's blocks.
        **kwargs: of `TransformerNetwork`, `DecoderNetwork`, `VariationalTextModel`, `LatentTextModel` and `TextModel`.
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        memory_length: int = 4,
        encoder_dropout: float = 0.0,
        kl_weight="linear:25%",
        free_bits: float = 0.28,
        **kwargs,
    ):
        super().__init__(tokenizer, kl_weight=kl_weight, free_bits=free_bits, **kwargs)
        self.memory_length = whole(1, memory_length=memory_length)
        self.encoder_dropout = number(0, below=1, encoder_dropout=encoder_dropout)
        self.assemble()

    def build_networks(self):
        self.encoder = TransformerEncoder(
            self.tokenizer.vocabulary_size,
            self.hidden_dim,
            self.num_layers,
            self.num_heads,
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

    def get_config(self):
        return {
            **super().get_config(),
            "memory_length": self.memory_length,
            "encoder_dropout": self.encoder_dropout,
        }

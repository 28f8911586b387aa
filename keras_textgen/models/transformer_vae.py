"""A Transformer variational autoencoder after Li et al. 2020, "Optimus: Organizing Sentences via Pre-trained Modeling
of a Latent Space", without the pre-trained halves."""

import keras

from keras_textgen.checks import number, whole
from keras_textgen.distributions import TokenSequence
from keras_textgen.errors import InputError
from keras_textgen.layers import GaussianHead, TransformerDecoder, TransformerEncoder
from keras_textgen.models.variational_model import VariationalTextModel
from keras_textgen.text import shift_right


@keras.saving.register_keras_serializable("keras_textgen")
class TransformerVAE(VariationalTextModel):
    """A Transformer encoder, a diagonal Gaussian posterior, a Transformer decoder that attends to the latent.

    Args:
        hidden_dim: width of both Transformers and of their word vectors.
        num_layers: blocks of each of them.
        num_heads: attention heads of each block.
        memory_length: places before the text in which the decoder finds the latent; it is added to every word, too.
        output_dim: width of a layer of products before the words, which is told the latent too; 0 leaves it out.
        dropout: rate in the decoder's blocks.
        encoder_dropout: rate in the encoder's blocks.
        word_dropout: rate at which the decoder's input words become unknown while training.
        tie_embeddings: whether the output layer is the transposed embedding (Press & Wolf 2017).
        **kwargs: of `VariationalTextModel`, `LatentTextModel` and `TextModel`.
    """

    default_learning_rate = 5e-4

    def __init__(
        self,
        tokenizer=None,
        *,
        hidden_dim: int = 256,
        num_layers: int = 2,
        num_heads: int = 4,
        memory_length: int = 4,
        output_dim: int = 256,
        dropout: float = 0.2,
        encoder_dropout: float = 0.0,
        word_dropout: float = 0.0,
        tie_embeddings: bool = False,
        kl_weight="linear:25%",
        free_bits: float = 0.28,
        weight_decay: float = 0.05,
        **kwargs,
    ):
        super().__init__(tokenizer, kl_weight=kl_weight, free_bits=free_bits, weight_decay=weight_decay, **kwargs)
        self.hidden_dim = whole(1, hidden_dim=hidden_dim)
        self.num_layers = whole(1, num_layers=num_layers)
        self.num_heads = whole(1, num_heads=num_heads)
        if hidden_dim % num_heads:
            raise InputError(f"hidden_dim must be a multiple of num_heads, and {hidden_dim} is none of {num_heads}")
        self.memory_length = whole(1, memory_length=memory_length)
        self.output_dim = whole(0, output_dim=output_dim)
        self.dropout = number(0, below=1, dropout=dropout)
        self.encoder_dropout = number(0, below=1, encoder_dropout=encoder_dropout)
        self.word_dropout = number(0, 1, word_dropout=word_dropout)
        self.tie_embeddings = tie_embeddings
        self.assemble()

    def build_networks(self):
        sizes = (self.tokenizer.vocabulary_size, self.hidden_dim, self.num_layers, self.num_heads)
        policy = self.dtype_policy
        self.encoder = TransformerEncoder(*sizes, dropout=self.encoder_dropout, dtype=policy, name="encoder")
        self.head = GaussianHead(self.latent_dim, mean_scale=self.mean_scale, name="head")
        self.decoder = TransformerDecoder(
            *sizes,
            self.sequence_length,
            memory_length=self.memory_length,
            output_dim=self.output_dim,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
            tie_embeddings=self.tie_embeddings,
            dtype=policy,
            name="decoder",
        )

    def posterior(self, ids):
        return self.head.distribution(self.encoder(ids))

    def likelihood(self, z, ids):
        return TokenSequence(self.decoder(z, shift_right(ids)))

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "memory_length": self.memory_length,
            "output_dim": self.output_dim,
            "dropout": self.dropout,
            "encoder_dropout": self.encoder_dropout,
            "word_dropout": self.word_dropout,
            "tie_embeddings": self.tie_embeddings,
        }

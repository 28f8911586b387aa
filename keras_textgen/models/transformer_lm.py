"""The Transformer language model of Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training",
with the normalisation before each block (Radford et al. 2019)."""

import keras

from keras_textgen.checks import number, whole
from keras_textgen.errors import InputError
from keras_textgen.layers import TransformerDecoder
from keras_textgen.models.language_model import LanguageModel


@keras.saving.register_keras_serializable("keras_textgen")
class TransformerLM(LanguageModel):
    """A Transformer over the words so far: the decoder of `transformer_vae` without a latent.

    Args:
        hidden_dim: width of the Transformer and of its word vectors.
        num_layers: blocks.
        num_heads: attention heads of each block.
        output_dim: width of a layer of products before the words; 0 leaves it out.
        dropout: rate on the embedded words and in every block.
        word_dropout: rate at which input words become unknown while training.
        tie_embeddings: whether the output layer is the transposed embedding (Press & Wolf 2017).
        **kwargs: of `TextModel`.
    """

    default_learning_rate = 5e-4

    def __init__(
        self,
        tokenizer=None,
        *,
        hidden_dim: int = 256,
        num_layers: int = 2,
        num_heads: int = 4,
        output_dim: int = 256,
        dropout: float = 0.2,
        word_dropout: float = 0.0,
        tie_embeddings: bool = False,
        weight_decay: float = 0.05,
        **kwargs,
    ):
        super().__init__(tokenizer, weight_decay=weight_decay, **kwargs)
        self.hidden_dim = whole(1, hidden_dim=hidden_dim)
        self.num_layers = whole(1, num_layers=num_layers)
        self.num_heads = whole(1, num_heads=num_heads)
        if hidden_dim % num_heads:
            raise InputError(f"hidden_dim must be a multiple of num_heads, and {hidden_dim} is none of {num_heads}")
        self.output_dim = whole(0, output_dim=output_dim)
        self.dropout = number(0, below=1, dropout=dropout)
        self.word_dropout = number(0, 1, word_dropout=word_dropout)
        self.tie_embeddings = tie_embeddings
        self.assemble()

    def build_networks(self):
        self.decoder = TransformerDecoder(
            self.tokenizer.vocabulary_size,
            self.hidden_dim,
            self.num_layers,
            self.num_heads,
            self.sequence_length,
            memory_length=0,
            output_dim=self.output_dim,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
            tie_embeddings=self.tie_embeddings,
            dtype=self.dtype_policy,
            name="decoder",
        )

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_dim": self.hidden_dim,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "output_dim": self.output_dim,
            "dropout": self.dropout,
            "word_dropout": self.word_dropout,
            "tie_embeddings": self.tie_embeddings,
        }

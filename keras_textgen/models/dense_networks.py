"""What the dense models share: their two networks and a likelihood with independent words."""

from collections.abc import Sequence

import tensorflow as tf

from keras_textgen.checks import number, whole
from keras_textgen.distributions import TokenSequence
from keras_textgen.errors import InputError
from keras_textgen.layers import DenseDecoder, DenseEncoder


def widths(**named) -> list[int]:
    """Checks that the one named value is a list of layer widths, and returns it."""
    ((name, value),) = named.items()
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise InputError(f"{name} must be a list of whole numbers, not {value!r}")
    return [whole(1, **{f"{name}[{place}]": width}) for place, width in enumerate(value)]


class DenseNetworks:
    """A latent model with dense layers on both sides of the latent.

    Args:
        embedding_dim: width of the word vectors, and of each place before the words.
        hidden_dims: widths of the encoder's layers; the decoder has them in the reverse order.
        dropout: rate on the embedded words and before the words.
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        embedding_dim: int = 256,
        hidden_dims: Sequence = (128, 64),
        dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(tokenizer, **kwargs)
        self.embedding_dim = whole(1, embedding_dim=embedding_dim)
        self.hidden_dims = widths(hidden_dims=hidden_dims)
        self.dropout = number(0, below=1, dropout=dropout)

    def get_config(self):
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "hidden_dims": self.hidden_dims,
            "dropout": self.dropout,
        }

    def build_networks(self):
        sizes = (self.tokenizer.vocabulary_size, self.embedding_dim, self.sequence_length)
        options = dict(dropout=self.dropout, dtype=self.dtype_policy)
        self.encoder = DenseEncoder(*sizes, self.hidden_dims, name="encoder", **options)
        self.decoder = DenseDecoder(*sizes, self.hidden_dims[::-1], name="decoder", **options)

    def likelihood(self, z, ids):
        return TokenSequence(self.decoder(z, length=tf.shape(ids)[1]))

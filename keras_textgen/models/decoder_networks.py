"""What models with the same decoder share: its hyper-parameters and its network."""

from typing import Literal, get_args

from keras_textgen.checks import number, whole
from keras_textgen.errors import InputError, unknown
from keras_textgen.layers import LSTMDecoder, TransformerDecoder

Positions = Literal["sine", "rotary"]


class DecoderNetwork:
    """A model that writes by `self.decoder`.

    Args:
        output_dim: width of a layer of products before the words, which is told the latent too where there is one
            (Pascanu et al. 2014; Dieng et al. 2019; Shazeer 2020); 0 leaves it out.
        dropout: rate on the decoder's embedded words and on what the words are predicted from; of a Transformer also
            in every block.
        word_dropout: rate at which the decoder's input words become unknown while training.
        tie_embeddings: whether the output layer is the transposed embedding (Press & Wolf 2017).
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        output_dim: int = 256,
        dropout: float = 0.3,
        word_dropout: float = 0.0,
        tie_embeddings: bool = False,
        **kwargs,
    ):
        super().__init__(tokenizer, **kwargs)
        self.output_dim = whole(0, output_dim=output_dim)
        self.dropout = number(0, below=1, dropout=dropout)
        self.word_dropout = number(0, 1, word_dropout=word_dropout)
        self.tie_embeddings = tie_embeddings

    def decoder_settings(self) -> dict:
        """What the decoder's layer is made with, by name."""
        return {
            "output_dim": self.output_dim,
            "dropout": self.dropout,
            "word_dropout": self.word_dropout,
            "tie_embeddings": self.tie_embeddings,
        }

    def make_decoder(self, name: str = "decoder"):
        """A decoder as the settings say."""
        raise NotImplementedError

    def build_networks(self):
        self.decoder = self.make_decoder()

    def get_config(self):
        return {**super().get_config(), **self.decoder_settings()}


class LSTMNetwork(DecoderNetwork):
    """A model that writes by an LSTM.

    Args:
        embedding_dim: width of the word vectors.
        hidden_dim: width of the LSTM.
        average_attention: whether the words are predicted from the average of the LSTM's states so far, too (Zhang et
            al. 2018).
        recurrent_dropout: rate on the decoder's recurrent weights (Merity et al. 2018).
        **kwargs: of `DecoderNetwork`.
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        embedding_dim: int = 256,
        hidden_dim: int = 256,
        average_attention: bool = True,
        recurrent_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(tokenizer, **kwargs)
        self.embedding_dim = whole(1, embedding_dim=embedding_dim)
        self.hidden_dim = whole(1, hidden_dim=hidden_dim)
        self.average_attention = average_attention
        self.recurrent_dropout = number(0, below=1, recurrent_dropout=recurrent_dropout)

    def decoder_settings(self):
        return {
            **super().decoder_settings(),
            "embedding_dim": self.embedding_dim,
            "hidden_dim": self.hidden_dim,
            "average_attention": self.average_attention,
            "recurrent_dropout": self.recurrent_dropout,
        }

    def make_decoder(self, name="decoder"):
        size = self.tokenizer.vocabulary_size
        return LSTMDecoder(size, **self.decoder_settings(), dtype=self.dtype_policy, name=name)


class TransformerNetwork(DecoderNetwork):
    """A model that writes by a Transformer.

    Args:
        hidden_dim: width of the Transformer and of its word vectors.
        num_layers: blocks.
        num_heads: attention heads of each block.
        positions: how a word of the decoder knows its place: "sine" waves added to it, or "rotary", by which attention
            sees how far apart two words are (Su et al. 2021), and of which small corpora teach more.
        convolution_width: places that a convolution before each block of the decoder sees (So et al. 2021; Allen-Zhu
            2025), which small corpora need; 0 leaves it out.
        **kwargs: of `DecoderNetwork`.
    """

    default_learning_rate = 5e-4
    memory_length = 0  # places before the text in which the decoder finds what it is told

    def __init__(
        self,
        tokenizer=None,
        *,
        hidden_dim: int = 256,
        num_layers: int = 2,
        num_heads: int = 4,
        positions: Positions = "sine",
        convolution_width: int = 0,
        dropout: float = 0.2,
        weight_decay: float = 0.05,
        **kwargs,
    ):
        super().__init__(tokenizer, dropout=dropout, weight_decay=weight_decay, **kwargs)
        self.hidden_dim = whole(1, hidden_dim=hidden_dim)
        self.num_layers = whole(1, num_layers=num_layers)
        self.num_heads = whole(1, num_heads=num_heads)
        if hidden_dim % num_heads:
            raise InputError(f"hidden_dim must be a multiple of num_heads, and {hidden_dim} is none of {num_heads}")
        if positions not in (known := get_args(Positions)):
            raise unknown("positions", positions, known)
        self.positions = positions
        self.convolution_width = whole(0, convolution_width=convolution_width)

    def decoder_settings(self):
        return {
            **super().decoder_settings(),
            "hidden_dim": self.hidden_dim,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "positions": self.positions,
            "convolution_width": self.convolution_width,
        }

    def make_decoder(self, name="decoder"):
        sizes = dict(
            vocabulary_size=self.tokenizer.vocabulary_size,
            sequence_length=self.sequence_length,
            memory_length=self.memory_length,
        )
        return TransformerDecoder(**sizes, **self.decoder_settings(), dtype=self.dtype_policy, name=name)

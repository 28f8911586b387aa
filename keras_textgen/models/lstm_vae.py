"""The LSTM variational autoencoder of Bowman et al. 2016, "Generating Sentences from a Continuous Space".

The decoder is told the latent at every step and in its initial state, as in He et al. 2019; free bits and a growing KL
weight keep it from ignoring the latent.
"""

import keras

from keras_textgen.checks import number, whole
from keras_textgen.distributions import TokenSequence
from keras_textgen.layers import GaussianHead, LSTMDecoder, LSTMEncoder
from keras_textgen.models.variational_model import VariationalTextModel
from keras_textgen.text import shift_right


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMVAE(VariationalTextModel):
    """An LSTM encoder, a diagonal Gaussian posterior, an LSTM decoder.

    Args:
        embedding_dim: width of the word vectors of both halves, which are not shared.
        hidden_dim: width of each LSTM.
        output_dim: width of a hidden layer of products between the decoder's LSTM and the words, which is told the
            latent too (Pascanu et al. 2014; Dieng et al. 2019; Shazeer 2020); 0 leaves it out, as in Bowman et al.
        average_attention: whether that layer is told the average of the LSTM's states so far, too (Zhang et al. 2018).
        bidirectional: whether the encoder reads both ways.
        dropout: rate on the decoder's embeddings and outputs.
        encoder_dropout: rate on the encoder's embeddings.
        word_dropout: rate at which the decoder's input words become unknown while training.
        tie_embeddings: whether the decoder's output layer is its transposed embedding.
        **kwargs: of `VariationalTextModel`, `LatentTextModel` and `TextModel`.
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        embedding_dim: int = 256,
        hidden_dim: int = 256,
        output_dim: int = 256,
        average_attention: bool = True,
        bidirectional: bool = False,
        dropout: float = 0.3,
        encoder_dropout: float = 0.0,
        word_dropout: float = 0.0,
        tie_embeddings: bool = False,
        kl_weight="linear:25%",
        free_bits: float = 0.28,
        weight_decay: float = 0.03,
        **kwargs,
    ):
        super().__init__(tokenizer, kl_weight=kl_weight, free_bits=free_bits, weight_decay=weight_decay, **kwargs)
        self.embedding_dim = whole(1, embedding_dim=embedding_dim)
        self.hidden_dim = whole(1, hidden_dim=hidden_dim)
        self.output_dim = whole(0, output_dim=output_dim)
        self.average_attention = average_attention
        self.bidirectional = bidirectional
        self.dropout = number(0, below=1, dropout=dropout)
        self.encoder_dropout = number(0, below=1, encoder_dropout=encoder_dropout)
        self.word_dropout = number(0, 1, word_dropout=word_dropout)
        self.tie_embeddings = tie_embeddings
        self.assemble()

    def build_networks(self):
        sizes = (self.tokenizer.vocabulary_size, self.embedding_dim, self.hidden_dim)
        policy = self.dtype_policy
        self.encoder = LSTMEncoder(
            *sizes, bidirectional=self.bidirectional, dropout=self.encoder_dropout, dtype=policy, name="encoder"
        )
        self.head = GaussianHead(self.latent_dim, mean_scale=self.mean_scale, name="head")
        self.decoder = LSTMDecoder(
            *sizes,
            output_dim=self.output_dim,
            average_attention=self.average_attention,
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
            "embedding_dim": self.embedding_dim,
            "hidden_dim": self.hidden_dim,
            "output_dim": self.output_dim,
            "average_attention": self.average_attention,
            "bidirectional": self.bidirectional,
            "dropout": self.dropout,
            "encoder_dropout": self.encoder_dropout,
            "word_dropout": self.word_dropout,
            "tie_embeddings": self.tie_embeddings,
        }

"""The LSTM language model of Zaremba et al. 2014, "Recurrent Neural Network Regularization", of one layer."""

import keras

from keras_textgen.checks import number, whole
from keras_textgen.layers import LSTMDecoder
from keras_textgen.models.language_model import LanguageModel


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMLM(LanguageModel):
    """An LSTM over the words so far: the decoder of `lstm_vae` without a latent.

    Args:
        embedding_dim: width of the word vectors.
        hidden_dim: width of the LSTM.
        output_dim: width of a layer of products before the words; 0 leaves it out.
        average_attention: whether the words are predicted from the average of all states so far, too.
        dropout: rate on the embedded words and on the states.
        word_dropout: rate at which input words become unknown while training.
        tie_embeddings: whether the output layer is the transposed embedding (Press & Wolf 2017).
        **kwargs: of `TextModel`.
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        embedding_dim: int = 256,
        hidden_dim: int = 256,
        output_dim: int = 256,
        average_attention: bool = True,
        dropout: float = 0.3,
        word_dropout: float = 0.0,
        tie_embeddings: bool = False,
        weight_decay: float = 0.03,
        **kwargs,
    ):
        super().__init__(tokenizer, weight_decay=weight_decay, **kwargs)
        self.embedding_dim = whole(1, embedding_dim=embedding_dim)
        self.hidden_dim = whole(1, hidden_dim=hidden_dim)
        self.output_dim = whole(0, output_dim=output_dim)
        self.average_attention = average_attention
        self.dropout = number(0, below=1, dropout=dropout)
        self.word_dropout = number(0, 1, word_dropout=word_dropout)
        self.tie_embeddings = tie_embeddings
        self.assemble()

    def build_networks(self):
        self.decoder = LSTMDecoder(
            self.tokenizer.vocabulary_size,
            self.embedding_dim,
            self.hidden_dim,
            output_dim=self.output_dim,
            average_attention=self.average_attention,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
            tie_embeddings=self.tie_embeddings,
            dtype=self.dtype_policy,
            name="decoder",
        )

    def get_config(self):
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "hidden_dim": self.hidden_dim,
            "output_dim": self.output_dim,
            "average_attention": self.average_attention,
            "dropout": self.dropout,
            "word_dropout": self.word_dropout,
            "tie_embeddings": self.tie_embeddings,
        }

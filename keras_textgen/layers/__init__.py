"""Building blocks that models share."""

from keras_textgen.layers.decoders import LSTMDecoder
from keras_textgen.layers.encoders import LSTMEncoder
from keras_textgen.layers.latent import GaussianHead
from keras_textgen.layers.lstm import LSTM
from keras_textgen.layers.word_dropout import WordDropout

__all__ = ["LSTM", "GaussianHead", "LSTMDecoder", "LSTMEncoder", "WordDropout"]

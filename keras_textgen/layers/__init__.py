"""Building blocks that models share."""

from keras_textgen import custom_gradients
from keras_textgen.layers.backoff import Backoff
from keras_textgen.layers.bag import BagDecoder, BagEncoder
from keras_textgen.layers.bilinear import Bilinear
from keras_textgen.layers.decoders import LSTMDecoder
from keras_textgen.layers.dense import DenseDecoder, DenseEncoder
from keras_textgen.layers.discriminators import ConvolutionalDiscriminator, DenseDiscriminator
from keras_textgen.layers.encoders import LSTMEncoder
from keras_textgen.layers.latent import GaussianHead
from keras_textgen.layers.lstm import LSTM
from keras_textgen.layers.recurrent_latent import RecurrentLatent
from keras_textgen.layers.short_convolution import ShortConvolution
from keras_textgen.layers.transformer import TransformerDecoder, TransformerEncoder
from keras_textgen.layers.word_deletion import WordDeletion
from keras_textgen.layers.word_dropout import WordDropout

__all__ = [
    "LSTM",
    "Backoff",
    "BagDecoder",
    "BagEncoder",
    "Bilinear",
    "ConvolutionalDiscriminator",
    "DenseDecoder",
    "DenseDiscriminator",
    "DenseEncoder",
    "GaussianHead",
    "LSTMDecoder",
    "LSTMEncoder",
    "RecurrentLatent",
    "ShortConvolution",
    "TransformerDecoder",
    "TransformerEncoder",
    "WordDeletion",
    "WordDropout",
]

custom_gradients.install()

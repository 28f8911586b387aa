"""The models. Importing this module makes every class known to `keras.saving.load_model`."""

from keras_textgen.models.latent_model import LatentTextModel
from keras_textgen.models.lstm_vae import LSTMVAE
from keras_textgen.models.text_model import TextModel

__all__ = ["LSTMVAE", "LatentTextModel", "TextModel"]

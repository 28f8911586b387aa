"""The models. Importing this module makes every class known to `keras.saving.load_model`."""

from keras_textgen.models.adversarial_model import AdversarialTextModel
from keras_textgen.models.bow_vae import BowVAE
from keras_textgen.models.dense_ae import DenseAE
from keras_textgen.models.dense_vae import DenseVAE
from keras_textgen.models.gan import GAN
from keras_textgen.models.language_model import LanguageModel
from keras_textgen.models.latent_model import LatentTextModel
from keras_textgen.models.lstm_lm import LSTMLM
from keras_textgen.models.lstm_vae import LSTMVAE
from keras_textgen.models.ngram_lm import NGramLM
from keras_textgen.models.seq_vae import SeqVAE
from keras_textgen.models.seqgan import SeqGAN
from keras_textgen.models.text_model import TextModel
from keras_textgen.models.transformer_lm import TransformerLM
from keras_textgen.models.transformer_vae import TransformerVAE
from keras_textgen.models.variational_model import VariationalTextModel

__all__ = [
    "GAN",
    "LSTMLM",
    "LSTMVAE",
    "AdversarialTextModel",
    "BowVAE",
    "DenseAE",
    "DenseVAE",
    "LanguageModel",
    "LatentTextModel",
    "NGramLM",
    "SeqGAN",
    "SeqVAE",
    "TextModel",
    "TransformerLM",
    "TransformerVAE",
    "VariationalTextModel",
]

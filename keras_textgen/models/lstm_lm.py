"""The LSTM language model of Zaremba et al. 2014, "Recurrent Neural Network Regularization", of one layer."""

import keras

from keras_textgen.models.decoder_networks import LSTMNetwork
from keras_textgen.models.language_model import LanguageModel


@keras.saving.register_keras_serializable("keras_textgen")
class LSTMLM(LSTMNetwork, LanguageModel):
    """An LSTM over the words so far: the decoder of `lstm_vae` without a latent.

    Args:
        **kwargs: of `LSTMNetwork`, `DecoderNetwork` and `TextModel`.
    """

    def __init__(self, tokenizer=None, *, weight_decay: float = 0.03, **kwargs):
        super().__init__(tokenizer, weight_decay=weight_decay, **kwargs)
        self.assemble()

"""The Transformer language model of Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training",
with the normalisation before each block (Radford et al. 2019)."""

import keras

from keras_textgen.models.decoder_networks import TransformerNetwork
from keras_textgen.models.language_model import LanguageModel


@keras.saving.register_keras_serializable("keras_textgen")
class TransformerLM(TransformerNetwork, LanguageModel):
    """A Transformer over the words so far: the decoder of `transformer_vae` without a latent.

    Args:
        **kwargs: of `TransformerNetwork`, `DecoderNetwork` and `TextModel`.
    """

    def __init__(self, tokenizer=None, **kwargs):
        super().__init__(tokenizer, **kwargs)
        self.assemble()

"""The neural variational document model of Miao et al. 2016, "Neural Variational Inference for Text Processing"."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.checks import number, whole
from keras_textgen.distributions import WordBag
from keras_textgen.layers import BagDecoder, BagEncoder, GaussianHead
from keras_textgen.models.dense_networks import widths
from keras_textgen.models.graph_functions import strings
from keras_textgen.models.latent_model import with_attributes
from keras_textgen.models.variational_model import VariationalTextModel


@keras.saving.register_keras_serializable("keras_textgen")
class BowVAE(VariationalTextModel):
    """Dense layers over word counts, a diagonal Gaussian posterior, and one softmax that all words of a text come from.

    The likelihood is that of the words in their order, so it can be compared with that of other models. A text is
    written word by word until its end is drawn; with a tokenizer that has no end token (`end_token=False`, as topic
    models count words) it is `sequence_length` words long.

    Args:
        hidden_dims: widths of the encoder's layers.
        encoder_dropout: rate on the encoder's last features.
        **kwargs: of `VariationalTextModel`, `LatentTextModel` and `TextModel`.
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        latent_dim: int = 50,
        hidden_dims: Sequence = (500,),
        encoder_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(tokenizer, latent_dim=latent_dim, **kwargs)
        self.hidden_dims = widths(hidden_dims=hidden_dims)
        self.encoder_dropout = number(0, below=1, encoder_dropout=encoder_dropout)
        self.assemble()

    def build_networks(self):
        size, policy = self.tokenizer.vocabulary_size, self.dtype_policy
        self.encoder = BagEncoder(size, self.hidden_dims, dropout=self.encoder_dropout, dtype=policy, name="encoder")
        self.head = GaussianHead(self.latent_dim, mean_scale=self.mean_scale, name="head")
        self.decoder = BagDecoder(size, dtype=policy, name="decoder")

    def posterior(self, ids):
        return self.head.distribution(self.encoder(ids))

    def likelihood(self, z, ids):
        return WordBag(self.decoder(z))

    def decode_latents(self, latents, *attributes):
        """The likeliest bag of words, the most probable words first; the single likeliest word would come for ever."""
        num = tf.shape(latents)[0]
        told = with_attributes(latents, self.condition(num, attributes))
        return {"texts": self.write_likeliest(self.decoder.start(told, likeliest=True), num)}

    def topics(self, num: int = 10) -> list[list[str]]:
        """The words that each latent dimension speaks of: the `num` with the largest weights in its row of the decoder.

        A dimension can be turned round without any change to the model, so each is read in the direction in which its
        words have the larger weights.
        """
        self.require_weights()
        num = whole(1, num=num)
        rows = np.asarray(self.decoder.output_layer.kernel)[: self.latent_dim, 4:]  # without the special tokens
        ranked = np.sort(rows, axis=1)
        turned = -ranked[:, :num].sum(axis=1) > ranked[:, -num:].sum(axis=1)
        order = np.argsort(np.where(turned[:, None], rows, -rows), axis=1, kind="stable")[:, :num]
        words = strings(self.tokenizer.detokenize(tf.range(4, self.tokenizer.vocabulary_size)[:, None]))
        return [[words[place] for place in row] for row in order]

    def get_config(self):
        return {**super().get_config(), "hidden_dims": self.hidden_dims, "encoder_dropout": self.encoder_dropout}

"""LanguageModel: the probability of a text as such, exact."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from keras_textgen.distributions import TokenSequence
from keras_textgen.models.graph_functions import TEXTS, Signature
from keras_textgen.models.text_model import TextModel
from keras_textgen.text import as_texts, shift_right


class LanguageModel(TextModel):
    """A model without a latent: a subclass makes its `decoder`, which is told the attributes alone; or it states
    `likelihood(condition, ids)`, and `start` and `step` to write.

    Training minimises the negative log-likelihood of a text, summed over its tokens and averaged over the texts.
    """

    terms = ("nll",)

    def likelihood(self, condition, ids):
        """`p(x)`: a distribution over `int32 [batch, length]` that can give `log_prob(ids)`.

        Args:
            condition: the attributes that the texts are told, one-hot, `float32 [batch, width]`.
        """
        return TokenSequence(self.decoder(condition, shift_right(ids)))

    def call(self, ids, attributes=None):
        """Negative log-likelihood `[batch]` of ids `[batch, length]`, in nats."""
        return {"nll": -self.likelihood(self.told_of(ids, attributes), ids).log_prob(ids)}

    def start(self, drawn, condition):
        return self.decoder.start(condition)

    def step(self, tokens, state):
        return self.decoder.step(tokens, state)

    def score_texts(self, texts, *attributes):
        ids = self.tokenizer(texts, sequence_length=self.sequence_length)
        condition = self.condition(tf.shape(ids)[0], attributes)
        return {"log_likelihood": self.likelihood(condition, ids).log_prob(ids)}

    def signatures(self):
        return {**super().signatures(), "score": Signature(self.score_texts, {"texts": TEXTS})}

    def score(self, texts, *, labels: Mapping | None = None) -> np.ndarray:
        """`log p(x)` of each text, exact: `float32 [n]`, in nats. A text longer than `sequence_length` is cut.

        Args:
            labels: the texts' attributes, `{name: value or one a text}`; the score is then of the texts given these.
        """
        self.require_weights()
        texts = as_texts(texts)
        told = self.attributes.given(labels, len(texts), "labels")
        return self.by_batches("score", texts, attributes=told)["log_likelihood"]

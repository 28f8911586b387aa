"""The n-gram language model with interpolated modified Kneser-Ney smoothing of Chen & Goodman 1998, "An Empirical Study
of Smoothing Techniques for Language Modeling"."""

import keras
import numpy as np
import tensorflow as tf

from keras_textgen import ngrams
from keras_textgen.checks import whole
from keras_textgen.distributions import ChainRule
from keras_textgen.layers import Backoff
from keras_textgen.models.language_model import LanguageModel
from keras_textgen.text import PADDING


@keras.saving.register_keras_serializable("keras_textgen")
class NGramLM(LanguageModel):
    """Counts of words after the `order - 1` words before, each discounted, and what that leaves given to shorter
    contexts. In every context the probabilities of the words, the unknown one and the end sum to 1.

    `fit` counts its texts, and forgets those of a `fit` before; nothing is to be gained from more than one epoch.

    Args:
        order: the longest n-gram, in words.
        **kwargs: of `TextModel`; it takes no attributes.
    """

    takes_attributes = False

    def __init__(self, tokenizer=None, *, order: int = 5, **kwargs):
        super().__init__(tokenizer, **kwargs)
        self.order = whole(1, 20, order=order)
        self.assemble()

    def build_networks(self):
        self.tables = Backoff(ngrams.untrained(self.order, self.tokenizer.vocabulary_size), name="tables")

    def likelihood(self, condition, ids):
        return ChainRule(self.tables.log_prob)

    def start(self, drawn, condition):
        return tf.fill([tf.shape(condition)[0], self.order - 1], tf.constant(-1, tf.int64))

    def step(self, tokens, state):
        context = self.tables.extend(state, tokens)
        return self.tables.next_log_prob(context), context

    def count(self, batches) -> None:
        """Makes the tables those of the texts in batches of ids."""
        rows = []
        for data in batches:
            ids, _, _ = keras.utils.unpack_x_y_sample_weight(data)
            rows += [row[row != PADDING] for row in np.asarray(ids)]
        self.tables.hold(ngrams.estimate(rows, self.order, self.tokenizer.vocabulary_size))
        self.forget_traces()
        self.make_train_function()

    def forget_traces(self):
        """Tables of another size are other variables, which functions that were traced before do not know."""
        self.__dict__.pop("functions", None)
        self.train_function = self.test_function = self.predict_function = None

    def load_weights(self, *args, **kwargs):
        super().load_weights(*args, **kwargs)
        self.forget_traces()

    def train_step(self, data):
        self.optimizer.iterations.assign_add(1)
        return self.test_step(data)

    def own_callbacks(self, batches):
        return [Count(batches), *super().own_callbacks(batches)]

    def get_config(self):
        return {**super().get_config(), "order": self.order}


class Count(keras.callbacks.Callback):
    """Counts the training texts before the first epoch."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_begin(self, logs=None):
        self.model.count(self.batches)

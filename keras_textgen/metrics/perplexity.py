"""Perplexity over a whole corpus."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("keras_textgen")
class Perplexity(keras.metrics.Metric):
    """`exp(sum of nats / sum of tokens)` over all that it has seen: a corpus-level figure, not a mean of batches."""

    def __init__(self, name="perplexity", **kwargs):
        super().__init__(name=name, **kwargs)
        self.nats = self.add_variable((), "zeros", name="nats")
        self.tokens = self.add_variable((), "zeros", name="tokens")

    def update_state(self, nats, tokens, sample_weight=None):
        """Takes the negative log-likelihoods (or bounds) `[n]` in nats and the lengths `[n]` in tokens of some
        texts; `sample_weight` `[n]` says how often each counts."""
        weight = 1.0 if sample_weight is None else sample_weight
        self.nats.assign_add(tf.reduce_sum(tf.cast(nats, tf.float32) * weight))
        self.tokens.assign_add(tf.reduce_sum(tf.cast(tokens, tf.float32) * weight))

    def result(self):
        return tf.exp(tf.math.divide_no_nan(tf.convert_to_tensor(self.nats), tf.convert_to_tensor(self.tokens)))

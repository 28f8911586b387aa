"""The distributions that models state, as TensorFlow Probability objects."""

import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.cross_entropy import cross_entropy
from keras_textgen.text import PADDING

tfd = tfp.distributions


def diagonal_normal(mean: tf.Tensor, scale: tf.Tensor) -> tfd.Independent:
    """A Gaussian with independent dimensions over vectors `[..., latent]`, in float32."""
    return tfd.Independent(tfd.Normal(tf.cast(mean, tf.float32), tf.cast(scale, tf.float32)), 1)


class FullNormal(tfd.MultivariateNormalTriL):
    """A Gaussian with a full covariance over vectors `[..., latent]`, of the factors `scale_tril` `[..., latent,
    latent]`.

    TensorFlow Probability draws by a bijector, and a cache of all bijectors holds what it was given for as long as the
    result is there: with a graph, for good.
    """

    def _call_sample_n(self, sample_shape, seed, **kwargs):
        noise = self._maybe_broadcast_distribution_batch_shape().sample(sample_shape, seed=seed)
        return self.loc + self.scale.matvec(noise)


def rate_by_dimension(posterior: tfd.Independent, prior: tfd.Independent) -> tf.Tensor:
    """KL(posterior || prior) of each latent dimension: `float32 [..., latent]`, in nats."""
    return posterior.distribution.kl_divergence(prior.distribution)


class TokenSequence(tfd.Distribution):
    """A distribution over token sequences padded with 0: one categorical a position, given that position's context.

    `log_prob(ids)` sums over the real tokens of `ids` `int32 [..., length]`, in nats; padding counts for nothing.
    With the logits of a teacher-forced decoder this is the probability of the sequence by the chain rule. It cannot
    be sampled as a whole where a position's logits depend on the tokens before it: that is what
    `keras_textgen.sampling` is for.

    Args:
        logits: `[..., length, vocabulary]`.
    """

    def __init__(self, logits, name="TokenSequence"):
        parameters = dict(locals())
        with tf.name_scope(name):
            self.logits = tf.cast(tf.convert_to_tensor(logits), tf.float32)
        super().__init__(
            dtype=tf.int32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def _event_shape_tensor(self):
        return tf.shape(self.logits)[-2:-1]

    def _event_shape(self):
        return self.logits.shape[-2:-1]

    def _batch_shape_tensor(self):
        return tf.shape(self.logits)[:-2]

    def _batch_shape(self):
        return self.logits.shape[:-2]

    def _log_prob(self, ids):
        return tf.reduce_sum(self.token_log_prob(ids), axis=-1)

    def token_log_prob(self, ids: tf.Tensor) -> tf.Tensor:
        """Log-probability of each token, `float32 [..., length]`; 0 at padding."""
        return tf.where(tf.equal(ids, PADDING), 0.0, -cross_entropy(self.logits, tf.convert_to_tensor(ids)))


class WordBag(TokenSequence):
    """A distribution over token sequences whose words are all drawn from one categorical, whatever their order.

    It is the multinomial of a bag of words without its coefficient: of the sequence, not of the counts.

    Args:
        logits: `[..., vocabulary]`.
    """

    def __init__(self, logits, name="WordBag"):
        super().__init__(logits, name=name)

    def _event_shape_tensor(self):
        return tf.constant([], tf.int32)

    def _event_shape(self):
        return tf.TensorShape([None])

    def _batch_shape_tensor(self):
        return tf.shape(self.logits)[:-1]

    def _batch_shape(self):
        return self.logits.shape[:-1]

    def token_log_prob(self, ids):
        ids = tf.convert_to_tensor(ids)
        nats = tf.gather(tf.nn.log_softmax(self.logits), ids, batch_dims=ids.shape.rank - 1)
        return tf.where(tf.equal(ids, PADDING), 0.0, nats)


class ChainRule(tfd.Distribution):
    """A distribution over token sequences padded with 0, by the probability of each token after those before it.

    Args:
        token_log_prob: ids `int32 [..., length]` to the log-probability of each of their tokens, `float32 [...,
            length]`; what it gives for padding counts for nothing.
    """

    def __init__(self, token_log_prob, name="ChainRule"):
        parameters = dict(locals())
        self.function = token_log_prob
        super().__init__(
            dtype=tf.int32,
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name,
        )

    def _event_shape(self):
        return tf.TensorShape([None])

    def _batch_shape(self):
        return tf.TensorShape([])

    def _log_prob(self, ids):
        return tf.reduce_sum(self.token_log_prob(ids), axis=-1)

    def token_log_prob(self, ids: tf.Tensor) -> tf.Tensor:
        """Log-probability of each token, `float32 [..., length]`; 0 at padding."""
        return tf.where(tf.equal(ids, PADDING), 0.0, self.function(ids))

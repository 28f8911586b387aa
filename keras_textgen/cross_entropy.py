"""The cross-entropy of a softmax over a large vocabulary, the dearest operation of training beside the products."""

import tensorflow as tf

SMALL = 1e-30  # probabilities of which float32 has all digits are larger


def cross_entropy(logits: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    """`-log softmax(logits)[id]` in nats, `float32 [...]`, of logits `[..., vocabulary]` and ids `int32 [...]`.

    The numbers are those of `tf.nn.sparse_softmax_cross_entropy_with_logits`, which goes over the logits on one thread
    and more often. Only first derivatives are defined.
    """
    rows = tf.reshape(logits, [-1, tf.shape(logits)[-1]])
    return tf.reshape(of_rows(rows, tf.reshape(ids, [-1])), tf.shape(ids))


@tf.custom_gradient
def of_rows(logits, ids):
    """The same of logits `[n, vocabulary]` and ids `[n]`."""
    probabilities = tf.nn.softmax(logits)
    single = lambda tensor: tf.cast(tensor, tf.float32)  # noqa: E731
    chosen = single(tf.gather(probabilities, ids, batch_dims=1))

    exact = chosen > SMALL
    nats = -tf.math.log(chosen)

    def with_small_ones():
        # The greatest probability is never too small for its logarithm to be exact.
        likeliest = tf.math.log(single(tf.reduce_max(probabilities, axis=1)))
        gap = single(tf.reduce_max(logits, axis=1)) - single(tf.gather(logits, ids, batch_dims=1))
        return tf.where(exact, nats, gap - likeliest)

    nats = tf.cond(tf.reduce_all(exact), lambda: nats, with_small_ones)

    def gradient(weights):
        weights = tf.cast(weights, logits.dtype)
        places = tf.stack([tf.range(tf.shape(ids)[0]), ids], axis=1)
        return tf.tensor_scatter_nd_sub(probabilities * weights[:, None], places, weights), None

    return nats, gradient

"""Rules: which token a row takes, from the logits of all and a uniform number."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_textgen.sampling.draws import draw, top_k


def keep_top_k(logits: tf.Tensor, k) -> tf.Tensor:
    """-inf for all but the `k` likeliest words of each row (Fan et al. 2018); `k` of 0 keeps all. Ties stay."""
    size = tf.shape(logits)[-1]
    k = tf.where(k > 0, tf.minimum(k, size), size)
    least = top_k(logits, k)[0][:, -1:]
    return tf.where(logits < least, -np.inf, logits)


def keep_top_p(logits: tf.Tensor, p) -> tf.Tensor:
    """-inf outside the nucleus: the fewest likeliest words that hold `p` of the probability (Holtzman et al. 2020)."""
    ranked = tf.sort(logits, axis=-1, direction="DESCENDING")
    before = tf.cumsum(tf.nn.softmax(ranked), axis=-1, exclusive=True)
    least = tf.reduce_min(tf.where(before < p, ranked, np.inf), axis=-1, keepdims=True)
    return tf.where(logits < least, -np.inf, logits)


def keep_typical(logits: tf.Tensor, p) -> tf.Tensor:
    """-inf outside the typical set: the fewest words that hold `p` of the probability, those first whose information is
    nearest to the entropy (Meister et al. 2023, equation 10). Ties stay."""
    log_probabilities = tf.nn.log_softmax(logits)
    probabilities = tf.exp(log_probabilities)
    entropy = -tf.reduce_sum(tf.math.multiply_no_nan(log_probabilities, probabilities), axis=-1, keepdims=True)
    distance = tf.where(probabilities > 0, tf.abs(entropy + log_probabilities), np.inf)
    order = tf.argsort(distance, axis=-1)
    before = tf.cumsum(tf.gather(probabilities, order, batch_dims=1), axis=-1, exclusive=True)
    kept = tf.where(before < p, tf.gather(distance, order, batch_dims=1), -np.inf)
    return tf.where(distance > tf.reduce_max(kept, axis=-1, keepdims=True), -np.inf, logits)


def greedy(logits: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """The likeliest word; the first one where several are."""
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def rule(temperature=1.0, top_k=0, top_p=1.0, typical_p=1.0) -> Callable:
    """Divides logits by `temperature`, keeps `top_k`, of these the `top_p` nucleus, of these the typical set; draws.

    All four may be tensors, as in an exported model. A temperature of 0 takes the likeliest word; a `top_k` of 0, a
    `top_p` of 1 and a `typical_p` of 1 keep every word.

    Returns:
        `(logits float32 [n, vocabulary], uniforms float32 [n] in [0, 1)) -> int32 [n]`.
    """
    temperature, top_p = tf.cast(temperature, tf.float32), tf.cast(top_p, tf.float32)
    top_k, typical_p = tf.convert_to_tensor(top_k), tf.cast(typical_p, tf.float32)

    def sample(logits, uniforms):
        logits = logits / tf.maximum(temperature, 1e-6)
        logits = tf.cond(top_k > 0, lambda: keep_top_k(logits, top_k), lambda: logits)
        nucleus = tf.cond(top_p < 1, lambda: keep_top_p(logits, top_p), lambda: logits)
        typical = tf.cond(typical_p < 1, lambda: keep_typical(nucleus, typical_p), lambda: nucleus)
        return draw(typical, uniforms)

    return lambda logits, uniforms: tf.cond(
        temperature > 0, lambda: sample(logits, uniforms), lambda: greedy(logits, uniforms)
    )

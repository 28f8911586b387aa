"""Rules: which token a row takes, from the logits of all and a uniform number."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from keras_textgen.sampling.draws import draw, top_k


def keep_top_k(logits: tf.Tensor, k) -> tf.Tensor:
    """-inf for all but the `k` likeliest words of each row (Fan et al. 2018); `k` of 0 keeps all. Ties stay.

    `k` is a scalar or `[n]`, as `p` below.
    """
    k = tf.broadcast_to(tf.minimum(k, tf.shape(logits)[-1]), tf.shape(logits)[:1])
    ranked = top_k(logits, tf.maximum(tf.reduce_max(k), 1))[0]
    least = tf.gather(ranked, tf.maximum(k, 1) - 1, batch_dims=1)[:, None]
    return tf.where((k[:, None] > 0) & (logits < least), -np.inf, logits)


def keep_top_p(logits: tf.Tensor, p) -> tf.Tensor:
    """-inf outside the nucleus: the fewest likeliest words that hold `p` of the probability (Holtzman et al. 2020)."""
    p = tf.reshape(p, [-1, 1])
    ranked = tf.sort(logits, axis=-1, direction="DESCENDING")
    before = tf.cumsum(tf.nn.softmax(ranked), axis=-1, exclusive=True)
    least = tf.reduce_min(tf.where(before < p, ranked, np.inf), axis=-1, keepdims=True)
    return tf.where((p < 1) & (logits < least), -np.inf, logits)


def keep_typical(logits: tf.Tensor, p) -> tf.Tensor:
    """-inf outside the typical set: the fewest words that hold `p` of the probability, those first whose information is
    nearest to the entropy (Meister et al. 2023, equation 10). Ties stay."""
    p = tf.reshape(p, [-1, 1])
    log_probabilities = tf.nn.log_softmax(logits)
    probabilities = tf.exp(log_probabilities)
    entropy = -tf.reduce_sum(tf.math.multiply_no_nan(log_probabilities, probabilities), axis=-1, keepdims=True)
    distance = tf.where(probabilities > 0, tf.abs(entropy + log_probabilities), np.inf)
    order = tf.argsort(distance, axis=-1)
    before = tf.cumsum(tf.gather(probabilities, order, batch_dims=1), axis=-1, exclusive=True)
    kept = tf.where(before < p, tf.gather(distance, order, batch_dims=1), -np.inf)
    return tf.where((p < 1) & (distance > tf.reduce_max(kept, axis=-1, keepdims=True)), -np.inf, logits)


def greedy(logits: tf.Tensor, uniforms: tf.Tensor | None = None, rows: tf.Tensor | None = None) -> tf.Tensor:
    """The likeliest word; the first one where several are."""
    return tf.argmax(logits, axis=-1, output_type=tf.int32)


def rule(temperature=1.0, top_k=0, top_p=1.0, typical_p=1.0) -> Callable:
    """Divides logits by `temperature`, keeps `top_k`, of these the `top_p` nucleus, of these the typical set; draws.

    All four may be tensors, as in an exported model: scalars, or `[all]` with one value a text. A temperature of 0
    takes the likeliest word; a `top_k` of 0, a `top_p` of 1 and a `typical_p` of 1 keep every word.

    Returns:
        `(logits float32 [n, vocabulary], uniforms float32 [n] in [0, 1), rows) -> int32 [n]`; `rows`, `int32 [n]`, are
        the numbers of the texts whose values count, and may be left out where there are no more texts than rows.
    """
    kinds = zip((temperature, top_k, top_p, typical_p), (tf.float32, tf.int32, tf.float32, tf.float32), strict=True)
    options = [tf.reshape(tf.cast(value, kind), [-1]) for value, kind in kinds]

    def choose(logits, uniforms, rows=None):
        temperature, top_k, top_p, typical_p = of_rows(options, rows)

        def sample():
            kept = logits / tf.maximum(temperature, 1e-6)[:, None]
            kept = tf.cond(tf.reduce_any(top_k > 0), lambda: keep_top_k(kept, top_k), lambda: kept)
            nucleus = tf.cond(tf.reduce_any(top_p < 1), lambda: keep_top_p(kept, top_p), lambda: kept)
            typical = lambda: keep_typical(nucleus, typical_p)  # noqa: E731
            return draw(tf.cond(tf.reduce_any(typical_p < 1), typical, lambda: nucleus), uniforms)

        def sample_some():
            drawn = sample()
            mixed = lambda: tf.where(temperature > 0, drawn, greedy(logits))  # noqa: E731
            return tf.cond(tf.reduce_all(temperature > 0), lambda: drawn, mixed)

        return tf.cond(tf.reduce_any(temperature > 0), sample_some, lambda: greedy(logits))

    return choose


def of_rows(options: list[tf.Tensor], rows: tf.Tensor | None) -> list[tf.Tensor]:
    """The values `[n]` of some rows, from those of all; one value, `[1]`, is that of every row."""
    if rows is None or all(values.shape[0] == 1 for values in options):
        return options
    # One value is taken by every row: no condition, which would be two functions more in the graph.
    return [tf.gather(values, tf.minimum(rows, tf.size(values) - 1)) for values in options]

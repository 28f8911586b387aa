"""The checks of `keras_textgen.checks` inside a graph: what an exported model refuses where no Python is.

Each gives an operation that fails the graph, to be waited for by `after`."""

import tensorflow as tf

WORDS = {
    "lowest": ("at least", tf.greater_equal),
    "above": ("above", tf.greater),
    "highest": ("at most", tf.less_equal),
}


def require(condition, *message) -> tf.Operation:
    """Fails with a message, of strings and tensors, where a condition `bool []` does not hold."""
    # Unlike `tf.debugging.Assert` no branch of the graph, so that it costs next to nothing.
    return tf.raw_ops.Assert(condition=condition, data=[tf.convert_to_tensor(part) for part in message])


def in_range(name: str, value, **bounds) -> list[tf.Operation]:
    """Each value is as the bounds say: `lowest`, `highest`, `above`; NaN is none of it."""
    value, checks = tf.convert_to_tensor(value), []
    for kind, bound in bounds.items():
        if bound == value.dtype.max:
            continue
        word, holds = WORDS[kind]
        fits = tf.reduce_all(holds(value, tf.cast(bound, value.dtype)))
        checks.append(require(fits, f"{name} must be {word} {bound}, not", value))
    return checks


def after(checks: list[tf.Operation], value) -> tf.Tensor:
    """A value, once nothing was refused."""
    with tf.control_dependencies([check for check in checks if check is not None]):  # None where nothing is traced
        return tf.identity(value)

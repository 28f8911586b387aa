"""What the ids of every tokenizer have in common: 0 to 3 are special, and rows are padded at the end."""

import tensorflow as tf

PADDING, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<unk>")


def shift_right(ids: tf.Tensor) -> tf.Tensor:
    """What a decoder reads to predict `ids` `[batch, length]`: the start token, then all but the last."""
    return tf.pad(ids[:, :-1], [[0, 0], [1, 0]], constant_values=START)


def lengths(ids: tf.Tensor) -> tf.Tensor:
    """Real tokens of each row, the end token included: `int32 [batch]`."""
    return tf.reduce_sum(tf.cast(tf.not_equal(ids, PADDING), tf.int32), axis=1)

"""The cross-entropy against TensorFlow's own op."""

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.cross_entropy import cross_entropy

EXTREMES = [[0.0, 0, 0, 0], [1e4, -1e4, 3, 2], [-1e9, 5, -1e9, 5], [80, 79, -300, 1]]


def losses(function, logits, ids):
    """The nats and the gradient of a weighted sum of them."""
    weights = 1 + np.arange(ids.size, dtype=np.float32).reshape(ids.shape)

    @tf.function
    def graph(logits, ids):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            nats = function(logits, ids)
        return nats, tape.gradient(nats, logits, output_gradients=weights)

    return graph(tf.constant(logits, tf.float32), tf.constant(ids, tf.int32))


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4), (0,), (2, 0)])
def test_numbers_and_gradients_are_those_of_tensorflow(shape):
    draw = np.random.default_rng(0)
    logits, ids = 5 * draw.standard_normal([*shape, 11]), draw.integers(11, size=shape)
    theirs = losses(lambda x, y: tf.nn.sparse_softmax_cross_entropy_with_logits(y, x), logits, ids)
    for one, other in zip(losses(cross_entropy, logits, ids), theirs, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("word", range(4))
def test_logits_of_any_size_are_exact(word):
    logits, ids = np.array(EXTREMES), np.full(4, word)
    nats, gradient = losses(cross_entropy, logits, ids)
    shifted = logits - logits.max(1, keepdims=True)
    expected = np.log(np.exp(shifted).sum(1, keepdims=True)) - shifted
    np.testing.assert_allclose(nats, expected[:, word], rtol=1e-6, atol=8e-6)  # how near to 80 a float32 can be
    expected = np.exp(-expected) - np.eye(4)[word]
    np.testing.assert_allclose(gradient, expected * [[1], [2], [3], [4]], rtol=1e-5, atol=1e-6)


def test_a_row_does_not_depend_on_the_other_rows():
    logits, ids = 5 * np.random.default_rng(0).standard_normal([5, 9]).astype(np.float32), tf.zeros([5], tf.int32)
    expected = cross_entropy(tf.constant(logits), ids)
    for other in ([-1e4, *[0.0] * 8], [np.nan] * 9):
        logits[4] = other
        np.testing.assert_array_equal(cross_entropy(tf.constant(logits), ids)[:4], expected[:4])


def test_a_token_out_of_the_vocabulary_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError):
        cross_entropy(tf.zeros([1, 3]), tf.constant([3]))


@pytest.mark.parametrize("word", range(4))
def test_of_logits_in_half_precision_the_nats_are_in_float32(word):
    logits, ids = tf.constant(EXTREMES, tf.bfloat16), tf.fill([4], word)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        nats = cross_entropy(logits, ids)
    expected = tf.nn.sparse_softmax_cross_entropy_with_logits(ids, tf.cast(logits, tf.float32))
    np.testing.assert_allclose(nats, expected, rtol=1e-6, atol=0.01)
    expected = tf.nn.softmax(tf.cast(logits, tf.float32)) - tf.one_hot(ids, 4)
    np.testing.assert_allclose(tf.cast(tape.gradient(nats, logits), tf.float32), expected, atol=0.01)

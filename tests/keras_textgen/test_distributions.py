"""Distributions against numpy."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from keras_textgen.distributions import FullNormal, TokenSequence, WordBag, diagonal_normal, rate_by_dimension
from keras_textgen.text import END, PADDING

tfd = tfp.distributions


def log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(0, 3, [3, 5, 7])


IDS = np.array([[4, 5, 6, 4, END], [6, END, 0, 0, 0], [3, 4, END, 0, 0]], np.int32)


def test_the_probability_of_a_sequence_is_the_sum_over_its_real_tokens(logits):
    nats = log_softmax(logits)
    expected = [sum(nats[row, place, IDS[row, place]] for place in range(5) if IDS[row, place]) for row in range(3)]
    distribution = TokenSequence(logits)
    np.testing.assert_allclose(distribution.log_prob(IDS), expected, rtol=1e-5)
    each = distribution.token_log_prob(IDS).numpy()
    np.testing.assert_allclose(each.sum(axis=1), expected, rtol=1e-5)
    assert not each[IDS == PADDING].any()


@pytest.mark.parametrize("noise", [1e6, -1e30, np.inf, np.nan])
def test_padding_counts_for_nothing_whatever_stands_there(logits, noise):
    disturbed = logits.copy()
    disturbed[IDS == PADDING] = noise
    np.testing.assert_array_equal(TokenSequence(disturbed).log_prob(IDS), TokenSequence(logits).log_prob(IDS))


def test_padding_longer_changes_nothing(logits):
    longer = np.concatenate([logits, np.random.default_rng(1).normal(size=[3, 6, 7])], axis=1)
    padded = np.pad(IDS, [[0, 0], [0, 6]])
    each = TokenSequence(longer).token_log_prob(padded)
    np.testing.assert_array_equal(each[:, :5], TokenSequence(logits).token_log_prob(IDS))
    # A longer sum may be added up in another order: one unit in the last place.
    np.testing.assert_allclose(TokenSequence(longer).log_prob(padded), TokenSequence(logits).log_prob(IDS), rtol=1e-6)


def test_padding_gets_no_gradient(logits):
    variable = tf.Variable(logits, dtype=tf.float32)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(TokenSequence(variable).log_prob(IDS))
    gradient = tape.gradient(total, variable).numpy()
    assert not gradient[IDS == PADDING].any()
    assert np.abs(gradient[IDS != PADDING]).max(axis=-1).min() > 0


def test_all_sequences_of_one_length_sum_to_one_with_the_unused_padding():
    # Nothing is longer than three tokens; padding is no word, so its share is taken out of the softmax first.
    logits = np.random.default_rng(2).normal(size=[3, 4])
    logits[:, PADDING] = -1e9
    ids = np.array(list(itertools.product([1, 2, 3], repeat=3)), np.int32)
    log_probs = TokenSequence(np.tile(logits, [len(ids), 1, 1])).log_prob(ids)
    assert np.exp(log_probs.numpy().astype(np.float64)).sum() == pytest.approx(1, rel=1e-5)


def test_low_precision_logits_are_summed_in_float32(logits):
    low = tf.cast(logits, tf.bfloat16)
    log_prob = TokenSequence(low).log_prob(IDS)
    assert log_prob.dtype == tf.float32
    np.testing.assert_array_equal(log_prob, TokenSequence(tf.cast(low, tf.float32)).log_prob(IDS))


def test_shapes_of_a_batch_of_sequences(logits):
    distribution = TokenSequence(logits)
    assert distribution.batch_shape == [3] and distribution.event_shape == [5]
    assert distribution.batch_shape_tensor().numpy().tolist() == [3]
    assert distribution.event_shape_tensor().numpy().tolist() == [5]


# Bags of words


def test_a_bag_is_a_multinomial_without_its_coefficient(logits):
    logits = logits[:, 0]
    counts = np.stack([np.bincount(row[row != PADDING], minlength=7) for row in IDS])
    bag = WordBag(logits)
    np.testing.assert_allclose(bag.log_prob(IDS), (counts * log_softmax(logits)).sum(axis=1), rtol=1e-5)
    multinomial = tfd.Multinomial(counts.sum(axis=1).astype(np.float64), logits=logits).log_prob(counts)
    coefficient = [
        math.lgamma(row.sum() + 1) - sum(math.lgamma(count + 1) for count in row) for row in counts
    ]  # the number of orders in which the words can stand
    np.testing.assert_allclose(bag.log_prob(IDS) + np.float32(coefficient), multinomial, rtol=1e-5)


def test_padding_of_a_bag_counts_for_nothing_and_order_does_not_matter(logits):
    bag = WordBag(logits[:, 0])
    each = bag.token_log_prob(IDS).numpy()
    assert each.shape == IDS.shape and not each[IDS == PADDING].any() and (each[IDS != PADDING] < 0).all()
    for other in (np.pad(IDS, [[0, 0], [0, 6]]), IDS[:, ::-1], IDS[:, [3, 1, 4, 0, 2]]):
        np.testing.assert_allclose(bag.log_prob(other), bag.log_prob(IDS), rtol=1e-6)


def test_all_bags_of_one_size_have_a_probability_of_one_together():
    logits = np.random.default_rng(2).normal(size=4)
    logits[PADDING] = -1e9
    ids = np.array(list(itertools.product([1, 2, 3], repeat=4)), np.int32)
    log_probs = WordBag(np.tile(logits, [len(ids), 1])).log_prob(ids)
    assert np.exp(log_probs.numpy().astype(np.float64)).sum() == pytest.approx(1, rel=1e-5)


def test_a_bag_has_the_gradient_of_its_counts(logits):
    # d log p / d logits = counts - n softmax(logits)
    variable = tf.Variable(logits[:, 0], dtype=tf.float32)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(WordBag(variable).log_prob(IDS))
    counts = np.stack([np.bincount(row[row != PADDING], minlength=7) for row in IDS])
    expected = counts - counts.sum(axis=1, keepdims=True) * np.exp(log_softmax(logits[:, 0]))
    np.testing.assert_allclose(tape.gradient(total, variable), expected, rtol=1e-4, atol=1e-5)


def test_shapes_of_a_batch_of_bags(logits):
    bag = WordBag(logits[:, 0])
    assert bag.batch_shape == [3] and bag.batch_shape_tensor().numpy().tolist() == [3]
    assert bag.log_prob(IDS).dtype == tf.float32 and bag.log_prob(IDS).shape == [3]


def test_the_rate_is_the_closed_form_of_two_gaussians():
    draw = np.random.default_rng(3)
    mean, scale = draw.normal(size=[6, 4]), draw.uniform(0.1, 2, [6, 4])
    prior_mean, prior_scale = draw.normal(size=4), draw.uniform(0.5, 2, 4)
    expected = (
        np.log(prior_scale / scale) + (scale**2 + (mean - prior_mean) ** 2) / (2 * prior_scale**2) - 0.5
    )  # Kingma & Welling 2014, appendix B, for any Gaussian prior
    posterior, prior = diagonal_normal(mean, scale), diagonal_normal(prior_mean, prior_scale)
    rate = rate_by_dimension(posterior, prior)
    assert rate.shape == [6, 4]
    np.testing.assert_allclose(rate, expected, rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(posterior.kl_divergence(prior), expected.sum(axis=1), rtol=2e-5)


def test_the_rate_of_the_prior_itself_is_0():
    prior = diagonal_normal(tf.zeros(3), tf.ones(3))
    assert not rate_by_dimension(diagonal_normal(tf.zeros([2, 3]), tf.ones([2, 3])), prior).numpy().any()


def test_a_gaussian_is_float32_under_every_policy():
    gaussian = diagonal_normal(tf.zeros([2, 3], tf.bfloat16), tf.ones([2, 3], tf.bfloat16))
    assert gaussian.dtype == tf.float32 and gaussian.event_shape == [3]


def test_a_full_gaussian_draws_what_that_of_tensorflow_probability_does():
    random = np.random.default_rng(0)
    mean = random.normal(size=[3, 2]).astype(np.float32)
    scale = np.tril(random.uniform(0.5, 1.0, [3, 2, 2])).astype(np.float32)
    ours, theirs = FullNormal(mean, scale), tfd.MultivariateNormalTriL(mean, scale)
    for shape in ([], 4, [2, 5]):
        np.testing.assert_allclose(ours.sample(shape, seed=[1, 2]), theirs.sample(shape, seed=[1, 2]), rtol=1e-6)
    np.testing.assert_allclose(ours.log_prob(mean + 1), theirs.log_prob(mean + 1))

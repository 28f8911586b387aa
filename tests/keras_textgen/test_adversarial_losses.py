"""The losses of the game against their formulas, and the gradient penalty against a gradient by the words."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.adversarial_losses import LOSSES, gradient_penalty

REAL = np.array([-3.0, -0.5, 0.0, 0.2, 4.0], np.float32)
FAKE = np.array([1.0, -0.7, 0.0, 0.3, -5.0], np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, np.float64)))


BY_HAND = {
    "non_saturating": (
        lambda real, fake: -np.log(sigmoid(real)) - np.log(1 - sigmoid(fake)),
        lambda real, fake: -np.log(sigmoid(fake)),
    ),
    "wasserstein": (lambda real, fake: fake - real, lambda real, fake: -fake),
    "relativistic": (
        lambda real, fake: -np.log(sigmoid(real - fake)),
        lambda real, fake: -np.log(sigmoid(fake - real)),
    ),
}


def gradients(function):
    """The gradients of a loss by the logits of real and of written texts."""
    real, fake = tf.constant(REAL), tf.constant(FAKE)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        loss = tf.reduce_sum(function(real, fake))
    return [np.asarray(g) for g in tape.gradient(loss, [real, fake], unconnected_gradients="zero")]


def test_all_losses_are_known_by_hand():
    assert set(BY_HAND) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_its_formula(name):
    for player, by_hand in zip(("discriminator", "generator"), BY_HAND[name], strict=True):
        found = getattr(LOSSES[name], player)(tf.constant(REAL), tf.constant(FAKE))
        np.testing.assert_allclose(found, by_hand(REAL.astype(np.float64), FAKE.astype(np.float64)), rtol=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_the_two_pull_at_the_logits_in_opposite_directions(name):
    real, fake = gradients(LOSSES[name].discriminator)
    assert (real < 0).all() and (fake > 0).all()
    real, fake = gradients(LOSSES[name].generator)
    assert (fake < 0).all() and (real > 0).all() == (name == "relativistic")
    if name != "relativistic":
        assert not real.any()


def test_a_discriminator_that_is_sure_still_moves_the_generator_that_does_not_saturate():
    fake = tf.constant([-30.0])
    with tf.GradientTape() as tape:
        tape.watch(fake)
        loss = LOSSES["non_saturating"].generator(tf.constant([30.0]), fake)
    np.testing.assert_allclose(tape.gradient(loss, fake), [-1.0], rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_the_largest_logits_give_finite_losses_and_gradients(name):
    real, fake = tf.constant([1e4, -1e4]), tf.constant([-1e4, 1e4])
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        loss = tf.reduce_sum(LOSSES[name].discriminator(real, fake) + LOSSES[name].generator(real, fake))
    assert np.isfinite(loss) and all(np.isfinite(g).all() for g in tape.gradient(loss, [real, fake]))


@pytest.mark.parametrize(
    "name, expected",
    [
        ("non_saturating", [0.0, 0.5, 0.5, 0.5, 1.0]),  # over 0 is real, and 0 is not
        ("wasserstein", [0, 1, 0, 0, 1]),
        ("relativistic", [0, 1, 0, 0, 1]),
    ],
)
def test_the_accuracy_is_how_often_the_discriminator_is_right(name, expected):
    found = LOSSES[name].accuracy(tf.constant(REAL), tf.constant(FAKE))
    np.testing.assert_allclose(found, expected)


# The gradient penalty. By brute force it takes the gradient by whole one-hot texts, without the shortcut.

TEXTS, PLACES, VOCABULARY, WIDTH = 5, 3, 7, 4


def parts(seed=0):
    """A table of word vectors, one-hot real texts, relaxed written ones, shares, and a critic's weights."""
    draw = np.random.default_rng(seed)
    table = draw.normal(size=[VOCABULARY, WIDTH])
    real = np.eye(VOCABULARY)[draw.integers(0, VOCABULARY, [TEXTS, PLACES])]
    fake = draw.dirichlet(np.ones(VOCABULARY), [TEXTS, PLACES])
    weights = draw.normal(size=[PLACES, WIDTH])
    return [tf.constant(part, tf.float32) for part in (table, real, fake, draw.random(TEXTS), weights)]


CRITICS = {
    "linear": lambda words, weights: tf.reduce_sum(words * weights, axis=[1, 2]),
    "tanh": lambda words, weights: tf.reduce_sum(tf.tanh(0.7 * words) * weights, axis=[1, 2]),
    "product": lambda words, weights: tf.tanh(words[:, 0, 0]) * tf.reduce_sum(words[:, 1:] * weights[1:], axis=[1, 2]),
}


def by_brute_force(critic, table, real, fake, share, weights):
    share = share[:, None, None]
    between = share * real + (1 - share) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        logits = critic(tf.einsum("nlv,vw->nlw", between, table), weights)
    slope = tape.gradient(logits, between)
    return (tf.sqrt(tf.reduce_sum(slope**2, axis=[1, 2])) - 1) ** 2


def of_vectors(critic, table, real, fake, share, weights):
    real, fake = (tf.einsum("nlv,vw->nlw", words, table) for words in (real, fake))
    return gradient_penalty(lambda words: critic(words, weights), real, fake, share, table)


@pytest.mark.parametrize("critic", CRITICS.values(), ids=CRITICS)
def test_the_penalty_and_its_gradients_are_those_of_the_gradient_by_one_hot_texts(critic):
    table, real, fake, share, weights = parts()
    found = []
    for function in (of_vectors, by_brute_force):
        with tf.GradientTape() as tape:
            tape.watch([table, weights])
            penalty = function(critic, table, real, fake, share, weights)
            total = tf.reduce_sum(penalty)
        found.append([penalty, *tape.gradient(total, [table, weights])])
    for one, other in zip(*found, strict=True):
        assert np.abs(other).max() > 0.1
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * np.abs(other).max())  # float32, by other sums
    other_share = of_vectors(critic, table, real, fake, 1 - share, weights)
    assert np.allclose(other_share, found[0][0]) == (critic is CRITICS["linear"])  # the slope of a line is one


@pytest.mark.parametrize("norm", [1.0, 0.25, 3.0])
def test_a_critic_that_is_linear_in_the_words_has_the_penalty_of_its_slope(norm):
    _, real, fake, share, _ = parts(1)
    slope = np.random.default_rng(2).normal(size=[PLACES, VOCABULARY]).astype(np.float32)
    slope *= norm / np.linalg.norm(slope)
    found = gradient_penalty(
        lambda words: tf.reduce_sum(words * slope, axis=[1, 2]), real, fake, share, tf.eye(VOCABULARY)
    )
    np.testing.assert_allclose(found, np.full(TEXTS, (norm - 1) ** 2), atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_points_lie_between_real_and_written_texts(share):
    table, real, fake, _, _ = parts(3)
    real, fake = (tf.matmul(words, table[None]) for words in (real, fake))
    seen = []

    def critic(words):
        seen.append(words.numpy())
        return tf.reduce_sum(words**2, axis=[1, 2])

    gradient_penalty(critic, real, fake, tf.fill([TEXTS], share), table)
    np.testing.assert_allclose(seen[0], share * real.numpy() + (1 - share) * fake.numpy(), rtol=1e-5, atol=1e-6)


def test_a_critic_without_slope_has_a_penalty_of_1_and_a_gradient_that_is_a_number():
    table, real, fake, share, weights = parts(4)
    weights = tf.zeros_like(weights)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        penalty = of_vectors(CRITICS["linear"], table, real, fake, share, weights)
    np.testing.assert_allclose(penalty, np.ones(TEXTS), atol=1e-5)
    assert np.isfinite(tape.gradient(penalty, weights)).all()


def test_the_penalty_of_vectors_of_lower_precision_is_taken_in_float32():
    table, real, fake, share, weights = parts(5)
    low = [tf.cast(tf.matmul(words, table[None]), tf.bfloat16) for words in (real, fake)]
    found = gradient_penalty(lambda words: CRITICS["linear"](words, weights), *low, share, table)
    exact = of_vectors(CRITICS["linear"], table, real, fake, share, weights)
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, exact, rtol=1e-4)  # the slope of a line does not depend on where it is taken
    assert math.isfinite(float(tf.reduce_sum(found)))

"""The bound: against numpy, against quadrature over the latent, against what fit reports."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.distributions import TokenSequence, diagonal_normal
from keras_textgen.models.latent_model import paths
from keras_textgen.models.variational_model import FREE_BITS_KINDS, VariationalTextModel
from keras_textgen.text import WordTokenizer, lengths

WORDS = ["a", "b", "c", "d", "e"]
SIZE = len(WORDS) + 4
MATRIX = np.random.default_rng(0).normal(0, 1.5, [2, SIZE])
OFFSET = np.random.default_rng(1).normal(0, 0.5, SIZE)
ENCODER = np.random.default_rng(2).normal(0, 1, [SIZE, 2])
ENDING = 0.7  # the logit of the end token over all others at the second place


@keras.saving.register_keras_serializable("tests")
class OneWord(VariationalTextModel):
    """Texts of one word: its logits are linear in a latent of two dimensions, so `log p(x)` is a plane integral."""

    def __init__(self, tokenizer=None, **kwargs):
        super().__init__(tokenizer, latent_dim=2, **kwargs)
        self.assemble()

    def build_networks(self):
        self.spread = self.add_weight(shape=(2,), initializer="ones", name="spread")

    def posterior(self, ids):
        mean = tf.gather(tf.constant(ENCODER, tf.float32), ids[:, 0])
        return diagonal_normal(mean, 0.8 * tf.ones_like(mean) * self.spread)

    def likelihood(self, z, ids):
        first = z @ tf.constant(MATRIX, tf.float32) + tf.constant(OFFSET, tf.float32)
        other = tf.tile(ENDING * tf.one_hot([2], SIZE), [tf.shape(z)[0], 1])
        later = tf.tile(other[:, None], [1, tf.shape(ids)[1] - 1, 1])
        return TokenSequence(tf.concat([first[:, None], later], axis=1))


@pytest.fixture(scope="module")
def one_word():
    return OneWord(WordTokenizer(vocabulary=WORDS), seed=0)


def exact_log_probabilities():
    """`log p(x)` of every word, by a fine grid over the plane of the latent."""
    axis = np.linspace(-8, 8, 401)
    z = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    prior = np.exp(-0.5 * (z**2).sum(-1)) / (2 * np.pi) * (axis[1] - axis[0]) ** 2
    assert prior.sum() == pytest.approx(1)
    logits = z @ MATRIX + OFFSET
    words = np.exp(logits - logits.max(1, keepdims=True))
    words /= words.sum(1, keepdims=True)
    end = ENDING - np.log(np.exp(ENDING) + SIZE - 1)
    return np.log(prior @ words)[4:] + end


def test_the_importance_weighted_score_goes_to_the_exact_likelihood():
    class Wide(OneWord):
        def posterior(self, ids):
            # Wider than the prior, so that the weights are bounded and their mean is soon exact.
            return diagonal_normal(*(tf.zeros([tf.shape(ids)[0], 2]) + value for value in (0.0, 1.5)))

    scores = Wide(WordTokenizer(vocabulary=WORDS), seed=0).score(WORDS, num_samples=50_000, seed=3)
    assert scores.dtype == np.float32 and scores.shape == (5,)
    # The weights' relative deviation is about 1.5, so the standard error is 0.007.
    np.testing.assert_allclose(scores, exact_log_probabilities(), rtol=0, atol=0.025)


def test_the_score_grows_with_the_number_of_samples_and_stays_below_the_exact_value(one_word):
    means = [
        np.mean([one_word.score(WORDS, num_samples=num, seed=seed) for seed in range(60)]) for num in (1, 10, 1000)
    ]
    exact = exact_log_probabilities().mean()
    assert means[0] < means[1] < means[2] < exact + 0.01
    assert means[1] - means[0] > 0.1  # far more than the error of 60 seeds


def test_one_sample_scores_the_evidence_lower_bound(one_word):
    scores = np.mean([one_word.score(WORDS, num_samples=1, seed=seed) for seed in range(400)], axis=0)
    axis = np.linspace(-6, 6, 121)
    noise = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    weight = np.exp(-0.5 * (noise**2).sum(-1)) / (2 * np.pi) * (axis[1] - axis[0]) ** 2
    for index, mean in enumerate(ENCODER[4:]):
        logits = (mean + 0.8 * noise) @ MATRIX + OFFSET
        logs = logits[:, 4 + index] - np.log(np.exp(logits).sum(1))
        rate = (np.log(1 / 0.8) + (0.8**2 + mean**2) / 2 - 0.5).sum()
        bound = weight @ logs + ENDING - np.log(np.exp(ENDING) + SIZE - 1) - rate
        assert scores[index] == pytest.approx(bound, abs=0.35)


def test_the_score_divides_by_the_samples_really_drawn():
    # Where the posterior is the true one every weight is p(x), so any number of samples gives the same score.
    class NoLatent(OneWord):
        def posterior(self, ids):
            zeros = tf.zeros([tf.shape(ids)[0], 2])
            return diagonal_normal(zeros, zeros + 1)

        def likelihood(self, z, ids):
            return super().likelihood(z * 0, ids)

    model = NoLatent(WordTokenizer(vocabulary=WORDS), seed=0)
    scores = [model.score(WORDS, num_samples=num) for num in (1, 7, 400, 1500)]
    exact = OFFSET[4:] - np.log(np.exp(OFFSET).sum()) + ENDING - np.log(np.exp(ENDING) + SIZE - 1)
    for score in scores:
        np.testing.assert_allclose(score, exact, rtol=1e-5)


def test_scores_by_one_seed_repeat_and_by_another_differ(one_word):
    first = one_word.score(WORDS, num_samples=5, seed=1)
    np.testing.assert_array_equal(one_word.score(WORDS, num_samples=5, seed=1), first)
    assert np.all(one_word.score(WORDS, num_samples=5, seed=2) != first)


# Free bits

RATE = np.random.default_rng(5).gamma(0.7, 0.6, [6, 2]).astype(np.float32)


def floored_by_numpy(kind, bits):
    texts, dimensions = RATE.shape
    if kind == "dimension":
        return sum(max(RATE[:, d].mean(), bits) for d in range(dimensions))
    if kind == "dimension_text":
        return np.mean([sum(max(RATE[t, d], bits) for d in range(dimensions)) for t in range(texts)])
    if kind == "total":
        return max(np.mean([RATE[t].sum() for t in range(texts)]), bits)
    return np.mean([max(RATE[t].sum(), bits) for t in range(texts)])


@pytest.mark.parametrize("kind", FREE_BITS_KINDS)
@pytest.mark.parametrize("bits", [0.0, 0.3, 0.5, 0.8, 5.0])
def test_free_bits_are_a_floor_of_their_kind(kind, bits):
    model = OneWord(WordTokenizer(vocabulary=WORDS), free_bits=bits, free_bits_kind=kind)
    assert float(model.floored(tf.constant(RATE))) == pytest.approx(floored_by_numpy(kind, bits), rel=1e-6)


def test_the_four_kinds_of_free_bits_differ():
    assert len({round(floored_by_numpy(kind, 0.5), 6) for kind in FREE_BITS_KINDS}) == 4


# What fit and evaluate report


def by_numpy(model, texts):
    """Distortion, rate and floored rate of texts in one batch, from the model's distributions alone."""
    ids = model.tokenizer(texts, sequence_length=model.sequence_length)
    posterior = model.posterior(ids)
    mean, scale = posterior.mean().numpy().astype(np.float64), posterior.stddev().numpy().astype(np.float64)
    rate = -np.log(scale) + (scale**2 + mean**2) / 2 - 0.5
    model.reseed(0, stream=1)  # the state in which evaluate starts
    noise = model.noise(ids, tf.cast(model.seed_generator.next(), tf.int32))
    z = posterior.mean() + posterior.stddev() * noise[0]
    logits = model.likelihood(z, ids).logits.numpy().astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    ids = ids.numpy()
    distortion = [
        -sum(logs[row, place, ids[row, place]] for place in np.flatnonzero(ids[row])) for row in range(len(ids))
    ]
    floored = np.maximum(rate.mean(axis=0), model.free_bits).sum()
    return np.mean(distortion), rate.sum(axis=1).mean(), floored, np.count_nonzero(ids)


@pytest.fixture(scope="module")
def lstm(build_tiny, corpus):
    model = build_tiny("lstm_vae", texts=corpus, kl_weight="linear:100", free_bits=0.2)
    model.fit(corpus, batch_size=16, epochs=10, verbose=0)
    assert int(model.optimizer.iterations) == 40
    return model


def test_evaluate_reports_the_terms_of_the_bound(lstm, corpus):
    numbers = lstm.evaluate(corpus, batch_size=64, return_dict=True, verbose=0)
    # evaluate takes the shortest texts first, which matters for the noise that each of them gets.
    order = np.argsort(lengths(lstm.tokenizer(corpus)).numpy(), kind="stable")
    texts = [corpus[index] for index in order]
    distortion, rate, floored, tokens = by_numpy(lstm, texts)
    assert numbers["distortion"] == pytest.approx(distortion, rel=1e-5)
    assert numbers["rate"] == pytest.approx(rate, rel=1e-5)  # without the floor
    assert numbers["loss"] == pytest.approx(distortion + 0.4 * floored, rel=1e-5)
    assert floored > rate + 1e-3  # so the floor was to be seen
    assert numbers["perplexity"] == pytest.approx(np.exp((distortion + rate) * len(texts) / tokens), rel=1e-4)


def test_fit_reports_the_loss_of_its_one_batch(build_tiny, corpus):
    model = build_tiny("lstm_vae", texts=corpus, dropout=0.0, free_bits=0.3, kl_weight=0.5)
    ids = model.tokenizer(corpus[:8])
    posterior = model.posterior(ids)
    rate = posterior.distribution.kl_divergence(model.prior().distribution).numpy()
    history = model.fit(corpus[:8], batch_size=8, epochs=1, verbose=0).history
    assert history["kl_weight"] == [0.5]
    assert history["rate"][0] == pytest.approx(rate.sum(axis=1).mean(), rel=1e-5)
    floored = np.maximum(rate.mean(axis=0), 0.3).sum()
    assert history["loss"][0] == pytest.approx(history["distortion"][0] + 0.5 * floored, rel=1e-5)


def test_the_kl_weight_follows_the_optimizer_steps(build_tiny, corpus):
    model = build_tiny("lstm_vae", kl_weight="linear:8")
    weights = model.fit(corpus, batch_size=16, epochs=3, verbose=0).history["kl_weight"]
    np.testing.assert_allclose(weights, [3 / 8, 7 / 8, 1], rtol=1e-6)  # of the last step of each epoch
    assert model.settled


# The ways between texts


def test_a_line_has_even_steps():
    a, b = np.random.default_rng(6).normal(size=[2, 3, 4]).astype(np.float32)
    np.testing.assert_allclose(paths(a, b, 5, False), np.linspace(a, b, 5, axis=1), rtol=1e-5, atol=1e-6)


def test_an_arc_keeps_the_norm_and_has_even_angles():
    a, b = np.random.default_rng(7).normal(size=[2, 3, 4])
    a, b = (2 * (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32) for x in (a, b))
    arc = paths(a, b, 5, True).numpy()
    np.testing.assert_allclose(np.linalg.norm(arc, axis=-1), 2, rtol=1e-5)
    np.testing.assert_allclose(arc[:, [0, -1]], np.stack([a, b], 1), atol=1e-5)
    cosines = np.einsum("nsd,nsd->ns", arc[:, 1:], arc[:, :-1]) / 4
    np.testing.assert_allclose(cosines, cosines[:, :1] @ np.ones([1, 4]), atol=1e-5)


@pytest.mark.parametrize("b", [[[1.0, 2.0]], [[-1.0, -2.0]], [[2.0, 4.0]], [[0.0, 0.0]]])
def test_an_arc_that_is_not_defined_is_finite_and_keeps_its_ends(b):
    a, b = np.array([[1.0, 2.0]], np.float32), np.array(b, np.float32)
    arc = paths(a, b, 3, True).numpy()
    assert np.isfinite(arc).all()
    np.testing.assert_allclose(arc[:, [0, -1]], np.stack([a, b], 1), atol=1e-5)

"""The models one by one: likelihoods against integrals over a grid, topics and bags against brute force, a prior
against the moments of its codes."""

import itertools
import math

import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen import sampling
from keras_textgen.models.variational_model import VariationalTextModel
from keras_textgen.text import END, WordTokenizer

WORDS = ["a", "b", "c"]
PAIRS = [" ".join(pair) for pair in itertools.product(WORDS, repeat=2)]
NOISE = np.linspace(-6, 6, 121).astype(np.float32)
WEIGHT = np.exp(-0.5 * NOISE.astype(np.float64) ** 2) / np.sqrt(2 * np.pi) * (NOISE[1] - NOISE[0])


def two_words(build_tiny, name):
    """A model whose texts are two of three words each, with a latent of one dimension (a word) that matters."""
    tokenizer = WordTokenizer(vocabulary=WORDS, end_token=False)
    model = build_tiny(name, tokenizer=tokenizer, latent_dim=1, sequence_length=2)
    if name == "seq_vae":
        decoder, head = model.network, model.network.posterior_head
        stronger = [decoder.deep_output.maps.kernel, decoder.output_layer.kernel]
    else:
        decoder, head, stronger = model.decoder, model.head, model.decoder.trainable_variables
    draw = np.random.default_rng(3)
    for variable in stronger:
        if len(variable.shape) > 1:
            variable.assign(draw.normal(0, 1.5 * variable.shape[0] ** -0.5, variable.shape))
    head.raw_scale.bias.assign([1.0])  # wider than the prior, so that the weights of the samples are bounded
    decoder.output_layer.bias.assign([-1e9] * 4 + [0, 0.3, -0.3])  # a text is made of words alone
    return model


def exact_log_probabilities(model, texts):
    """`log p(x)` of texts by a sum over a grid of latents."""
    ids = model.tokenizer(texts).numpy()
    if hasattr(model, "network"):
        return np.array([log_probability_by_steps(model.network, row) for row in ids])
    found = []
    for row in ids:
        tiled = tf.tile(row[None], [len(NOISE), 1])
        found.append(model.likelihood(tf.constant(NOISE[:, None]), tiled).log_prob(tiled))
    return np.log(np.exp(np.array(found, np.float64)) @ WEIGHT)


def log_probability_by_steps(network, tokens):
    """The same with a latent a word, each of which is drawn given those before it."""
    state, total = network.initial_state(tf.zeros([1, 0])), np.ones(1)
    for token in tokens:
        mean, scale = network.prior_head(state[0])
        z = tf.reshape(mean + scale * NOISE, [-1, 1])
        state = [tf.repeat(part, len(NOISE), axis=0) for part in state]
        words = tf.nn.softmax(tf.cast(network.logits(state[0], z), tf.float64))
        total = np.repeat(total, len(NOISE)) * np.tile(WEIGHT, len(total)) * words[:, token].numpy()
        embedded = network.embedding(tf.fill([len(total)], token))
        state = network.advance(embedded, z, tf.zeros([len(total), 0]), state)
    return np.log(total.sum())


VARIATIONAL = ["bow_vae", "dense_vae", "lstm_vae", "seq_vae", "transformer_vae"]


@pytest.mark.parametrize("name", VARIATIONAL)
def test_scores_are_integrals_over_the_latent_and_probabilities_sum_to_one(build_tiny, chi_square_p, name):
    model = two_words(build_tiny, name)
    exact = exact_log_probabilities(model, PAIRS)
    assert np.exp(exact).sum() == pytest.approx(1, rel=1e-5)
    assert np.ptp(exact) > 0.5
    scores = model.score(PAIRS, num_samples=2000, seed=1)
    np.testing.assert_allclose(scores, exact, atol=0.1)
    assert np.exp(scores).sum() == pytest.approx(1, abs=0.03)
    # What it writes comes as often as that.
    texts = model.generate(1500, seed=2)
    counts = [texts.count(pair) for pair in PAIRS]
    assert sum(counts) == 1500 and chi_square_p(counts, np.exp(exact)) > 1e-3


def test_latents_that_are_weighed_together_give_the_likelihoods_of_each(build_tiny):
    model = build_tiny("lstm_vae", tokenizer=WordTokenizer(vocabulary=WORDS), attributes={"kind": ["x", "y"]})
    ids = model.tokenizer(tf.constant([*PAIRS, "a"]))
    num = len(PAIRS) + 1
    condition = tf.one_hot(tf.range(num) % 2, 2)
    z = 3 * tf.random.stateless_normal([4, num, model.latent_dim], [0, 0])
    likelihoods = VariationalTextModel.log_likelihoods(model, z, condition, ids)
    np.testing.assert_allclose(model.log_likelihoods(z, condition, ids), likelihoods, rtol=1e-5)
    assert np.std(likelihoods, axis=0).min() > 1e-3


def test_the_end_of_a_text_is_part_of_the_score_of_a_latent_a_word(build_tiny):
    model = build_tiny("seq_vae", tokenizer=WordTokenizer(vocabulary=WORDS), latent_dim=1, sequence_length=4)
    model.network.output_layer.bias.assign([-1e9, -1e9, 1, -1e9, 0, 0.3, -0.3])
    model.network.posterior_head.raw_scale.bias.assign([1.0])
    scores = model.score(WORDS, num_samples=4000)
    exact = [log_probability_by_steps(model.network, [token, END]) for token in (4, 5, 6)]
    np.testing.assert_allclose(scores, exact, atol=0.05)
    longer = np.exp(model.score(PAIRS, num_samples=300)).sum()
    empty = np.exp(log_probability_by_steps(model.network, [END]))
    assert 0.5 < empty + np.exp(scores).sum() + longer < 1


# Bags of words


def test_the_score_of_a_bag_is_the_same_in_any_order_of_the_words(build_tiny):
    orders = [" ".join(order) for order in itertools.permutations("aabc")][::5]
    model = build_tiny("bow_vae", tokenizer=WordTokenizer(vocabulary=WORDS), latent_dim=1)
    model.head.raw_scale.bias.assign([1.0])
    exact = exact_log_probabilities(model, orders)
    np.testing.assert_allclose(exact, exact[0], rtol=1e-5)
    np.testing.assert_allclose(model.encode(orders), model.encode(orders[:1] * len(orders)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.score(orders, num_samples=1000), exact, atol=0.05)


def likeliest_bag(probabilities, size):
    """The counts with the largest multinomial probability, of all that there are."""
    bags = [bag for bag in itertools.product(range(size + 1), repeat=len(probabilities)) if sum(bag) == size]
    worth = [sum(n * math.log(p) - math.lgamma(n + 1) for n, p in zip(bag, probabilities, strict=True)) for bag in bags]
    return bags[int(np.argmax(worth))]


@pytest.mark.parametrize("end_token", [True, False])
def test_the_likeliest_bag_is_that_of_all_bags_of_its_size(build_tiny, end_token):
    tokenizer = WordTokenizer(vocabulary=WORDS, end_token=end_token)
    model = build_tiny("bow_vae", tokenizer=tokenizer, latent_dim=2)
    draw = np.random.default_rng(1)
    model.decoder.output_layer.kernel.assign(draw.normal(0, 0.7, [2, 7]))
    model.decoder.output_layer.bias.assign([-1e9, -1e9, 0.0 if end_token else -1e9, -1e9, 0.5, 0.0, 0.7])
    z, sizes = draw.normal(size=[40, 2]), set()
    for text, logits in zip(model.decode(z), model.decoder(tf.constant(z, tf.float32)).numpy(), strict=True):
        probabilities = np.exp(logits.astype(np.float64)) / np.exp(logits.astype(np.float64)).sum()
        # The number of draws up to the first end is expected to be 1 / p(end); the end is one of them.
        size = min(math.ceil(1 / probabilities[END]) - 1, 12) if end_token else 12
        words = text.split()
        assert tuple(words.count(word) for word in WORDS) == likeliest_bag(probabilities[4:], size)
        assert not words or words[0] == WORDS[np.argmax(probabilities[4:])]
        sizes.add(size)
    assert len(sizes) > 4 or not end_token


def bag_of(build_tiny, corpus):
    model = build_tiny("bow_vae", texts=corpus)
    kernel = np.random.default_rng(4).normal(size=model.decoder.output_layer.kernel.shape)
    model.decoder.output_layer.kernel.assign(kernel)
    return model, kernel[:, 4:]


def test_topics_are_the_words_with_the_largest_weights(build_tiny, corpus):
    model, weights = bag_of(build_tiny, corpus)
    for row, topic in zip(weights, model.topics(3), strict=True):
        ways = [sorted(zip(way * row, model.tokenizer.vocabulary, strict=True), reverse=True)[:3] for way in (1, -1)]
        heaviest = max(ways, key=lambda way: sum(weight for weight, _ in way))
        assert topic == [word for _, word in heaviest]
    assert len(model.topics()) == 4 and all(len(topic) == 10 for topic in model.topics())


def test_topics_of_bytes_are_bytes(build_tiny, corpus):
    topics = build_tiny("bow_vae", tokenizer="bytes", texts=corpus).topics(3)
    assert [len(topic) for topic in topics] == [3] * 4


def test_topics_do_not_change_when_a_dimension_is_turned_round(build_tiny, corpus):
    model, _ = bag_of(build_tiny, corpus)
    topics, latents, texts = model.topics(4), model.encode(corpus), model.reconstruct(corpus)
    sign = np.array([1, -1, -1, 1], np.float32)
    model.decoder.output_layer.kernel.assign(sign[:, None] * model.decoder.output_layer.kernel)
    model.head.mean.kernel.assign(sign * model.head.mean.kernel)
    model.head.mean.bias.assign(sign * model.head.mean.bias)
    np.testing.assert_allclose(model.encode(corpus), sign * latents, rtol=1e-5, atol=1e-6)
    assert model.reconstruct(corpus) == texts  # the same model
    assert model.topics(4) == topics


# The prior of an autoencoder


def gaussian_codes(num):
    """Draws of a Gaussian in four dimensions that depend on each other."""
    draw = np.random.default_rng(5)
    return (draw.normal(size=[num, 4]) @ draw.normal(size=[4, 4]) + [3, -1, 0, 2]).astype(np.float32)


def test_one_gaussian_has_the_mean_and_covariance_of_its_codes(build_tiny, corpus):
    model = build_tiny("dense_ae", texts=corpus, mixture_components=1)
    codes = gaussian_codes(300)
    model.fit_prior(codes)
    mean, covariance = codes.mean(axis=0), np.cov(codes.T, bias=True)
    np.testing.assert_allclose(model.prior().mean(), mean, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(model.prior().covariance(), covariance, rtol=1e-3, atol=2e-4)
    # What it writes from has these moments: 4,000 draws, an error of about 0.016 standard deviations.
    model.begin = lambda z, condition: z
    drawn = tf.function(model.draw)(sampling.row_seeds(9, tf.range(4000)))
    samples = model.start(drawn, tf.zeros([4000, 0])).numpy()
    deviations = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose((samples.mean(axis=0) - mean) / deviations, 0, atol=0.08)
    np.testing.assert_allclose(np.cov(samples.T) / np.outer(deviations, deviations), np.corrcoef(codes.T), atol=0.12)


def test_a_mixture_finds_groups_of_codes_and_how_many_are_in_each(build_tiny, corpus):
    model = build_tiny("dense_ae", texts=corpus, mixture_components=2)
    codes = gaussian_codes(300)
    codes[200:] += 100
    model.fit_prior(codes)
    first, second = np.argsort(np.asarray(model.mixture_means)[:, 0])
    weights = np.exp(model.mixture_logits)
    np.testing.assert_allclose(weights[[first, second]], [2 / 3, 1 / 3], rtol=1e-4)
    for component, group in ((first, codes[:200]), (second, codes[200:])):
        scale = np.asarray(model.mixture_scales)[component]
        np.testing.assert_allclose(np.asarray(model.mixture_means)[component], group.mean(axis=0), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(scale @ scale.T, np.cov(group.T, bias=True), rtol=1e-2, atol=1e-2)


def test_fewer_codes_than_gaussians_are_no_hindrance(build_tiny, corpus):
    model = build_tiny("dense_ae", texts=corpus, mixture_components=10)
    codes = 10 * gaussian_codes(3)
    model.fit_prior(codes)
    samples = model.prior().sample(50, seed=1).numpy()
    # Each Gaussian is one code, with the least variance, 0.0001.
    distances = np.linalg.norm(samples[:, None] - codes, axis=-1)
    assert distances.min(axis=1).max() < 0.1 and len(set(distances.argmin(axis=1))) == 3


def test_fit_fits_the_prior_to_the_codes_of_the_training_texts(build_tiny, corpus):
    model = build_tiny("dense_ae", mixture_components=1)
    model.fit(corpus, batch_size=16, epochs=1, verbose=0)
    codes = model.encode(corpus)
    np.testing.assert_allclose(model.prior().mean(), codes.mean(axis=0), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(model.prior().covariance(), np.cov(codes.T, bias=True), rtol=2e-2, atol=2e-4)


def test_the_prior_is_restored_from_a_saved_file(fitted, saved):
    first, second = (model.prior() for model in (fitted("dense_ae"), zoo.load(saved("dense_ae"))))
    z = gaussian_codes(20)
    np.testing.assert_array_equal(first.log_prob(z), second.log_prob(z))
    standard = -0.5 * (z**2).sum(axis=1) - 2 * np.log(2 * np.pi)
    assert np.abs(first.log_prob(z) - standard).min() > 0.01  # it is not what a new model has

import collections
import itertools

import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen.errors import InputError
from training import against_grammar, corpora
from training.evaluation import evaluate
from training.judging import Figures, Judge


@pytest.fixture(scope="module")
def reviews():
    return corpora.load("reviews")


def likelihood_against_grammar(*arguments):
    return Figures().take(against_grammar.likelihood_against_grammar(*arguments))


def samples_against_grammar(*arguments):
    return Figures().take(against_grammar.samples_against_grammar(*arguments))


def test_the_grammar_itself_stands_on_the_floor(reviews):
    texts = reviews.test[:500]
    figures = likelihood_against_grammar(texts, -reviews.log_prob(texts), {}, reviews)
    figures |= samples_against_grammar(reviews.sample(200, 9), {}, reviews)
    assert figures["over_floor"] == pytest.approx(0, abs=1e-12)
    assert figures["novel_nll"] == figures["novel_floor"]
    assert figures["grammatical"] == 1
    assert figures["entropy"] == pytest.approx(reviews.entropy(), abs=1e-6)


def test_samples_are_compared_with_the_grammar(reviews):
    true = reviews.sample(3000, 1)
    figures = samples_against_grammar(true, {}, reviews)
    nats = -reviews.log_prob(true)
    assert figures["samples_nll"] == pytest.approx(nats.mean(), abs=1e-6)
    # Means of 3,000 draws; four standard errors. The shares of 24 and more combinations vary by chance alone.
    assert figures["samples_nll"] == pytest.approx(reviews.entropy(), abs=4 * nats.std() / np.sqrt(3000))
    assert figures["coverage"] == pytest.approx(1, abs=0.1)
    assert figures["attribute_distance"] < 0.1
    one = samples_against_grammar([true[0]] * 50, {}, reviews)
    probability = np.exp(reviews.log_prob([true[0]]))[0]
    drawn = np.exp(reviews.log_prob(sorted(set(reviews.sample(50, 0))))).sum()
    assert one["coverage"] == pytest.approx(probability / drawn, abs=1e-6)
    values = {name: [value] for name, value in reviews.attributes(true[0]).items()}
    assert one["attribute_distance"] == pytest.approx(1 - np.exp(reviews.attributes_log_prob(values))[0], abs=1e-6)
    positive = samples_against_grammar(reviews.sample(500, 2, sentiment="positive"), {}, reviews)
    missing = 1 - np.exp(reviews.attributes_log_prob({"sentiment": ["positive"]}))[0]
    assert positive["attribute_distance"] == pytest.approx(missing, abs=0.1)
    assert "samples_nll" not in samples_against_grammar(["pizza the was."], {}, reviews)


def test_figures_against_the_grammar_are_counted_by_hand(reviews):
    texts = [reviews.train[0], *reviews.novel[:3]]
    nats = np.array([10.0, 20.0, 30.0, 40.0])
    samples = ["pizza the was.", reviews.train[1], reviews.novel[0], "were pizza."]
    figures = likelihood_against_grammar(texts, nats, {}, reviews) | samples_against_grammar(samples, {}, reviews)
    assert (figures["grammatical"], figures["error_structure"], figures["error_length"]) == (0.5, 0.25, 0.25)
    assert figures["novel_nll"] == 30
    assert figures["novel_floor"] == pytest.approx(-reviews.log_prob(texts[1:]).mean(), abs=1e-6)
    assert figures["over_floor"] == pytest.approx(25 / -reviews.log_prob(texts).mean() - 1, abs=1e-6)


def test_the_model_is_judged_by_the_grammar_that_is_given(tiny_run, reviews):
    model = zoo.load(tiny_run.path)
    judge = Judge(reviews.test[:50], reviews.train[:300], grammar=reviews)
    figures = evaluate(model, reviews.test[:20], num_samples=2, grammar=reviews, judge=judge, num=5)
    assert figures["samples"] == 5
    assert figures["over_floor"] == pytest.approx(figures["nll"] / figures["floor"] - 1, rel=1e-4)


def test_figures_agree_with_each_other(tiny_run):
    model = zoo.load(tiny_run.path)
    texts = tiny_run.config.load_corpus().valid
    figures = evaluate(model, texts, num_samples=4, seed=1)
    nats = -model.score(list(texts), num_samples=4, seed=1)
    assert figures["nll"] == pytest.approx(nats.mean(), rel=1e-5)
    assert figures["tokens"] == sum(len(text.replace(",", " ,").replace(".", " .").split()) + 1 for text in texts)
    assert figures["perplexity"] == pytest.approx(np.exp(nats.sum() / figures["tokens"]), rel=1e-5)
    lengths = model.ids(list(texts)).row_lengths().numpy()
    assert figures["perplexity_by_text"] == pytest.approx(np.exp(np.mean(nats / lengths)), rel=1e-5)
    bound = -model.score(list(texts), num_samples=1, seed=1)
    assert figures["elbo_perplexity_by_text"] == pytest.approx(np.exp(np.mean(bound / lengths)), rel=1e-5)
    assert figures["mutual_information"] <= figures["mutual_information_cap"] + 1e-9
    assert 0 <= figures["active_units"] <= 4


def test_the_probabilities_of_attributes_are_exact(reviews):
    values = reviews.attribute_values
    every = list(itertools.product(*values.values()))
    labels = {name: [row[place] for row in every] for place, name in enumerate(values)}
    probabilities = np.exp(reviews.attributes_log_prob(labels))
    assert probabilities.sum() == pytest.approx(1)
    drawn = collections.Counter(zip(*(reviews.train.labels[name] for name in values), strict=True))
    for row, probability in zip(every, probabilities, strict=True):
        deviation = np.sqrt(probability * (1 - probability) / 50_000)
        assert drawn[row] / 50_000 == pytest.approx(probability, abs=5 * deviation + 1e-9), row
    with pytest.raises(InputError, match="did you mean 'sentiment'"):
        reviews.attributes_log_prob({"sentimant": ["positive"]})


def test_the_floor_given_attributes_is_lower_by_their_information(reviews):
    texts = reviews.test.take(range(50))
    labels = texts.labels
    figures = likelihood_against_grammar(texts, np.full(50, 30.0), labels, reviews)
    information = -reviews.attributes_log_prob(labels).mean()
    assert information > 1
    assert figures["floor"] == pytest.approx(-reviews.log_prob(texts).mean() - information, abs=1e-6)


def test_control_is_counted_among_grammatical_samples(reviews):
    samples = [*reviews.sample(3, 1, sentiment="positive", tense="past"), "pizza the was."]
    asked = {
        "sentiment": ["positive", "positive", "negative", "positive"],
        "tense": ["past", "present", "past", "past"],
    }
    figures = samples_against_grammar(samples, asked, reviews)
    assert figures["grammatical"] == 0.75
    assert figures["control"] == pytest.approx(1 / 3, abs=1e-6)
    assert figures["control_sentiment"] == figures["control_tense"] == pytest.approx(2 / 3, abs=1e-6)


def test_what_is_wrong_with_a_text_is_named(reviews):
    assert reviews.error("the pizza was great.") is None
    wrong = {
        "the pizza.": "length",
        "the pizza was zorp.": "unknown word",
        "the pizza was great": "ending",
        "the pizza were great.": "one word",
        "great the was pizza.": "structure",
    }
    assert {text: reviews.error(text) for text in wrong} == wrong


def test_planted_failures_are_seen(reviews):
    real = list(reviews.sample(200, 5))
    judge = Judge(reviews.test, reviews.train[:2000], grammar=reviews)
    draw = np.random.default_rng(0)
    shuffled = [" ".join(draw.permutation(text.split())) for text in real]
    truth, copied, one, mixed = (
        judge.figures(texts) for texts in (real, reviews.train[:200], [real[0]] * 200, shuffled)
    )
    # Copies of training texts.
    assert copied["novel_samples"] == 0 and copied["longest_copy"] == copied["sample_words"]
    assert truth["novel_samples"] > 0.5 and truth["longest_copy"] < truth["sample_words"] - 3
    assert copied.intervals["longest_copy"][0] > truth.intervals["longest_copy"][1]
    # One good text again and again.
    assert one["distinct"] == 0.005 and one["self_bleu_4"] == 1 and one["grammatical"] == 1
    assert one["reverse_perplexity"] > 3 * truth["reverse_perplexity"] and one["mauve"] < 0.1 < truth["mauve"]
    assert truth["recall"] > 0.5 > one["recall"]
    # Words in any order.
    assert mixed["forward_perplexity"] > 5 * truth["forward_perplexity"] and mixed["grammatical"] < 0.05
    assert mixed["bleu_4"] < truth["bleu_4"] / 2


def test_a_latent_that_is_not_used_is_seen(tiny_run):
    model = zoo.load(tiny_run.path)
    texts = tiny_run.config.load_corpus().train.take(range(100))
    model.head.mean.kernel.assign(100 * model.head.mean.kernel)  # a few steps have not parted the texts yet
    before = evaluate(model, texts, num_samples=1)
    for weight in model.head.trainable_variables:  # the posterior is then the same for all texts
        weight.assign(tf.zeros_like(weight))
    after = evaluate(model, texts, num_samples=1)
    assert before["active_units"] > 0 and before["mutual_information"] > 0.1
    assert after["active_units"] == 0 and after["mutual_information"] == pytest.approx(0, abs=1e-3)


def test_the_judge_repeats_itself_and_knows_empty_texts(reviews):
    judge = Judge(reviews.test[:50], reviews.train[:300])
    written = ["the pizza was great.", "", "the pizza was great."]
    figures = judge.figures(written)
    again = judge.figures(written)
    assert figures == again and figures.intervals == again.intervals
    assert figures["sample_words"] == pytest.approx(10 / 3, abs=1e-6) and "grammatical" not in figures
    assert figures["distinct"] == pytest.approx(2 / 3, abs=1e-6)

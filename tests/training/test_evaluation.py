import numpy as np
import pytest

import zoo
from training import corpora
from training.evaluation import evaluate, evaluate_against_grammar


class WritesTheGrammar:
    """A model that is the grammar itself: its figures must be the exact ones."""

    def __init__(self, corpus, spoiled=0):
        self.corpus, self.spoiled = corpus, spoiled

    def generate(self, num, seed):
        texts = list(self.corpus.sample(num, seed + 123))
        return ["pizza the was."] * self.spoiled + texts[self.spoiled :]

    def score(self, texts, num_samples, seed):
        return self.corpus.log_prob(texts)


@pytest.fixture(scope="module")
def reviews():
    return corpora.load("reviews")


def test_the_grammar_itself_stands_on_the_floor(reviews):
    figures = evaluate_against_grammar(WritesTheGrammar(reviews), reviews, num=200)
    assert figures["over_floor"] == pytest.approx(0, abs=1e-9)
    assert figures["novel_nll"] == pytest.approx(figures["novel_floor"])
    assert figures["grammatical"] == 1
    assert figures["entropy"] == pytest.approx(reviews.entropy(), abs=1e-6)


def test_ungrammatical_samples_are_counted(reviews):
    assert evaluate_against_grammar(WritesTheGrammar(reviews, spoiled=50), reviews, num=200)["grammatical"] == 0.75


def test_figures_agree_with_each_other(tiny_run):
    model = zoo.load(tiny_run.path)
    texts = tiny_run.config.load_corpus().valid
    figures = evaluate(model, texts, num_samples=4, seed=1)
    nats = -model.score(list(texts), num_samples=4, seed=1)
    assert figures["nll"] == pytest.approx(nats.mean(), rel=1e-5)
    assert figures["tokens"] == sum(len(text.replace(",", " ,").replace(".", " .").split()) + 1 for text in texts)
    assert figures["perplexity"] == pytest.approx(np.exp(nats.sum() / figures["tokens"]), rel=1e-5)
    assert figures["mutual_information"] <= figures["mutual_information_cap"] + 1e-9
    assert 0 <= figures["active_units"] <= 4

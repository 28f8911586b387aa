"""The corpus of restaurant reviews: what its texts are, and that its numbers are exact."""

import math
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from keras_textgen.errors import InputError
from training.corpora import ReviewsCorpus, list_corpora, load
from training.corpora.ambiguity import find_ambiguity
from training.corpora.chart import Chart
from training.corpora.notation import is_symbol
from training.corpora.reviews_corpus import reviews_grammar, words_of, write

ATTRIBUTES = {
    "sentiment": ("positive", "negative", "mixed"),
    "tense": ("past", "present", "future"),
    "topic": ("food", "drinks", "service", "place", "price"),
    "number": ("singular", "plural"),
}

TRAIN_BEGINS = ["the owners are too cold for us.", "the sodas will be amazing.", "the burger was appetizing."]
VALID_BEGINS = [
    "i will really praise their great baker next time.",
    "the cider is pathetic, but the host behind the bar is excellent.",
]
TEST_BEGINS = ["sadly, the salad was not at all delicious.", "the second tea will be fresh but watery."]
SAMPLE_BEGINS = ["the patio will be so clean, but both families will get several ridiculous waffles."]


@pytest.fixture(scope="module")
def corpus():
    return load("reviews", seed=0)


@pytest.fixture(scope="module")
def drawn(corpus):
    """20,000 independent texts."""
    return corpus.sample(20_000, 11)


def test_sizes_labels_and_door(corpus):
    assert list_corpora() == ["reviews"]
    assert isinstance(corpus, ReviewsCorpus)
    assert corpus.name == "reviews"
    assert [len(part) for part in (corpus.train, corpus.valid, corpus.test)] == [50_000, 2_000, 2_000]
    assert corpus.attribute_values == ATTRIBUTES
    for part in (corpus.train, corpus.valid, corpus.test):
        assert {name: len(values) for name, values in part.labels.items()} == dict.fromkeys(ATTRIBUTES, len(part))


def test_the_draw_for_seed_0_is_pinned(corpus):
    assert corpus.train[:3] == TRAIN_BEGINS
    assert corpus.valid[:2] == VALID_BEGINS
    assert corpus.test[:2] == TEST_BEGINS
    assert corpus.sample(1, 5, sentiment="mixed", tense="future") == SAMPLE_BEGINS


def test_other_seeds_give_other_texts(corpus):
    other = load("reviews", seed=1)
    assert other.train[:100] != corpus.train[:100]
    assert len({tuple(part[:100]) for part in (corpus.train, corpus.valid, corpus.test)}) == 3
    assert load("reviews", seed=1).test == other.test


def test_difficulty_is_as_announced(corpus):
    assert 22 <= corpus.entropy() <= 28
    words = Counter(word for text in corpus.train for word in words_of(text))
    assert set(words) == set(corpus.vocabulary)
    assert 300 <= len(corpus.vocabulary) <= 600
    assert min(words.values()) >= 60
    lengths = [len(words_of(text)) for text in corpus.train]
    assert 4 <= min(lengths) <= max(lengths) <= 20
    assert 10 <= np.mean(lengths) <= 11.5
    overlap = 1 - len(corpus.novel) / len(corpus.test)
    assert 0.05 <= overlap <= 0.25


def test_no_attribute_value_is_rare(corpus):
    for name, values in corpus.attribute_values.items():
        counts = Counter(corpus.train.labels[name])
        assert set(counts) == set(values)
        assert min(counts.values()) >= 0.1 * len(corpus.train)


def test_novel_are_the_test_texts_that_train_lacks(corpus):
    train = set(corpus.train)
    assert corpus.novel == [text for text in corpus.test if text not in train]


def test_every_text_has_exactly_one_derivation():
    """A proof for all texts of up to 20 words, so that the entropy of derivations is that of texts."""
    assert find_ambiguity(reviews_grammar()) is None


def test_counting_derivations_of_samples(drawn):
    chart = Chart(reviews_grammar(), count=True)
    assert {chart.whole(words_of(text))["TEXT"] for text in drawn[:5_000]} == {1}


def test_every_symbol_of_the_grammar_is_used():
    rules = reviews_grammar().rules
    reached, todo = {"TEXT"}, ["TEXT"]
    while todo:
        below = {item for _, right in rules[todo.pop()] for item in right if is_symbol(item)} - reached
        reached |= below
        todo += below
    assert set(rules) == reached


def test_mean_of_log_prob_agrees_with_the_exact_entropy(corpus, drawn):
    surprise = -corpus.log_prob(drawn)
    assert surprise.dtype == np.float64
    error = surprise.std() / math.sqrt(len(surprise))
    assert abs(surprise.mean() - corpus.entropy()) < 4 * error


def texts_from(grammar, start, longest):
    """The words of every derivation from `start` of at most `longest` words."""
    shortest = {node: np.flatnonzero(masses)[0] for node, masses in grammar.masses.items()}

    def expand(items):
        at = next((position for position, item in enumerate(items) if is_symbol(item)), None)
        if at is None:
            yield items
            return
        for _, right in grammar.rules[items[at]]:
            longer = (*items[:at], *right, *items[at + 1 :])
            if sum(shortest[item] for item in longer) <= longest:
                yield from expand(longer)

    return list(expand((start,)))


def test_probabilities_of_all_short_texts_sum_to_the_mass_of_their_length(corpus):
    grammar = reviews_grammar()
    start = "SENTENCE[present,price,negative,plural]"
    weight = next(probability for probability, right in grammar.rules["TEXT"] if right == (start,))
    texts = texts_from(grammar, start, 6)
    assert len(texts) == len(set(texts)) > 1_000
    probabilities = np.exp(corpus.log_prob(write(words) for words in texts))
    for length in (5, 6):
        total = sum(p for p, words in zip(probabilities, texts, strict=True) if len(words) == length)
        assert total == pytest.approx(weight * grammar.masses[start][length] / grammar.mass(), rel=1e-9)


@pytest.mark.parametrize("given", [{"sentiment": "mixed"}, {"tense": "past", "topic": "price"}, {"number": "plural"}])
def test_conditioned_samples_have_the_attributes(corpus, given):
    texts = corpus.sample(300, 3, **given)
    for position, text in enumerate(texts):
        found = corpus.attributes(text)
        assert given.items() <= found.items()
        assert found == {name: values[position] for name, values in texts.labels.items()}


def share_of(length, **given):
    """The exact probability of the attributes given, together with a length in words (None: any length)."""
    grammar = reviews_grammar()
    fitting = [(p, right[0]) for p, right in grammar.rules["TEXT"] if all(v in right[0] for v in given.values())]
    masses = [p * (grammar.mass(start) if length is None else grammar.masses[start][length]) for p, start in fitting]
    return sum(masses) / grammar.mass()


def test_attributes_have_their_exact_shares(drawn):
    for value in ATTRIBUTES["topic"]:
        share = share_of(None, topic=value)
        found = drawn.labels["topic"].count(value) / len(drawn)
        assert found == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / len(drawn)))


def test_conditioned_sampling_follows_bayes_rule(corpus, drawn):
    """Among conditioned texts a length has the share p(length, attributes) / p(attributes), and so has log p."""
    given = {"sentiment": "negative", "topic": "food"}
    conditioned = corpus.sample(4_000, 8, **given)
    lengths = Counter(len(words_of(text)) for text in conditioned)
    for length in (5, 9, 14):
        share = share_of(length, **given) / share_of(None, **given)
        assert lengths[length] / 4_000 == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / 4_000))
    fit = [i for i in range(len(drawn)) if all(drawn.labels[name][i] == value for name, value in given.items())]
    assert len(fit) > 1_000
    chosen, direct = corpus.log_prob(drawn.take(fit)), corpus.log_prob(conditioned)
    error = math.sqrt(chosen.var() / len(chosen) + direct.var() / len(direct))
    assert abs(chosen.mean() - direct.mean()) < 4 * error


@pytest.mark.parametrize(
    ("text", "sentiment", "tense", "topic", "number"),
    [
        ("the pizza was great.", "positive", "past", "food", "singular"),
        ("the waiters that my friend recommended were rude.", "negative", "past", "service", "plural"),
        ("the soup with the fresh herbs was cold.", "negative", "past", "food", "singular"),
        ("the pizza was great, but the waiters were rude.", "mixed", "past", "food", "singular"),
        ("although the rooms are dark, the prices are fair.", "mixed", "present", "price", "plural"),
        ("we will love the cocktails next time.", "positive", "future", "drinks", "plural"),
        (
            "my friend said that my wife thought that the bill was very, very high.",
            "negative",
            "past",
            "price",
            "singular",
        ),
        ("what a lovely place this is!", "positive", "present", "place", "singular"),
    ],
)
def test_known_texts(corpus, text, sentiment, tense, topic, number):
    assert corpus.is_grammatical(text)
    found = {"sentiment": sentiment, "tense": tense, "topic": topic, "number": number}
    assert corpus.attributes(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "the pizza were great.",
        "the waiters that my friend recommended was rude.",
        "the pizza was great, but the waiters are rude.",
        "the pizza was great, and the waiters were rude.",
        "the pizza was great, but the waiters were kind.",
        "the pizza was great, but the waiters rude.",
        "pizza was great.",
        "the waiter was salty.",
        "there was an great pizza on the menu.",
        "we will love the cocktails last night.",
        "my friend say that the soup was cold.",
        "the pizza was great",
        "the pizza was zesty.",
        "was great the pizza.",
        "",
    ],
)
def test_ungrammatical_texts_are_rejected(corpus, text):
    assert not corpus.is_grammatical(text)
    assert corpus.log_prob([text])[0] == -math.inf
    with pytest.raises(InputError, match="not a text of the reviews grammar"):
        corpus.attributes(text)


def test_texts_longer_than_20_words_are_outside(corpus):
    text = "the noodles were " + "very, " * 7 + "very salty."
    assert len(words_of(text)) == 20
    assert corpus.is_grammatical(text)
    assert not corpus.is_grammatical(text.replace("noodles", "other noodles"))


def test_edits_of_drawn_texts_are_rejected(corpus, drawn):
    swaps = {" was ": " were ", " were ": " was ", " is ": " are ", " are ": " is "}
    edited = [text.replace(old, new, 1) for text in drawn[:600] for old, new in swaps.items() if old in text]
    edited = [text for text in edited if not text.startswith(("i ", "that ", "those "))]
    assert len(edited) > 200
    assert np.isneginf(corpus.log_prob(edited)).all()


def test_spacing_and_capitals_do_not_matter(corpus):
    first, second = corpus.log_prob(
        ["the pizza was great, but we hated the bill.", "The pizza was great , but we hated the bill ."]
    )
    assert first == second > -30
    assert all(write(words_of(text)) == text for text in corpus.test)


def test_labels_are_the_attributes(corpus):
    for position in range(0, 2_000, 10):
        labels = {name: values[position] for name, values in corpus.test.labels.items()}
        assert corpus.attributes(corpus.test[position]) == labels


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda corpus: corpus.sample(1, 0, mood="positive"), "attribute 'mood'"),
        (lambda corpus: corpus.sample(1, 0, tense="psat"), "did you mean 'past'"),
        (lambda corpus: corpus.sample(-1, 0), "num must be"),
        (lambda corpus: corpus.sample(1.5, 0), "num must be"),
        (lambda corpus: corpus.sample(1, -1), "seed must be"),
        (lambda corpus: corpus.log_prob("the pizza was great."), "list"),
        (lambda corpus: corpus.log_prob([None]), "must be a string"),
        (lambda corpus: load("reviews", labels=["tense"]), "options for files"),
        (lambda corpus: load("reviews", seed=-1), "seed must be"),
        (lambda corpus: load("review"), "did you mean 'reviews'"),
    ],
)
def test_unusable_arguments_are_named(corpus, call, message):
    with pytest.raises(InputError, match=message):
        call(corpus)


def test_nothing_to_draw_and_nothing_to_score(corpus):
    empty = corpus.sample(0, 1)
    assert empty == []
    assert set(empty.labels) == set(ATTRIBUTES)
    assert corpus.log_prob([]).shape == (0,)


def test_take_keeps_labels(corpus):
    chosen = corpus.test.take([3, 1])
    assert chosen == [corpus.test[3], corpus.test[1]]
    assert chosen.labels["topic"] == [corpus.test.labels["topic"][3], corpus.test.labels["topic"][1]]


def test_importing_is_light():
    code = "import sys, training.corpora; sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""Restaurant reviews drawn from a grammar, so that the probability of every text is known exactly."""

import collections
import functools
import math
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
from training.corpora.chart import Chart
from training.corpora.corpus import Corpus, Texts
from training.corpora.grammar import Grammar
from training.corpora.notation import read_grammar
from training.corpora.reviews import FEATURES, LONGEST, RULES, SHORTEST

SIZES = {"train": 50_000, "valid": 2_000, "test": 2_000}
# In the order in which the grammar writes them: SENTENCE[tense, topic, sentiment, number].
ATTRIBUTES = ("tense", "topic", "sentiment", "number")

ERRORS = ("length", "unknown word", "ending", "one word", "structure")


@functools.cache
def reviews_grammar() -> Grammar:
    """The grammar of the reviews, read once."""
    return Grammar(read_grammar(RULES, FEATURES), "TEXT", SHORTEST, LONGEST)


@functools.cache
def _chart() -> Chart:
    return Chart(reviews_grammar())


class ReviewsCorpus(Corpus):
    """50,000 / 2,000 / 2,000 independent draws from the grammar, each with its four attributes as labels.

    The three parts have the same distribution and may share texts. The mean of -log_prob over the test texts is a
    floor (in nats a text) that no model gets below but by luck. `attribute_values` maps each attribute to its
    values; `vocabulary` holds all words and punctuation marks that the grammar can write, sorted.
    """

    def __init__(self, seed: int = 0):
        """Draws the texts: the same for the same `seed` everywhere. Raises InputError unless it is an int >= 0."""
        self.seed = whole(0, seed=seed)
        self.attribute_values = {name: tuple(FEATURES[name]) for name in sorted(ATTRIBUTES)}
        self.vocabulary = reviews_grammar().words
        parts = {part: self._draw(size, [self.seed, position]) for position, (part, size) in enumerate(SIZES.items())}
        super().__init__("reviews", **parts)

    @functools.cached_property
    def novel(self) -> list[str]:
        """The test texts that are not among the train texts, in order, with duplicates."""
        seen = set(self.train)
        return [text for text in self.test if text not in seen]

    def log_prob(self, texts: Iterable[str]) -> np.ndarray:
        """The natural log of each text's probability: float64 [number of texts], -inf where it is ungrammatical.

        Raises InputError if given a single text instead of a list of them.
        """
        if isinstance(texts, str):
            raise InputError("log_prob takes a list of texts, not a single text; put it into a list")
        total = math.log(reviews_grammar().mass())
        found = (_whole(text).get("TEXT", 0.0) for text in texts)
        return np.array([math.log(value) - total if value else -math.inf for value in found], dtype=np.float64)

    def attributes_log_prob(self, labels: Mapping[str, Sequence[str]]) -> np.ndarray:
        """The natural log of the probability that a text has the attributes `labels`: float64 [number of texts].

        `labels` gives some of the attributes, one value a text. Raises InputError for an unknown one.
        """
        names, grammar = sorted(labels), reviews_grammar()
        for name in names:
            for value in set(labels[name]):
                self._check({name: value})
        masses = collections.Counter()
        for (_, right), mass in zip(grammar.rules["TEXT"], grammar.mass_by_rule(), strict=True):
            found = _attributes(right[0])
            masses[tuple(found[name] for name in names)] += mass / grammar.mass()
        wanted = zip(*(labels[name] for name in names), strict=True)
        return np.log(np.array([masses[values] for values in wanted], dtype=np.float64))

    def _check(self, attributes: Mapping[str, str]) -> None:
        """Raises InputError for an unknown attribute or value."""
        for name, value in attributes.items():
            if name not in self.attribute_values:
                raise unknown("attribute", name, self.attribute_values)
            if value not in self.attribute_values[name]:
                raise unknown(name, value, self.attribute_values[name])

    def entropy(self) -> float:
        """The exact entropy of the distribution in nats a text: the mean of -log_prob over all texts."""
        return reviews_grammar().entropy()

    def is_grammatical(self, text: str) -> bool:
        """Whether the grammar can write this text (4 to 20 words and punctuation marks; spacing doesn't matter)."""
        return "TEXT" in _whole(text)

    def error(self, text: str) -> str | None:
        """What is wrong with a text: None for nothing, or the first of `ERRORS` that fits.

        "length": fewer or more words than any text; "unknown word": one that no text has; "ending": no final mark;
        "one word": another word in one place would make it right; "structure": anything else.
        """
        words = words_of(text)
        if not SHORTEST <= len(words) <= LONGEST:
            return "length"
        if not set(self.vocabulary).issuperset(words):
            return "unknown word"
        if "TEXT" in _chart().whole(words):
            return None
        if words[-1] not in (".", "!"):
            return "ending"
        others = ([*words[:place], None, *words[place + 1 :]] for place in range(len(words)))
        return "one word" if any("TEXT" in _chart().whole(other) for other in others) else "structure"

    def attributes(self, text: str) -> dict[str, str]:
        """The value of each attribute of a text. Raises InputError if the grammar can't write it."""
        found = _whole(text)
        if "TEXT" not in found:
            raise InputError(f"not a text of the reviews grammar: {text!r}; its attributes are not defined")
        sentence = next(node for node in found if isinstance(node, str) and node.startswith("SENTENCE["))
        return _attributes(sentence)

    def sample(self, num: int, seed: int, **attributes: str) -> Texts:
        """Draws `num` texts that have the given attributes (sentiment="positive", tense="past"), with all labels.

        The distribution is exactly that of the grammar's texts with these attributes. Raises InputError for an
        unknown attribute or value, and for a `num` or `seed` that is not an int >= 0.
        """
        self._check(attributes)
        return self._draw(whole(0, num=num), [whole(0, seed=seed), len(SIZES)], attributes)

    def _draw(self, num: int, seeds: list[int], attributes: dict[str, str] | None = None) -> Texts:
        wanted = (attributes or {}).items()
        grammar = reviews_grammar()
        starts = [rule for rule in grammar.rules["TEXT"] if wanted <= _attributes(rule[1][0]).items()]
        generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seeds)))
        drawn = grammar.sample(num, generator, starts)
        values = [_attributes(sentence) for sentence, _ in drawn]
        labels = {name: [value[name] for value in values] for name in self.attribute_values}
        return Texts((write(words) for _, words in drawn), labels)


def write(words: list[str]) -> str:
    """The text of a list of words and punctuation marks: no space before a mark."""
    return re.sub(r" (?=[.,!?;:])", "", " ".join(words))


def words_of(text: str) -> list[str]:
    """The words and punctuation marks of a text, in lower case. Raises InputError for what is no string."""
    if not isinstance(text, str):
        raise InputError(f"a text must be a string, not {text!r}")
    return re.sub(r"([.,!?;:])", r" \1 ", text.lower()).split()


def _whole(text: str) -> dict:
    words = words_of(text)
    return _chart().whole(words) if SHORTEST <= len(words) <= LONGEST else {}


@functools.cache
def _attributes(sentence: str) -> dict[str, str]:
    values = sentence.removeprefix("SENTENCE[").removesuffix("]").split(",")
    return dict(zip(ATTRIBUTES, values, strict=True))

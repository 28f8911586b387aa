"""The grammar engine, against everything counted one by one on grammars that are small enough for that."""

import math
from collections import Counter

import numpy as np
import pytest

from training.corpora.ambiguity import find_ambiguity
from training.corpora.chart import Chart
from training.corpora.grammar import Grammar
from training.corpora.notation import is_symbol, read_grammar

FEATURES = {
    "number": {"singular": 3, "plural": 1},
    "form": {"bare": 1, "third": 2, "past": 1},
}
TOY = """
TEXT
    3: SUBJECT[number] VERB[number] HOW .
    1: SUBJECT[number] VERB[number] .   # a comment
SUBJECT[number]
    2: the NOUN[number]
    1: the NOUN[number] that SUBJECT[number2] VERB[number2]
NOUN[singular] = cat | dog
NOUN[plural]
    3: cats
    1: dogs
VERB[singular] = DO[third]
VERB[plural] = DO[bare]
DO[form] = sing/sings/sang
HOW
    5: well
    1: very HOW | HOWEVER
HOWEVER = badly
"""
# "a a a" has two derivations here, "a" and "a a" have one.
AMBIGUOUS = """
TEXT
    2: LETTER
    1: PAIR LETTER | LETTER PAIR
    1: LETTER LETTER
PAIR = LETTER LETTER
LETTER = a
"""


def derivations(rules, items, longest):
    """Yields (words, probability) of every derivation of at most `longest` words."""
    at = next((position for position, item in enumerate(items) if is_symbol(item)), None)
    if at is None:
        yield items, 1.0
        return
    for probability, right in rules[items[at]]:
        longer = (*items[:at], *right, *items[at + 1 :])
        if len(longer) <= longest:
            for words, inner in derivations(rules, longer, longest):
                yield words, probability * inner


@pytest.fixture(scope="module")
def toy():
    return Grammar(read_grammar(TOY, FEATURES), "TEXT", 4, 9)


@pytest.fixture(scope="module")
def toy_texts(toy):
    """All texts of the toy grammar with their probabilities."""
    every = Counter()
    for words, probability in derivations(toy.rules, ("TEXT",), 9):
        if len(words) >= 4:
            every[words] += probability
    total = sum(every.values())
    return {words: probability / total for words, probability in every.items()}


def test_alternatives_share_the_weight_as_written(toy):
    rules = {right: probability for probability, right in toy.rules["TEXT"]}
    assert rules[("SUBJECT[singular]", "VERB[singular]", "HOW", ".")] == pytest.approx(3 / 4 * 3 / 4)
    assert rules[("SUBJECT[plural]", "VERB[plural]", ".")] == pytest.approx(1 / 4 * 1 / 4)
    assert toy.rules["DO[third]"] == [(1.0, ("sings",))]
    assert [probability for probability, _ in toy.rules["HOW"]] == pytest.approx([5 / 7, 1 / 7, 1 / 7])


def test_a_rule_without_a_way_out_leaves_its_weight_to_the_others():
    rules = read_grammar("TEXT\n  1: NOUN[number] | end\nNOUN[plural] = cats", FEATURES)
    assert rules["TEXT"] == [(0.5, ("NOUN[plural]",)), (0.5, ("end",))]


def test_other_values_differ_from_the_value_itself():
    rules = read_grammar("TEXT = WORD[number] WORD[other_number]\nWORD[number] = a", FEATURES)
    rights = {right for _, right in rules["TEXT"]}
    assert rights == {("WORD[singular]", "WORD[plural]"), ("WORD[plural]", "WORD[singular]")}


@pytest.mark.parametrize(
    ("text", "message"),
    [("TEXT = NUON", "NUON"), ("TEXT = NOUN[numbr]\nNOUN[number] = a", "numbr"), ("NOUN[size] = a", "size")],
)
def test_slips_in_a_grammar_are_named(text, message):
    with pytest.raises(ValueError, match=message):
        read_grammar(text, FEATURES)


def test_rewriting_a_symbol_to_itself_is_refused():
    grammar = Grammar(read_grammar("TEXT = LOOP | a\nLOOP = TEXT", {}), "TEXT", 1, 3)
    with pytest.raises(ValueError, match="itself"):
        grammar.mass()


def test_mass_and_lengths_match_the_sum_over_all_texts(toy):
    lengths = np.zeros(10)
    for words, probability in derivations(toy.rules, ("TEXT",), 9):
        lengths[len(words)] += probability
    np.testing.assert_allclose(toy.masses["TEXT"], lengths, rtol=1e-12)
    assert toy.mass() == pytest.approx(lengths[4:].sum(), rel=1e-12)


def test_entropy_matches_the_sum_over_all_texts(toy, toy_texts):
    assert len(toy_texts) > 90
    assert toy.entropy() == pytest.approx(-sum(p * math.log(p) for p in toy_texts.values()), rel=1e-12)


def test_parsed_probabilities_match_the_enumerated_ones(toy, toy_texts):
    chart = Chart(toy)
    for words, probability in toy_texts.items():
        assert chart.whole(list(words))["TEXT"] / toy.mass() == pytest.approx(probability, rel=1e-12)
    for words in ("the cat sing .", "the cats that the dog sing sing .", "the cat sings", "the zebra sings ."):
        assert "TEXT" not in chart.whole(words.split())


def test_parsing_sums_over_all_derivations():
    grammar = Grammar(read_grammar(AMBIGUOUS, {}), "TEXT", 1, 3)
    for words, expected, number in (("a", 2 / 5, 1), ("a a", 1 / 5, 1), ("a a a", 2 / 5, 2)):
        assert Chart(grammar).whole(words.split())["TEXT"] == pytest.approx(expected)
        assert Chart(grammar, count=True).whole(words.split())["TEXT"] == number


def test_samples_have_the_enumerated_frequencies(toy, toy_texts):
    count = 20_000
    drawn = Counter(tuple(words) for _, words in toy.sample(count, np.random.default_rng(5)))
    assert set(drawn) <= set(toy_texts)
    common = {words: p for words, p in toy_texts.items() if p * count > 20}
    assert len(common) > 20
    squares = sum((drawn[words] - p * count) ** 2 / (p * count) for words, p in common.items())
    assert squares < len(common) + 5 * math.sqrt(2 * len(common))


def test_ambiguity_is_found_and_its_absence_proved(toy):
    assert find_ambiguity(toy) is None
    assert find_ambiguity(Grammar(read_grammar(AMBIGUOUS, {}), "TEXT", 1, 3)) == ["a", "a"]  # and one more
    assert find_ambiguity(Grammar(read_grammar(AMBIGUOUS, {}), "TEXT", 1, 2)) is None
    twice = "TEXT = A d | a B\nA = a MIDDLE\nB = MIDDLE d\nMIDDLE = b | c"
    assert find_ambiguity(Grammar(read_grammar(twice, {}), "TEXT", 1, 3)) is not None


def test_proof_agrees_with_counting_all_derivations(toy):
    texts = Counter(words for words, _ in derivations(toy.rules, ("TEXT",), 9))
    assert set(texts.values()) == {1}
    texts = Counter(words for words, _ in derivations(read_grammar(AMBIGUOUS, {}), ("TEXT",), 3))
    assert max(texts.values()) == 2

"""The n-gram model against the definition of interpolated modified Kneser-Ney smoothing, written with dictionaries."""

import collections
import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import ngrams
from keras_textgen.text import END, PADDING, START, UNKNOWN, WordTokenizer

WORDS = list("abcd")
SIZE = 4 + len(WORDS)


def random_rows(num, seed=0):
    """Texts of ids whose words depend on the word before; each ends with the end token."""
    draw = np.random.default_rng(seed)
    chain = draw.dirichlet(np.full(5, 0.5), SIZE)
    rows = []
    for _ in range(num):
        row = [START]
        while row[-1] != END and len(row) < 9:
            row.append(draw.choice([END, 4, 5, 6, 7], p=chain[row[-1]]))
        rows.append(np.array(row[1:] if row[-1] == END else [*row[1:], END]))
    return rows


class Definition:
    """Chen & Goodman 1998, equations 20 to 26, n-gram by n-gram."""

    def __init__(self, rows, order):
        self.order = order
        raw = collections.Counter()
        for row in rows:
            text = [START, *row.tolist()]
            for end in range(2, len(text) + 1):
                for length in range(1, min(order, end) + 1):
                    raw[tuple(text[end - length : end])] += 1
        self.counts = collections.Counter()
        for gram, count in raw.items():
            if len(gram) == order or gram[0] == START:
                self.counts[gram] += count
            if len(gram) > 1:
                self.counts[gram[1:]] += 1 if len(gram) - 1 < order else 0
        self.discounts = [None]
        for length in range(1, order + 1):
            of_counts = collections.Counter(count for gram, count in self.counts.items() if len(gram) == length)
            n1, n2, n3, n4 = (of_counts[count] for count in (1, 2, 3, 4))
            found = [0.5, 1.0, 1.5]
            if min(n1, n2, n3, n4):
                y = n1 / (n1 + 2 * n2)
                found = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
            if min(found) < 0:
                found = [0.5, 1.0, 1.5]
            self.discounts.append([0.0, *found])

    def probability(self, context, word):
        context = tuple(context[max(0, len(context) - self.order + 1) :])
        lower = self.probability(context[1:], word) if context else 1 / (SIZE - 2)
        after = {gram[-1]: count for gram, count in self.counts.items() if gram[:-1] == context}
        if not after:
            return lower
        discount = self.discounts[len(context) + 1]
        taken = sum(discount[min(count, 3)] for count in after.values())
        own = after[word] - discount[min(after[word], 3)] if word in after else 0.0
        return (own + taken * lower) / sum(after.values())


def model_of(build_tiny, rows, order):
    model = build_tiny("ngram_lm", tokenizer=WordTokenizer(vocabulary=WORDS), order=order)
    length = max(map(len, rows))
    model.fit(np.array([np.pad(row, [0, length - len(row)]) for row in rows]), verbose=0)
    return model


# Where few n-grams are alike, some lengths have too few counts to estimate the discounts from.
@pytest.mark.parametrize(("order", "num", "estimated"), [(1, 400, 0), (2, 6, 1), (3, 40, 1), (4, 400, 2)])
def test_scores_are_those_of_the_definition(build_tiny, order, num, estimated):
    rows = random_rows(num)
    model, definition = model_of(build_tiny, rows, order), Definition(rows, order)
    assert estimated == sum(discounts != [0.0, 0.5, 1.0, 1.5] for discounts in definition.discounts[1:])
    unseen = [np.array(row) for row in ([END], [UNKNOWN, END], [7, 7, 7, 4, UNKNOWN, 5, END], [4, 6, 5, 7])]
    for row in [*rows[:5], *random_rows(20, seed=1), *unseen]:
        expected = [np.log(definition.probability([START, *row[:place]], word)) for place, word in enumerate(row)]
        found = model.tables.log_prob(tf.constant(row[None], tf.int32))[0]
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-5)


def test_probabilities_sum_to_1_in_every_context_and_are_those_of_whole_texts(build_tiny):
    rows = random_rows(100)
    model = model_of(build_tiny, rows, 3)
    contexts = [[START, *words] for n in range(4) for words in itertools.product([UNKNOWN, 4, 5, 6, 7], repeat=n)]
    for length, group in itertools.groupby(contexts, len):
        group = np.array(list(group), np.int32)
        state = model.start(None, tf.zeros([len(group), 0]))
        for place in range(length):
            logits, state = model.step(tf.constant(group[:, place]), state)
        np.testing.assert_allclose(np.exp(logits).sum(axis=1), 1, atol=1e-5)
        assert not np.exp(logits)[:, [PADDING, START]].any()
        for word in (END, UNKNOWN, 4, 7):
            texts = np.concatenate([group[:, 1:], np.full([len(group), 1], word)], axis=1)
            found = model.tables.log_prob(tf.constant(texts, tf.int32))[:, -1]
            np.testing.assert_allclose(found, np.asarray(logits)[:, word], atol=1e-5)


def test_a_second_fit_forgets_the_first_and_more_epochs_change_nothing(build_tiny):
    first, second = random_rows(50), random_rows(30, seed=2)
    text = tf.constant(random_rows(1, seed=3)[0][None], tf.int32)
    fresh = model_of(build_tiny, second, 3)
    model = model_of(build_tiny, first, 3)
    model.generate(2, seed=0)
    padded = tf.ragged.constant([row.tolist() for row in second]).to_tensor().numpy()
    model.fit(padded, epochs=3, batch_size=7, verbose=0)
    np.testing.assert_array_equal(model.tables.log_prob(text), fresh.tables.log_prob(text))
    assert model.generate(20, seed=1) == fresh.generate(20, seed=1)
    assert model.evaluate(padded, verbose=0) == fresh.evaluate(padded, verbose=0)


def test_a_model_that_has_counted_nothing_knows_the_number_of_words(build_tiny):
    model = build_tiny("ngram_lm", tokenizer=WordTokenizer(vocabulary=WORDS))
    np.testing.assert_allclose(model.score(["a b", "z"]), np.log([1 / 6]) * [3, 2], rtol=1e-5)


def test_weights_of_other_texts_can_be_loaded_over_those_in_use(build_tiny, tmp_path):
    model, other = (model_of(build_tiny, random_rows(num, seed=num), 3) for num in (60, 20))
    model.generate(2, seed=0)
    other.save_weights(tmp_path / "other.weights.h5")
    model.load_weights(tmp_path / "other.weights.h5")
    assert model.generate(20, seed=1) == other.generate(20, seed=1)
    np.testing.assert_array_equal(model.score(["a b c", "d"]), other.score(["a b c", "d"]))


def test_discounts_take_no_more_than_there_is():
    discounts = ngrams.discounts_of(np.repeat([1, 2, 3, 4, 9], [50, 20, 12, 7, 3]))
    assert (discounts > 0).all() and (discounts <= [1, 2, 3]).all()

"""Counting n-grams, and the interpolated modified Kneser-Ney estimate of Chen & Goodman 1998, "An Empirical Study of
Smoothing Techniques for Language Modeling", section 3.

The n-grams of a level `k` are the nodes of a trie: a node is its parent, the node of its first `k - 1` tokens, with one
token more. Its key is `parent * vocabulary_size + token`; the nodes of a level are numbered in the order of their keys.
At level 1 a node is its token.
"""

from typing import NamedTuple

import numpy as np

from keras_textgen.text import PADDING, START

LEAST_DISCOUNTS = np.array([0.5, 1.0, 1.5])  # for counts of 1, 2, and 3 or more, where there are too few to tell


class Level(NamedTuple):
    """The n-grams of one length.

    Attributes:
        keys: `int64 [nodes]`, sorted; of level 1, the tokens.
        shares: what a node's own count gives to the probability of its last token after its parent, `float32 [nodes]`.
        backoffs: the share that the lower level has in what follows a node, `float32 [nodes]`; 1 where nothing does.
    """

    keys: np.ndarray
    shares: np.ndarray
    backoffs: np.ndarray


def untrained(order: int, vocabulary_size: int) -> list[Level]:
    """Levels that have counted nothing: all words are equally likely."""
    words = Level(np.arange(vocabulary_size), uniform(vocabulary_size), np.ones(vocabulary_size, np.float32))
    nothing = Level(np.array([-1]), np.zeros(1, np.float32), np.ones(1, np.float32))
    return [words, *[nothing] * (order - 1)]


def uniform(vocabulary_size: int) -> np.ndarray:
    """The same probability for all tokens but padding and start: `float32 [vocabulary_size]`."""
    probabilities = np.full(vocabulary_size, 1 / (vocabulary_size - 2), np.float32)
    probabilities[[PADDING, START]] = 0
    return probabilities


def estimate(rows: list[np.ndarray], order: int, vocabulary_size: int) -> list[Level]:
    """The levels 1 to `order` of a model of texts.

    Args:
        rows: the ids of each text, with the end token, without padding or start.
        order: the longest n-gram, in tokens.
    """
    starts = np.cumsum([0] + [len(row) + 1 for row in rows[:-1]])
    tokens = np.insert(np.concatenate(rows).astype(np.int64), starts - np.arange(len(rows)), START)
    # How many tokens of its text stand before each, the start included.
    before = np.arange(len(tokens)) - np.repeat(starts, [len(row) + 1 for row in rows])
    nodes, keys, firsts = number_nodes(tokens, before, order, vocabulary_size)
    levels = []
    for k in range(1, order + 1):
        counts = adjusted_counts(k, order, nodes, firsts, before, len(keys[k - 1]))
        parents = keys[k - 1] // vocabulary_size if k > 1 else np.zeros(vocabulary_size, np.int64)
        num_parents = len(keys[k - 2]) if k > 1 else 1
        shares, backoffs = discount(counts, parents, num_parents)
        if k == 1:
            # Below the words there is nothing but their number.
            shares = (shares + backoffs * uniform(vocabulary_size)).astype(np.float32)
        else:
            levels[-1] = levels[-1]._replace(backoffs=backoffs)
        levels.append(Level(keys[k - 1], shares, np.ones(len(keys[k - 1]), np.float32)))
    return [level if len(level.keys) else untrained(2, vocabulary_size)[1] for level in levels]


def number_nodes(tokens, before, order, vocabulary_size):
    """The trie of all n-grams.

    Returns:
        By level: the node of the n-gram that ends at each token, `int64 [tokens]`, -1 where the text begins later; the
        keys of the nodes; the place of the first token at which each node ends.
    """
    nodes, keys, firsts = [tokens], [np.arange(vocabulary_size)], [None]
    for k in range(2, order + 1):
        places = np.flatnonzero(before >= k - 1)
        found = nodes[-1][places - 1] * vocabulary_size + tokens[places]
        level, first, inverse = np.unique(found, return_index=True, return_inverse=True)
        node = np.full(len(tokens), -1)
        node[places] = inverse
        nodes.append(node)
        keys.append(level)
        firsts.append(places[first])
    return nodes, keys, firsts


def adjusted_counts(k, order, nodes, firsts, before, num) -> np.ndarray:
    """How often each node of level `k` counts: at the highest level as often as it stands in the texts, below as often
    as there are different tokens before it; but for those that begin with the start, before which nothing stands."""
    real = before > 0  # the start itself is never predicted
    if k == order:
        return np.bincount(nodes[k - 1][real & (before >= k - 1)], minlength=num)
    counts = np.bincount(nodes[k - 1][firsts[k]], minlength=num)
    return counts + np.bincount(nodes[k - 1][real & (before == k - 1)], minlength=num)


def discount(counts, parents, num_parents):
    """The shares `[nodes]` of the nodes of a level, and what is left for the level below, `[parents]`: equations 21 to
    26 of Chen & Goodman."""
    discounts = np.concatenate([[0.0], discounts_of(counts)])[np.minimum(counts, 3)]
    totals = np.bincount(parents, counts, minlength=num_parents)
    left = np.bincount(parents, discounts, minlength=num_parents)
    shares = np.divide(counts - discounts, totals[parents], out=np.zeros(len(counts)), where=totals[parents] > 0)
    backoffs = np.divide(left, totals, out=np.ones(num_parents), where=totals > 0)
    return shares.astype(np.float32), backoffs.astype(np.float32)


def discounts_of(counts) -> np.ndarray:
    """What is taken off counts of 1, of 2, and of 3 or more: equation 26 of Chen & Goodman."""
    ones, twos, threes, fours = (np.count_nonzero(counts == count) for count in (1, 2, 3, 4))
    if not min(ones, twos, threes, fours):
        return LEAST_DISCOUNTS
    share = ones / (ones + 2 * twos)
    discounts = np.array([1 - 2 * share * twos / ones, 2 - 3 * share * threes / twos, 3 - 4 * share * fours / threes])
    return discounts if (discounts >= 0).all() else LEAST_DISCOUNTS

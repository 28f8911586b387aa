"""How much of a text comes back."""

import collections
import math
from collections.abc import Sequence


def exact_match(texts: Sequence[str], reconstructions: Sequence[str]) -> float:
    """The share of texts that came back word for word (white space and case aside)."""
    same = [a.lower().split() == b.lower().split() for a, b in zip(texts, reconstructions, strict=True)]
    return sum(same) / len(same)


def reconstruction_bleu(texts: Sequence[str], reconstructions: Sequence[str], order: int = 4) -> float:
    """BLEU of the reconstructions against their texts, over the whole set (Papineni et al. 2002).

    Words are what stands between white space, in lower case; each text is the one reference of its reconstruction.

    Args:
        order: the longest n-grams that count, all with the same weight.

    Returns:
        A number in [0, 1]; 0 where no n-gram of some order comes back.
    """
    matches, totals, lengths = [0] * order, [0] * order, [0, 0]
    for text, reconstruction in zip(texts, reconstructions, strict=True):
        reference, words = text.lower().split(), reconstruction.lower().split()
        lengths[0] += len(reference)
        lengths[1] += len(words)
        for size in range(1, order + 1):
            found, wanted = n_grams(words, size), n_grams(reference, size)
            matches[size - 1] += sum((found & wanted).values())
            totals[size - 1] += sum(found.values())
    if 0 in matches:
        return 0.0
    precision = sum(math.log(match / total) for match, total in zip(matches, totals, strict=True)) / order
    return math.exp(precision + min(0.0, 1 - lengths[0] / lengths[1]))


def n_grams(words: Sequence[str], size: int) -> collections.Counter:
    """The runs of `size` words, with how often each comes."""
    return collections.Counter(tuple(words[place : place + size]) for place in range(len(words) - size + 1))

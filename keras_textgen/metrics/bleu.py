"""BLEU of what a model writes, against all texts of a corpus and against each other.

The count of an n-gram is clipped at the largest count in one reference (Papineni et al. 2002). Where all texts are
references of all, that is one number an n-gram; where a text must not be its own reference, it is the largest count or,
for the text that has it, the second largest (as in Alihosseini et al. 2019). So both take time in proportion to the
number of words, not of pairs of texts.
"""

from collections.abc import Sequence

import numpy as np

from keras_textgen.checks import whole
from keras_textgen.errors import InputError
from keras_textgen.metrics.n_grams import n_grams, words_of

EPSILON = 0.1  # matches that count where there are none: the first smoothing of Chen & Cherry 2014


def bleu(hypotheses: Sequence, references: Sequence, max_n: int = 5) -> dict[int, float]:
    """The mean BLEU of texts, each against all references, with equal weights up to n and the first smoothing of Chen &
    Cherry 2014, as in Texygen (Zhu et al. 2018); equal to NLTK's `sentence_bleu` with `SmoothingFunction().method1`.

    Args:
        hypotheses, references: strings, split at white space, or sequences of words.
        max_n: the largest n.

    Returns:
        By n, 1 to `max_n`, a number in [0, 1].

    Raises:
        InputError: if there is no hypothesis or no reference, or `max_n` is no whole number over 0.
    """
    return {n: float(found.mean()) for n, found in sentence_bleu(hypotheses, references, max_n).items()}


def self_bleu(texts: Sequence, max_n: int = 5) -> dict[int, float]:
    """The mean BLEU of each text against all the others: 1 where they are all the same (Zhu et al. 2018).

    Args and returns:
        as of `bleu`.

    Raises:
        InputError: if there are fewer than two texts, or `max_n` is no whole number over 0.
    """
    return {n: float(found.mean()) for n, found in sentence_self_bleu(texts, max_n).items()}


def sentence_bleu(hypotheses: Sequence, references: Sequence, max_n: int = 5) -> dict[int, np.ndarray]:
    """The BLEU of each text: by n, `float64 [hypotheses]`; see `bleu`."""
    if not len(hypotheses) or not len(references):
        raise InputError("BLEU needs at least one text and one reference")
    num, matches, totals = len(hypotheses), [], []
    for grams in n_grams([*hypotheses, *references], whole(1, max_n=max_n)):
        texts, kinds, counts = grams.counted()
        ours = texts < num
        largest = np.zeros(grams.kinds, np.int64)
        np.maximum.at(largest, kinds[~ours], counts[~ours])
        clipped = np.minimum(counts[ours], largest[kinds[ours]])
        matches.append(np.bincount(texts[ours], clipped, minlength=num))
        totals.append(np.bincount(texts[ours], counts[ours], minlength=num))
    lengths = lengths_of(hypotheses)
    return scores(matches, totals, brevity_penalty(lengths, nearest(lengths, np.unique(lengths_of(references)))))


def sentence_self_bleu(texts: Sequence, max_n: int = 5) -> dict[int, np.ndarray]:
    """The BLEU of each text against all the others: by n, `float64 [texts]`; see `self_bleu`."""
    if len(texts) < 2:
        raise InputError("Self-BLEU needs at least two texts")
    num, matches, totals = len(texts), [], []
    for grams in n_grams(texts, whole(1, max_n=max_n)):
        owners, kinds, counts = grams.counted()
        largest, second, owner = two_largest(owners, kinds, counts, grams.kinds)
        clips = np.where(owner[kinds] == owners, second[kinds], largest[kinds])
        matches.append(np.bincount(owners, np.minimum(counts, clips), minlength=num))
        totals.append(np.bincount(owners, counts, minlength=num))
    lengths = lengths_of(texts)
    kinds, counts = np.unique(lengths, return_counts=True)
    closest = lengths.copy()  # another text may be as long
    for kind in kinds[counts == 1]:
        closest[lengths == kind] = nearest(np.array([kind]), kinds[kinds != kind])
    return scores(matches, totals, brevity_penalty(lengths, closest))


def two_largest(owners, kinds, counts, num) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The largest count of each of `num` n-grams in one text, the second largest, and whose the largest is."""
    order = np.lexsort((-counts, kinds))
    owners, kinds, counts = owners[order], kinds[order], counts[order]
    firsts = np.searchsorted(kinds, np.arange(num))
    seconds = np.minimum(firsts + 1, len(kinds) - 1)
    shared = (seconds > firsts) & (kinds[seconds] == kinds[firsts])
    return counts[firsts], np.where(shared, counts[seconds], 0), owners[firsts]


def scores(matches, totals, penalty) -> dict[int, np.ndarray]:
    """BLEU by n from the matched and all n-grams of each text, by length, and its brevity penalty."""
    total, found = 0.0, {}
    for n, (matched, all_of_it) in enumerate(zip(matches, totals, strict=True), start=1):
        total = total + np.log(np.where(matched > 0, matched, EPSILON) / np.maximum(all_of_it, 1))
        found[n] = np.where(matches[0] > 0, penalty * np.exp(total / n), 0.0)
    return found


def lengths_of(texts) -> np.ndarray:
    """Their numbers of words, `int64 [n]`."""
    return np.array([len(words_of(text)) for text in texts], np.int64)


def nearest(lengths, known) -> np.ndarray:
    """Of the sorted `known` lengths the nearest to each; the shorter of two that are as near."""
    after = np.clip(np.searchsorted(known, lengths), 0, len(known) - 1)
    before = np.maximum(after - 1, 0)
    shorter = np.abs(known[before] - lengths) <= np.abs(known[after] - lengths)
    return np.where(shorter, known[before], known[after])


def brevity_penalty(lengths, closest) -> np.ndarray:
    """What a text that is shorter than its nearest reference is multiplied by; 0 for an empty one."""
    return np.where(lengths > 0, np.exp(np.minimum(0.0, 1 - closest / np.maximum(lengths, 1))), 0.0)

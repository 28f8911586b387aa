"""N-grams of texts as numbers, so that counting them is sorting."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np


class NGrams(NamedTuple):
    """Where the n-grams of one length stand.

    Attributes:
        texts: the number of the text that each occurrence stands in, `int64 [occurrences]`, in order.
        grams: the number of the n-gram, the same for the same words, `int64 [occurrences]`.
        kinds: how many different ones there are.
    """

    texts: np.ndarray
    grams: np.ndarray
    kinds: int

    def counted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Text, n-gram and how often the one holds the other, each `int64 [pairs]`, in the order of the texts."""
        pairs, counts = np.unique(self.texts * self.kinds + self.grams, return_counts=True)
        return *np.divmod(pairs, max(self.kinds, 1)), counts


def words_of(text: str | Sequence[str]) -> list[str]:
    """The words of a text: what stands between white space, unless they are given one by one."""
    return text.split() if isinstance(text, str) else list(text)


def n_grams(texts: Sequence[str | Sequence[str]], longest: int) -> Iterator[NGrams]:
    """The n-grams of 1, 2, … `longest` words of texts; those of several corpora share their numbers if they are
    counted together.

    Each n-gram is numbered by that of its first `n - 1` words and its last one, so that the work grows with the number
    of words alone.

    Args:
        texts: strings, split at white space, or sequences of words.
    """
    rows = [words_of(text) for text in texts]
    numbers: dict[str, int] = {}
    words = np.array([numbers.setdefault(word, len(numbers)) for row in rows for word in row], np.int64)
    lengths = np.array([len(row) for row in rows], np.int64)
    owners = np.repeat(np.arange(len(rows)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(words))  # words from here to the end of the text
    begins, grams, kinds = np.arange(len(words)), words, len(numbers)
    for length in range(1, longest + 1):
        if length > 1:
            long_enough = left[begins] >= length
            begins, grams = begins[long_enough], grams[long_enough]
            found, grams = np.unique(grams * len(numbers) + words[begins + length - 1], return_inverse=True)
            kinds = len(found)
        yield NGrams(owners[begins], grams, kinds)

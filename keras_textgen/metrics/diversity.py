"""How different the texts are that a model writes, and how much of them it has copied.

Each figure is a `Ratio` over the texts, so that its interval comes with it.
"""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from keras_textgen.checks import whole
from keras_textgen.metrics.intervals import Ratio
from keras_textgen.metrics.n_grams import n_grams, words_of


def distinct(texts: Sequence[Hashable]) -> Ratio:
    """The share of different ones among texts, in (0, 1]: of a text that stands there k times each gives 1/k."""
    counts = Counter(texts)
    return Ratio.mean([1 / counts[text] for text in texts])


def distinct_n(texts: Sequence, max_n: int = 4) -> dict[int, Ratio]:
    """The share of different ones among the n-grams of all texts (Li et al. 2016), by n."""
    return of_n_grams(texts, max_n, lambda counts, total: 1 / counts)


def entropy_n(texts: Sequence, max_n: int = 4) -> dict[int, Ratio]:
    """The entropy in nats of the n-grams of all texts as they are distributed (Zhang et al. 2018), by n."""
    return of_n_grams(texts, max_n, lambda counts, total: np.log(total / counts))


def of_n_grams(texts, max_n, worth) -> dict[int, Ratio]:
    """The mean over all n-grams of `worth(how often it stands in the texts, number of all)`, by n."""
    found = {}
    for n, grams in enumerate(n_grams(texts, whole(1, max_n=max_n)), start=1):
        counts = np.bincount(grams.grams, minlength=grams.kinds)[grams.grams]
        sums = np.bincount(grams.texts, worth(counts, len(counts)), minlength=len(texts))
        found[n] = Ratio(sums, np.bincount(grams.texts, minlength=len(texts)).astype(np.float64))
    return found


def verbatim(texts: Sequence, training_texts: Sequence) -> Ratio:
    """The share of texts that stand word for word among those a model was trained on."""
    seen = {tuple(words_of(text)) for text in training_texts}
    return Ratio.mean([tuple(words_of(text)) in seen for text in texts])


def longest_copies(texts: Sequence, training_texts: Sequence) -> np.ndarray:
    """The longest run of words of each text that stands in one of those a model was trained on, `int64 [texts]`."""
    num, longest = len(texts), np.zeros(len(texts), np.int64)
    most = max((len(words_of(text)) for text in texts), default=0)
    for length, grams in enumerate(n_grams([*texts, *training_texts], most), start=1):
        ours = grams.texts < num
        known = np.zeros(grams.kinds, bool)
        known[grams.grams[~ours]] = True
        copied = grams.texts[ours][known[grams.grams[ours]]]
        if not len(copied):
            break
        longest[copied] = length
    return longest

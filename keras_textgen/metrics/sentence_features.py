"""Numbers for what a sentence is like, where no encoder is at hand: its n-grams."""

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from keras_textgen.checks import whole
from keras_textgen.errors import InputError
from keras_textgen.metrics.n_grams import words_of


class NGramFeatures:
    """Latent semantic analysis (Deerwester et al. 1990): the n-grams of texts, weighted by how rare they are, in few
    dimensions. It knows no meaning, only which words stand together.

    Args:
        texts: those it is learned from: real ones, so that every model is measured by the same features.
        dim: features of a text, at most.
        longest: the longest n-grams, in words.

    Raises:
        InputError: if there are no texts, or a number is below 1.
    """

    @threadpool_limits.wrap(limits=1)
    def __init__(self, texts: Sequence, dim: int = 64, longest: int = 2, seed: int = 0):
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        if not len(texts):
            raise InputError("features are learned from at least one text")
        dim, longest = whole(1, dim=dim), whole(1, longest=longest)
        self.weigh = TfidfVectorizer(
            analyzer=lambda text: all_n_grams(words_of(text), longest), max_features=20_000, sublinear_tf=True
        )
        weights = self.weigh.fit_transform(texts)
        dim = min(dim, weights.shape[1] - 1, weights.shape[0] - 1)
        with np.errstate(invalid="ignore"):  # the share that it explains of a variance of 0
            self.reduce = TruncatedSVD(max(dim, 1), random_state=seed).fit(weights)

    def __call__(self, texts: Sequence) -> np.ndarray:
        """Features `float64 [n, dim]`."""
        if not len(texts):
            return np.zeros([0, len(self.reduce.components_)])
        return self.reduce.transform(self.weigh.transform(texts))


def all_n_grams(words: list[str], longest: int) -> list[tuple[str, ...]]:
    """The n-grams of 1 to `longest` words, with marks before the first and behind the last word."""
    words = ["<s>", *words, "</s>"]
    lengths = range(1, longest + 1)
    return [tuple(words[place : place + n]) for n in lengths for place in range(len(words) - n + 1)]

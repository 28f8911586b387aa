"""Numbers for what a sentence is like: of its n-grams, or of an encoder that knows what words mean."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
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


class WordLlamaFeatures:
    """The mean of vectors of word pieces that were trained to bring sentences of like meaning together: the encoder of
    the package `wordllama` (Miller 2024; 256 dimensions), which carries its weights. It knows no order of words.

    Raises:
        InputError: if the package is not installed.
    """

    def __init__(self):
        try:
            import wordllama
        except ImportError:
            raise InputError(
                'features of wordllama need its package; run: pip install "keras-textgen[encoder]"'
            ) from None
        # Its search for its own files misses the tokenizer and would ask the network, but for this.
        own = Path(wordllama.__file__).parent
        self.encoder = wordllama.WordLlama.load(cache_dir=own, disable_download=True)

    def __call__(self, texts: Sequence) -> np.ndarray:
        """Features `float64 [n, 256]` of strings or lists of words; 0 for a text without words."""
        lines = [text if isinstance(text, str) else " ".join(text) for text in texts]
        found = np.zeros([len(lines), self.encoder.embedding.shape[1]])
        filled = [place for place, line in enumerate(lines) if line.strip()]
        if filled:
            found[filled] = self.encoder.embed([lines[place] for place in filled], norm=False)
        return found


FEATURES = ("n_grams", "wordllama")


def sentence_features(name: str, texts: Sequence, seed: int = 0) -> Callable[[Sequence], np.ndarray]:
    """What makes features `[n, dim]` of texts: "n_grams", learned from the given texts, or "wordllama".

    Raises:
        InputError: if there are none of that name, or their package is not installed.
    """
    if name not in FEATURES:
        raise unknown("features", name, FEATURES)
    return NGramFeatures(texts, seed=seed) if name == "n_grams" else WordLlamaFeatures()


def all_n_grams(words: list[str], longest: int) -> list[tuple[str, ...]]:
    """The n-grams of 1 to `longest` words, with marks before the first and behind the last word."""
    words = ["<s>", *words, "</s>"]
    lengths = range(1, longest + 1)
    return [tuple(words[place : place + n]) for n in lengths for place in range(len(words) - n + 1)]

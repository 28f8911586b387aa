"""What an n-gram model that learned from one set of texts makes of another.

Learned from real texts and asked about written ones it gives the forward perplexity, how good these are; learned from
written ones and asked about held-out real texts the reverse perplexity (Zhao et al. 2018), how much of the real ones
they cover.
"""

from collections.abc import Sequence

import numpy as np

from keras_textgen.metrics.intervals import Ratio
from keras_textgen.metrics.n_grams import words_of

AT_ONCE = 512  # texts


def n_gram_model(training_texts: Sequence, vocabulary: Sequence[str], order: int = 5):
    """An `NGramLM` (interpolated modified Kneser-Ney) of texts.

    Args:
        training_texts: strings, split at white space, or sequences of words.
        vocabulary: the words that are told apart; the same for all models that are compared.
        order: the longest n-gram.
    """
    from keras_textgen.models.ngram_lm import NGramLM
    from keras_textgen.text import WordTokenizer

    tokenizer = WordTokenizer(vocabulary=vocabulary, splitting="whitespace", lowercase=False)
    # As ids, since a model may have written an empty text, which `fit` refuses among strings.
    ids = ids_of(training_texts, tokenizer)
    model = NGramLM(tokenizer, order=order, sequence_length=max(2, ids.shape[1]))
    model.fit(ids, verbose=0)
    return model


def n_gram_perplexity(model, texts: Sequence) -> Ratio:
    """The perplexity of texts under a model of `n_gram_model`, exact; the end of a text is a token.

    Args:
        texts: strings, split at white space, or sequences of words; they may be empty.
    """
    ids = ids_of(texts, model.tokenizer)
    parts = np.array_split(ids, -(-len(ids) // AT_ONCE))
    scores = np.concatenate([model.likelihood(None, part).log_prob(part).numpy() for part in parts])
    return Ratio(-scores.astype(np.float64), np.count_nonzero(ids, axis=1).astype(np.float64), np.exp)


def ids_of(texts, tokenizer) -> np.ndarray:
    """Ids `int32 [n, longest]`, each row with its end token."""
    return tokenizer([" ".join(words_of(text)) for text in texts]).numpy()

"""What a model writes, judged by real texts."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_textgen import metrics
from keras_textgen.metrics import Estimate, Ratio
from keras_textgen.text import WordTokenizer
from training.against_grammar import samples_against_grammar

ORDERS = (2, 3, 4, 5)  # of BLEU


class Figures(dict):
    """Figures by name.

    Attributes:
        intervals: by name, between which numbers a figure lies if the texts are drawn anew: 95 %, by the bootstrap.
    """

    def __init__(self, seed: int = 0):
        super().__init__()
        self.seed = seed
        self.intervals: dict[str, list[float]] = {}

    def take(self, figures: Mapping[str, object]) -> "Figures":
        """Adds numbers, and what is known to be uncertain with its interval; what is a share of nothing is left out."""
        for name, figure in figures.items():
            if isinstance(figure, Ratio):
                figure = figure.estimate(seed=self.seed)
            if np.isnan(figure.value if isinstance(figure, Estimate) else figure):
                continue
            if isinstance(figure, Estimate):
                figure, interval = figure
                self.intervals[name] = [round(end, 6) for end in interval]
            self[name] = round(figure, 6) if isinstance(figure, float) else figure
        return self

    def take_all(self, others: "Figures") -> "Figures":
        """Adds other figures with their intervals."""
        self.update(others)
        self.intervals |= others.intervals
        return self


class Judge:
    """Judges written texts by real ones; what is known of these is computed once.

    Words are what `WordTokenizer` makes of a text, whatever tokens a model has, so that all are measured alike.

    Args:
        real: held-out texts.
        training_texts: those a model was trained on.
        grammar: a corpus that knows the truth, for `samples_against_grammar`.
        features: of sentences, for the distances between sets of them; one of `metrics.FEATURES`.

    Raises:
        InputError: if there are no such features, or their package is not installed.
    """

    def __init__(
        self,
        real: Sequence[str],
        training_texts: Sequence[str],
        *,
        grammar=None,
        features: str = "n_grams",
        seed: int = 0,
    ):
        self.grammar = grammar
        self.seed = seed
        self.tokenizer = WordTokenizer()
        self.real, self.training = self.words(real), self.words(training_texts)
        self.vocabulary = sorted({word for text in self.training for word in text})
        self.n_gram_model = metrics.n_gram_model(self.training, self.vocabulary)
        self.features = metrics.sentence_features(features, self.training, seed)

    def words(self, texts: Sequence[str]) -> list[list[str]]:
        """The words of each text."""
        if not len(texts):
            return []
        rows = self.tokenizer.split(self.tokenizer.normalize(np.asarray(texts, object)))
        return [[word.decode() for word in row] for row in rows.to_list()]

    def figures(self, written: Sequence[str], asked: Mapping[str, Sequence] | None = None) -> Figures:
        """What texts that a model wrote are worth.

        Args:
            written: strings `[n]`, at least 2.
            asked: the attributes that each was asked to have, by name.

        Returns:
            By name: `samples`, their number, and `sample_words`, the mean length; `distinct`, the share of different
            ones, and `novel_samples`, of those that were not trained on; `longest_copy`, the mean over texts of the
            longest run of words that stands in a training text; `bleu_2` … against all real texts and `self_bleu_2` …
            against each other; `distinct_1` …, the share of different n-grams, and `entropy_1` …, their entropy in
            nats; `forward_perplexity` and `reverse_perplexity` by a 5-gram model; `frechet_distance`, `precision`,
            `recall` and `mauve` on the features, against as many real texts; and what the grammar says.
        """
        rows = self.words(written)
        reverse = metrics.n_gram_model(rows, self.vocabulary)
        found = Figures(self.seed).take({"samples": len(written), "sample_words": mean_of(map(len, rows))})
        found.take({"distinct": metrics.distinct(list(map(tuple, rows)))})
        found.take({"novel_samples": Ratio.mean(1 - metrics.verbatim(rows, self.training).numerators)})
        found.take({"longest_copy": mean_of(metrics.longest_copies(rows, self.training))})
        found.take(self.overlaps(rows))
        found.take({f"distinct_{n}": ratio for n, ratio in metrics.distinct_n(rows).items()})
        found.take({f"entropy_{n}": ratio for n, ratio in metrics.entropy_n(rows).items()})
        found.take({"forward_perplexity": metrics.n_gram_perplexity(self.n_gram_model, rows)})
        found.take({"reverse_perplexity": metrics.n_gram_perplexity(reverse, self.real)})
        found.take(self.distances(rows))
        if self.grammar is not None:
            found.take(samples_against_grammar(written, asked or {}, self.grammar))
        return found

    def overlaps(self, rows) -> dict[str, Ratio]:
        """BLEU against the real texts and against each other."""
        against_real = metrics.sentence_bleu(rows, self.real, max(ORDERS))
        against_each_other = metrics.sentence_self_bleu(rows, max(ORDERS))
        return {f"bleu_{n}": Ratio.mean(against_real[n]) for n in ORDERS} | {
            f"self_bleu_{n}": Ratio.mean(against_each_other[n]) for n in ORDERS
        }

    def distances(self, rows) -> dict[str, Ratio | Estimate]:
        """Distances in the space of features, to as many real texts."""
        num = min(len(rows), len(self.real))
        real, written = self.features(self.real[:num]), self.features(rows[:num])
        if num < 4:
            return {}
        precision, recall = metrics.precision_recall(real, written)
        return {
            "frechet_distance": metrics.frechet_distance(real, written, seed=self.seed),
            "precision": precision,
            "recall": recall,
            "mauve": metrics.mauve(real, written, seed=self.seed),
        }


def mean_of(values) -> Ratio:
    """The mean of a number of each text."""
    return Ratio.mean(list(values))

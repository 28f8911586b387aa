"""What only a corpus with a known grammar can tell of a model: how far it is from the truth."""

import collections
import itertools

import numpy as np

from keras_textgen.metrics import Estimate, Ratio
from training.corpora.reviews_corpus import ERRORS


def likelihood_against_grammar(texts, nats: np.ndarray, labels, grammar) -> dict[str, Ratio | float]:
    """How far a model is from what only a corpus with a known grammar can tell: the floor under all models.

    Args:
        texts: strings `[n]`; `nats`: their negative log-likelihoods under the model, float `[n]`.
        labels: the attributes that the model is told; the floor is then that of the texts given these.

    Returns:
        By name: `floor`, the exact mean `-log p` of the texts under the grammar, which no model can beat on average,
        and `over_floor` (`nll / floor - 1`); `entropy`, exact, of the grammar (without attributes); `novel_nll` and
        `novel_floor`, over the texts that train does not hold, if any; all in nats a text.
    """
    seen = set(grammar.train)
    novel = np.array([text not in seen for text in texts])
    truth = -grammar.log_prob(texts)
    if labels:
        truth += grammar.attributes_log_prob(labels)
    figures = {
        "floor": Ratio.mean(truth),
        "over_floor": Ratio(nats, truth, lambda quotient: quotient - 1),
        "entropy": float(grammar.entropy()),
    }
    if novel.any():
        figures |= {"novel_nll": Ratio.mean(nats[novel]), "novel_floor": Ratio.mean(truth[novel])}
    return figures


def samples_against_grammar(samples, asked, grammar) -> dict[str, Ratio | Estimate | float]:
    """What the grammar says of texts that a model wrote.

    Args:
        samples: the texts.
        asked: the attributes that each was asked to have, by name.

    Returns:
        By name: `grammatical`, the share of them that is; `error_<kind>`, the share that is wrong in one of the ways of
        `ERRORS`; where any is grammatical, `samples_nll`, the mean `-log p` of these under the grammar (its entropy if
        they are like its texts, less if they are the common ones), `coverage`, the probability under the grammar of all
        texts that are among them, over that of as many texts drawn from it as there are samples, and
        `attribute_distance`, half the sum of the differences between the shares of the attributes' combinations among
        them and their probabilities (0 the same, 1 nothing in common); where attributes were asked for, instead of the
        latter `control`, the share of the grammatical texts that have all of them, and `control_<name>` for each.
    """
    errors = [grammar.error(text) for text in samples]
    right = [place for place, error in enumerate(errors) if error is None]
    found = [samples[place] for place in right]
    figures = {"grammatical": Ratio.mean([error is None for error in errors])}
    figures |= {f"error_{kind.replace(' ', '_')}": Ratio.mean([error == kind for error in errors]) for kind in ERRORS}
    if not found:
        return figures
    figures["samples_nll"] = Ratio.mean(-grammar.log_prob(found))
    figures["coverage"] = coverage(found, len(samples), grammar)
    attributes = [grammar.attributes(text) for text in found]
    if not asked:
        return {**figures, "attribute_distance": attribute_distance(attributes, grammar)}
    kept = {
        name: np.array([values[name] == wanted[place] for place, values in zip(right, attributes, strict=True)])
        for name, wanted in asked.items()
    }
    figures["control"] = Ratio.mean(np.all(list(kept.values()), axis=0))
    return figures | {f"control_{name}": Ratio.mean(values) for name, values in kept.items()}


def coverage(found, num: int, grammar) -> Ratio:
    """The probability under the grammar of all texts that are among these, over that of `num` drawn from it."""
    drawn = float(np.exp(grammar.log_prob(sorted(set(grammar.sample(num, 0))))).sum())
    counts = collections.Counter(found)
    shares = np.exp(grammar.log_prob(found)) / [counts[text] for text in found]
    return Ratio(shares, np.full(len(found), drawn / len(found)))


def attribute_distance(attributes, grammar) -> Estimate:
    """The total variation distance between texts' attributes, a dictionary each, and those of the grammar's texts."""
    names = list(grammar.attribute_values)
    combinations = list(itertools.product(*grammar.attribute_values.values()))
    truth = np.exp(grammar.attributes_log_prob(dict(zip(names, zip(*combinations, strict=True), strict=True))))
    drawn = np.array([combinations.index(tuple(values[name] for name in names)) for values in attributes])
    distance = lambda rows: np.abs(np.bincount(rows, minlength=len(truth)) / len(rows) - truth).sum() / 2  # noqa: E731
    return Estimate.of(distance, drawn)

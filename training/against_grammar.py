"""What only a corpus with a known grammar can tell of a model: how far it is from the truth."""

import itertools

import numpy as np

from keras_textgen.metrics import distinct


def likelihood_against_grammar(texts, nats: np.ndarray, labels, grammar) -> dict[str, float]:
    """How far a model is from what only a corpus with a known grammar can tell: the floor under all models.

    Args:
        texts: strings `[n]`; `nats`: their negative log-likelihoods under the model, float `[n]`.
        labels: the attributes that the model is told; the floor is then that of the texts given these.

    Returns:
        By name: `floor`, the exact mean `-log p` of the texts under the grammar, which no model can beat on average,
        and `over_floor` (`nll / floor - 1`); `entropy`, exact, of the grammar (without attributes); `novel_nll` and
        `novel_floor`, over the texts that train does not hold (nan if it holds all); all in nats a text.
    """
    seen = set(grammar.train)
    novel = np.array([text not in seen for text in texts])
    truth = -grammar.log_prob(texts)
    if labels:
        truth += grammar.attributes_log_prob(labels)
    floor = float(truth.mean())
    return {
        "floor": floor,
        "over_floor": float(nats.mean()) / floor - 1,
        "entropy": float(grammar.entropy()),
        "novel_nll": float(nats[novel].mean()) if novel.any() else float("nan"),
        "novel_floor": float(truth[novel].mean()) if novel.any() else float("nan"),
    }


def samples_against_grammar(samples, asked, grammar) -> dict[str, float]:
    """What the grammar says of texts that a model wrote.

    Args:
        samples: the texts.
        asked: the attributes that each was asked to have, by name.

    Returns:
        By name: `samples`, their number; `grammatical`, the share of them that is; `novel_samples`, the share that
        train does not hold; `distinct`, the share of different ones; where any is grammatical, `samples_nll`, the mean
        `-log p` of these under the grammar (its entropy if they are like its texts, less if they are the common ones),
        `coverage`, the probability under the grammar of all texts that are among them, over that of as many texts drawn
        from it as there are samples, and `attribute_distance`, half the sum of the differences between the shares of
        the attributes' combinations among them and their probabilities (0 the same, 1 nothing in common); where
        attributes were asked for, instead of the latter `control`, the share of the grammatical texts that have all of
        them, and `control_<name>` for each.
    """
    seen = set(grammar.train)
    found = [text for text in samples if grammar.is_grammatical(text)]
    figures = {
        "samples": len(samples),
        "grammatical": len(found) / len(samples),
        "novel_samples": float(np.mean([text not in seen for text in samples])),
        "distinct": distinct(samples),
    }
    if not found:
        return figures
    figures["samples_nll"] = float(-grammar.log_prob(found).mean())
    figures["coverage"] = probability_of_all(found, grammar) / probability_of_all(
        grammar.sample(len(samples), 0), grammar
    )
    attributes = [grammar.attributes(text) for text in found]
    if not asked:
        return {**figures, "attribute_distance": attribute_distance(attributes, grammar)}
    places = [place for place, text in enumerate(samples) if grammar.is_grammatical(text)]
    right = {
        name: np.array([values[name] == wanted[place] for place, values in zip(places, attributes, strict=True)])
        for name, wanted in asked.items()
    }
    figures["control"] = float(np.mean(np.all(list(right.values()), axis=0)))
    return figures | {f"control_{name}": float(values.mean()) for name, values in right.items()}


def probability_of_all(texts, grammar) -> float:
    """The probability under the grammar that a text is one of these."""
    return float(np.exp(grammar.log_prob(sorted(set(texts)))).sum())


def attribute_distance(attributes, grammar) -> float:
    """The total variation distance between texts' attributes, a dictionary each, and those of the grammar's texts."""
    names = list(grammar.attribute_values)
    combinations = list(itertools.product(*grammar.attribute_values.values()))
    truth = np.exp(grammar.attributes_log_prob(dict(zip(names, zip(*combinations, strict=True), strict=True))))
    drawn = [tuple(values[name] for name in names) for values in attributes]
    shares = np.array([drawn.count(combination) / len(drawn) for combination in combinations])
    return float(np.abs(shares - truth).sum() / 2)

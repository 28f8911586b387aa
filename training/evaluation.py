"""Figures of a trained model on held-out texts."""

import numpy as np

from keras_textgen.metrics import exact_match


def evaluate(model, texts, *, num_samples: int = 100, seed: int = 0) -> dict[str, float]:
    """What a model makes of texts.

    Args:
        model: of the zoo.
        texts: strings `[n]`.
        num_samples: importance samples a text.

    Returns:
        By name: `texts`, `tokens` (with end tokens), `nll` (nats a text) and `perplexity` (over the whole corpus), both
        importance-weighted with `num_samples` samples where the model has a latent; `elbo`, `rate` and `distortion`
        (nats a text), `elbo_perplexity`; `mutual_information` and its cap, `active_units`; `reconstruction_exact`,
        the share of texts that come back word for word.
    """
    texts = list(texts)
    bound = model.evaluate(texts, verbose=0, return_dict=True)
    tokens = int(model.ids(texts).row_lengths().numpy().sum())
    figures = {"texts": len(texts), "tokens": tokens}
    if hasattr(model, "score"):
        nats = -model.score(texts, num_samples=num_samples, seed=seed).astype(np.float64)
        figures["num_samples"] = num_samples
        figures["nll"] = float(nats.mean())
        figures["perplexity"] = float(np.exp(nats.sum() / tokens))
    if "rate" in bound:
        figures["elbo"] = -(bound["rate"] + bound["distortion"])
        figures |= {name: bound[name] for name in ("rate", "distortion")}
        figures["elbo_perplexity"] = bound["perplexity"]
    if hasattr(model, "latent_statistics"):
        figures |= model.latent_statistics(texts, seed=seed)
    if hasattr(model, "reconstruct"):
        figures["reconstruction_exact"] = exact_match(normalized(model, texts), model.reconstruct(texts))
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in figures.items()}


def normalized(model, texts) -> list[str]:
    """The texts as the model's tokenizer would write them (its case and spacing)."""
    tokenizer = model.tokenizer
    return [text.decode() for text in tokenizer.detokenize(tokenizer(texts)).numpy()]


def evaluate_against_grammar(model, corpus, *, num: int = 1000, num_samples: int = 100, seed: int = 0) -> dict:
    """What only a corpus with a known grammar can tell: the distance to the floor, and whether samples are grammatical.

    Args:
        corpus: one with `log_prob`, `entropy`, `is_grammatical` and a split `novel`.
        num: number of samples at temperature 1.

    Returns:
        By name: `floor` (exact mean `-log p` of the test texts under the grammar), `entropy` (exact, of the grammar),
        `novel_floor` and `novel_nll`, all in nats a text; `over_floor` (`nll / floor - 1`); `grammatical`, the share of
        samples that are; `novel_samples`, the share of samples that the training texts do not hold.
    """
    test, novel = list(corpus.test), list(corpus.novel)
    samples = model.generate(num, seed=seed)
    seen = set(corpus.train)
    nll = float(-model.score(test, num_samples=num_samples, seed=seed).astype(np.float64).mean())
    floor = float(-corpus.log_prob(test).mean())
    figures = {
        "entropy": corpus.entropy(),
        "floor": floor,
        "nll": nll,
        "over_floor": nll / floor - 1,
        "novel_floor": float(-corpus.log_prob(novel).mean()),
        "novel_nll": float(-model.score(novel, num_samples=num_samples, seed=seed).astype(np.float64).mean()),
        "samples": num,
        "grammatical": float(np.mean([corpus.is_grammatical(text) for text in samples])),
        "novel_samples": float(np.mean([text not in seen for text in samples])),
    }
    return {name: round(value, 6) for name, value in figures.items()}

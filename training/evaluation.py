"""Figures of a trained model on held-out texts."""

import numpy as np

from keras_textgen.metrics import exact_match


def evaluate(model, texts, *, num_samples: int = 100, seed: int = 0, grammar=None, num: int = 1000) -> dict:
    """What a model makes of texts.

    Args:
        model: of the zoo.
        texts: strings `[n]`.
        num_samples: importance samples a text.
        seed: of all samples.
        grammar: a corpus that knows the truth (`log_prob`, `entropy`, `is_grammatical`, `train`), for the figures
        below.
        num: texts to write for the grammar to judge, at temperature 1.

    Returns:
        By name: `texts`, `tokens` (with end tokens), `nll` (nats a text) and `perplexity` (over the whole corpus), both
        importance-weighted with `num_samples` samples where the model has a latent; `elbo`, `rate` and `distortion`
        (nats a text), `elbo_perplexity`; `mutual_information` and its cap, `active_units`; `reconstruction_exact`, the
        share of texts that come back word for word. With a grammar also those of `against_grammar`.
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
        if grammar is not None:
            figures |= against_grammar(texts, nats, model.generate(num, seed=seed), grammar)
    if "rate" in bound:
        figures["elbo"] = -(bound["rate"] + bound["distortion"])
        figures |= {name: bound[name] for name in ("rate", "distortion")}
        figures["elbo_perplexity"] = bound["perplexity"]
    if hasattr(model, "latent_statistics"):
        figures |= model.latent_statistics(texts, seed=seed)
    if hasattr(model, "reconstruct"):
        figures["reconstruction_exact"] = exact_match(normalized(model, texts), model.reconstruct(texts))
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in figures.items()}


def against_grammar(texts, nats: np.ndarray, samples, grammar) -> dict[str, float]:
    """What only a corpus with a known grammar can tell: the distance to the floor, and whether samples are grammatical.

    Args:
        texts: strings `[n]`; `nats`: their negative log-likelihoods under the model, float `[n]`.
        samples: texts that the model wrote.

    Returns:
        By name: `floor`, the exact mean `-log p` of the texts under the grammar, which no model can beat on average,
        and `over_floor` (`nll / floor - 1`); `entropy`, exact, of the grammar; `novel_nll` and `novel_floor`, over
        the texts that train does not hold (nan if it holds all); all in nats a text. `samples`, their number;
        `grammatical`, the share of them that is; `novel_samples`, the share that train does not hold.
    """
    seen = set(grammar.train)
    novel = np.array([text not in seen for text in texts])
    truth = -grammar.log_prob(texts)
    floor = float(truth.mean())
    return {
        "floor": floor,
        "over_floor": float(nats.mean()) / floor - 1,
        "entropy": float(grammar.entropy()),
        "novel_nll": float(nats[novel].mean()) if novel.any() else float("nan"),
        "novel_floor": float(truth[novel].mean()) if novel.any() else float("nan"),
        "samples": len(samples),
        "grammatical": float(np.mean([grammar.is_grammatical(text) for text in samples])),
        "novel_samples": float(np.mean([text not in seen for text in samples])),
    }


def normalized(model, texts) -> list[str]:
    """The texts as the model's tokenizer would write them (its case and spacing)."""
    tokenizer = model.tokenizer
    return [text.decode() for text in tokenizer.detokenize(tokenizer(texts)).numpy()]

"""Figures of a trained model on held-out texts."""

import numpy as np

from keras_textgen.metrics import exact_match, reconstruction_bleu
from training.against_grammar import likelihood_against_grammar, samples_against_grammar


def evaluate(
    model,
    texts,
    *,
    labels=None,
    num_samples: int = 100,
    curve: bool = False,
    seed: int = 0,
    grammar=None,
    num: int = 1000,
) -> dict:
    """What a model makes of texts.

    Args:
        model: of the zoo.
        texts: strings `[n]`.
        labels: their attributes by name, for a model that is told them; likelihoods are then of the texts given these,
            and what the model writes is asked to have the attributes of the first texts, one after the other.
        num_samples: importance samples a text.
        curve: whether to give the likelihood for fewer samples, too: for 1, 10, 100, … below `num_samples`.
        seed: of all samples.
        grammar: a corpus that knows the truth (`log_prob`, `entropy`, `is_grammatical`, `train`), for the figures
        below.
        num: texts to write for the grammar to judge, at temperature 1.

    Returns:
        By name: `texts`, `tokens` (with end tokens), `nll` (nats a text), `perplexity` (over the whole corpus) and
        `perplexity_by_text` (of the mean over texts of nats a token; Miao et al. 2016), importance-weighted with
        `num_samples` samples where the model has a latent, `nll_<samples>` for fewer; `elbo`, `rate` and `distortion`
        (nats a text), `elbo_perplexity`, and `elbo_perplexity_by_text` by one sample a text; `mutual_information` and
        its cap, `active_units`; `reconstruction_exact`, the share of texts that come back word for word, and
        `reconstruction_bleu`; `discriminator_accuracy` of an adversarial model. With a grammar also those of
        `likelihood_against_grammar` and `samples_against_grammar`.
    """
    texts, labels = list(texts), labels or {}
    bound = model.evaluate(texts, labels=labels, verbose=0, return_dict=True)
    lengths = model.ids(texts).row_lengths().numpy()
    figures = {"texts": len(texts), "tokens": int(lengths.sum())}
    nats = None
    if hasattr(model, "score"):
        nats = negative_log_likelihood(model, texts, labels, num_samples, seed)
        if is_sampled(model):
            figures["num_samples"] = num_samples
        figures["nll"] = float(nats.mean())
        figures["perplexity"] = float(np.exp(nats.sum() / lengths.sum()))
        figures["perplexity_by_text"] = float(np.exp(np.mean(nats / lengths)))
        for fewer in (10**power for power in range(9) if curve and is_sampled(model) and 10**power < num_samples):
            figures[f"nll_{fewer}"] = float(negative_log_likelihood(model, texts, labels, fewer, seed).mean())
    if grammar is not None:
        asked = {name: [values[place % len(texts)] for place in range(num)] for name, values in labels.items()}
        figures |= likelihood_against_grammar(texts, nats, labels, grammar) if nats is not None else {}
        figures |= samples_against_grammar(model.generate(num, seed=seed, attributes=asked), asked, grammar)
    if "discriminator_accuracy" in bound:
        figures["discriminator_accuracy"] = bound["discriminator_accuracy"]
    if "rate" in bound:
        figures["elbo"] = -(bound["rate"] + bound["distortion"])
        figures["rate"] = bound["rate"]
        figures["elbo_perplexity"] = bound["perplexity"]
        one_sample = negative_log_likelihood(model, texts, labels, 1, seed)
        figures["elbo_perplexity_by_text"] = float(np.exp(np.mean(one_sample / lengths)))
    if "distortion" in bound:
        figures["distortion"] = bound["distortion"]
    if hasattr(model, "latent_statistics"):
        figures |= model.latent_statistics(texts, seed=seed, labels=labels)
    if hasattr(model, "reconstruct"):
        originals, back = normalized(model, texts), model.reconstruct(texts, attributes=labels)
        figures["reconstruction_exact"] = exact_match(originals, back)
        figures["reconstruction_bleu"] = reconstruction_bleu(originals, back)
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in figures.items()}


def negative_log_likelihood(model, texts, labels, num_samples: int, seed: int = 0) -> np.ndarray:
    """`-log p` of each text, `float64 [n]` in nats: exact, or importance-weighted for a model that draws samples."""
    options = dict(num_samples=num_samples, seed=seed) if is_sampled(model) else {}
    return -model.score(texts, labels=labels, **options).astype(np.float64)


def is_sampled(model) -> bool:
    """Whether a model's score is a bound by samples; otherwise it is exact."""
    return "num_samples" in model.signatures()["score"].inputs


def normalized(model, texts) -> list[str]:
    """The texts as the model's tokenizer would write them (its case and spacing)."""
    tokenizer = model.tokenizer
    return [text.decode() for text in tokenizer.detokenize(tokenizer(texts)).numpy()]

"""Figures of a trained model on held-out texts."""

import numpy as np

from keras_textgen.metrics import Ratio, exact_match, reconstruction_bleu
from training.against_grammar import likelihood_against_grammar
from training.judging import Figures, Judge


def evaluate(
    model,
    texts,
    *,
    labels=None,
    num_samples: int = 100,
    curve: bool = False,
    seed: int = 0,
    grammar=None,
    judge: Judge | None = None,
    num: int = 1000,
) -> Figures:
    """What a model makes of texts.

    Args:
        model: of the zoo.
        texts: strings `[n]`.
        labels: their attributes by name, for a model that is told them; likelihoods are then of the texts given these,
            and what the model writes is asked to have the attributes of the first texts, one after the other.
        num_samples: importance samples a text.
        curve: whether to give the likelihood for fewer samples, too: for 1, 10, 100, … below `num_samples`.
        seed: of all samples.
        grammar: a corpus that knows the truth (`log_prob`, `entropy`, `is_grammatical`, `train`), for the figures of
            `likelihood_against_grammar`.
        judge: of what the model writes; None leaves that out.
        num: texts to write for the judge, at temperature 1.

    Returns:
        By name: `texts`, `tokens` (with end tokens), `nll` (nats a text), `perplexity` (over the whole corpus) and
        `perplexity_by_text` (of the mean over texts of nats a token; Miao et al. 2016), importance-weighted with
        `num_samples` samples where the model has a latent, `nll_<samples>` for fewer; `elbo`, `rate` and `distortion`
        (nats a text), `elbo_perplexity`, and `elbo_perplexity_by_text` by one sample a text; `mutual_information` and
        its cap, `active_units`; `reconstruction_exact`, the share of texts that come back word for word, and
        `reconstruction_bleu`; `discriminator_accuracy` of an adversarial model; and those of the judge.
    """
    texts, labels, figures = list(texts), labels or {}, Figures(seed)
    bound = model.evaluate(texts, labels=labels, verbose=0, return_dict=True)
    lengths = model.ids(texts).row_lengths().numpy()
    figures.take({"texts": len(texts), "tokens": int(lengths.sum())})
    if hasattr(model, "score"):
        nats = negative_log_likelihood(model, texts, labels, num_samples, seed)
        figures.take({"num_samples": num_samples} if is_sampled(model) else {})
        figures.take(likelihoods(nats, lengths))
        for fewer in (10**power for power in range(9) if curve and is_sampled(model) and 10**power < num_samples):
            figures.take({f"nll_{fewer}": Ratio.mean(negative_log_likelihood(model, texts, labels, fewer, seed))})
        figures.take(likelihood_against_grammar(texts, nats, labels, grammar) if grammar is not None else {})
    if judge is not None:
        figures.take_all(written_figures(model, judge, num, labels, seed=seed))
    if "discriminator_accuracy" in bound:
        figures.take({"discriminator_accuracy": bound["discriminator_accuracy"]})
    if "rate" in bound:
        one_sample = negative_log_likelihood(model, texts, labels, 1, seed)
        by_text = float(np.exp(np.mean(one_sample / lengths)))
        figures.take({"elbo": -(bound["rate"] + bound["distortion"]), "rate": bound["rate"]})
        figures.take({"elbo_perplexity": bound["perplexity"], "elbo_perplexity_by_text": by_text})
    if "distortion" in bound:
        figures.take({"distortion": bound["distortion"]})
    if hasattr(model, "latent_statistics"):
        figures.take(model.latent_statistics(texts, seed=seed, labels=labels))
    if hasattr(model, "reconstruct"):
        figures.take(reconstructions(normalized(model, texts), model.reconstruct(texts, attributes=labels)))
    return figures


def likelihoods(nats, lengths) -> dict[str, Ratio]:
    """Figures of the negative log-likelihoods of texts, `[n]` in nats, and their lengths in tokens."""
    return {
        "nll": Ratio.mean(nats),
        "perplexity": Ratio(nats, lengths, np.exp),
        "perplexity_by_text": Ratio(nats / lengths, np.ones(len(nats)), np.exp),
    }


def reconstructions(texts, back) -> dict:
    """Figures of texts and what came back of them."""
    same = [exact_match([text], [found]) for text, found in zip(texts, back, strict=True)]
    return {"reconstruction_exact": Ratio.mean(same), "reconstruction_bleu": reconstruction_bleu(texts, back)}


def written_figures(model, judge: Judge, num: int, labels=None, **options) -> Figures:
    """What `num` texts are worth that a model writes, asked to have the attributes of `labels`, one after the other.

    Args:
        **options: of `generate`.
    """
    asked = {name: [values[place % len(values)] for place in range(num)] for name, values in (labels or {}).items()}
    return judge.figures(model.generate(num, attributes=asked, **options), asked)


def frontier(model, judge: Judge, num: int, temperatures, labels=None, *, seed: int = 0) -> list[dict]:
    """Quality against diversity (Caccia et al. 2020): what a model writes at several temperatures.

    Returns:
        For each, `{"temperature": …, "figures": {…}, "intervals": {…}}`.
    """
    points = []
    for temperature in temperatures:
        figures = written_figures(model, judge, num, labels, seed=seed, temperature=temperature)
        points.append({"temperature": temperature, "figures": dict(figures), "intervals": figures.intervals})
    return points


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

"""What the figures of a model are called, and how people read them."""

LABELS = {
    "texts": "texts",
    "tokens": "tokens (with ends)",
    "nll": "negative log-likelihood, {kind} (nats a text)",
    "perplexity": "perplexity, {kind}",
    "perplexity_by_text": "  of the mean over texts of nats a token",
    "num_samples": "importance samples",
    "elbo": "evidence lower bound (nats a text)",
    "elbo_perplexity": "perplexity by that bound",
    "elbo_perplexity_by_text": "  of the mean over texts of nats a token",
    "rate": "rate: KL(q||p) (nats a text)",
    "distortion": "distortion: -log p(x|z) (nats a text)",
    "mutual_information": "mutual information (nats, over all texts)",
    "mutual_information_cap": "  at most ln(texts)",
    "mutual_information_batch_32": "  in batches of 32 (at most 3.466)",
    "active_units": "active units",
    "reconstruction_exact": "texts that come back word for word",
    "reconstruction_bleu": "BLEU-4 of what comes back",
    "floor": "floor: exact -log p under the grammar (nats a text)",
    "entropy": "exact entropy of the corpus (nats a text)",
    "over_floor": "distance to the floor",
    "novel_floor": "floor on texts that train does not hold",
    "novel_nll": "negative log-likelihood there",
    "samples": "samples written",
    "grammatical": "grammatical samples",
    "novel_samples": "samples that train does not hold",
    "distinct": "different samples",
    "samples_nll": "-log p of grammatical samples under the grammar",
    "coverage": "probability of all samples, over that of as many draws",
    "attribute_distance": "distance of their attributes to those of the grammar",
    "discriminator_accuracy": "texts that the discriminator tells apart",
    "control": "grammatical samples with all attributes asked for",
    "sample_words": "words of a sample",
    "longest_copy": "longest run of words from a training text",
    "forward_perplexity": "forward perplexity: samples under a 5-gram model of train",
    "reverse_perplexity": "reverse perplexity: these texts under a 5-gram model of samples",
    "frechet_distance": "Fréchet distance of features of sentences",
    "precision": "samples among the real texts (precision)",
    "recall": "real texts among the samples (recall)",
    "mauve": "MAUVE on features of sentences",
}
NUMBERED = {
    "bleu": "BLEU-{n} of samples against these texts",
    "self_bleu": "Self-BLEU-{n} of samples",
    "distinct": "different {n}-grams",
    "entropy": "entropy of {n}-grams (nats)",
}
SHARES = (
    *("reconstruction_exact", "over_floor", "grammatical", "novel_samples", "control"),
    *("distinct", "coverage", "discriminator_accuracy", "precision", "recall"),
)


def shown(value) -> str:
    """A number as a person reads it."""
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def label_of(name: str) -> str:
    """A figure's name as a person reads it."""
    kind, _, rest = name.partition("_")
    if kind == "nll" and rest.isdecimal():
        return f"  with {int(rest):,} sample{'s' * (rest != '1')}"
    kind_of_number, _, number = name.rpartition("_")
    if number.isdecimal() and kind_of_number in NUMBERED:
        return NUMBERED[kind_of_number].format(n=number)
    if kind == "error":
        return f"  wrong in {rest.replace('_', ' ')}"
    return LABELS.get(name, f"  {rest}" if kind == "control" else name)


def is_share(name: str) -> bool:
    """Whether a figure of that name is shown as a percentage."""
    return name in SHARES or name.startswith(("control_", "error_", "distinct_"))


def figure_shown(name: str, value) -> str:
    """A figure as a person reads it: a share as a percentage."""
    return f"{value:.1%}" if is_share(name) else shown(value)

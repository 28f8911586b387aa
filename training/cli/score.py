"""textgen score: how likely texts are under a model."""

from pathlib import Path
from typing import Annotated

import typer

from keras_textgen.errors import InputError
from training.cli.shared import AttributeValues, ModelPath, load_model, parse_attributes, print_json, read_texts, table


def command(
    model: ModelPath,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts, each in quotation marks.")] = None,
    data: Annotated[Path | None, typer.Option(help="A file with one text a line; - is standard input.")] = None,
    samples: Annotated[int, typer.Option(help="Importance samples a text, for models with a latent.")] = 100,
    seed: Annotated[int, typer.Option(help="Of the importance samples.")] = 0,
    attribute: AttributeValues = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON list of pairs.")] = False,
) -> None:
    """Log-likelihoods of texts in nats (an importance-weighted lower bound for models with a latent)."""
    texts, labels = read_texts(texts, data), parse_attributes(attribute)
    loaded = load_model(model)
    if not hasattr(loaded, "score"):
        raise InputError(f"{model} holds a {type(loaded).__name__}, which has no likelihood of a text")
    scores = loaded.score(texts, num_samples=samples, seed=seed, labels=labels).tolist()
    pairs = list(zip(texts, scores, strict=True))
    if json:
        print_json([{"text": text, "log_likelihood": value} for text, value in pairs])
    else:
        table("Log-likelihoods", ["text", "nats"], [list(pair) for pair in pairs])

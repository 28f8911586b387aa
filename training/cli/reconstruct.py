"""textgen reconstruct: what comes back of a text after its way through the latent."""

from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import AttributeValues, ModelPath, load_model, parse_attributes, print_json, read_texts, table


def command(
    model: ModelPath,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts, each in quotation marks.")] = None,
    data: Annotated[Path | None, typer.Option(help="A file with one text a line; - is standard input.")] = None,
    attribute: AttributeValues = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON list of pairs.")] = False,
) -> None:
    """Encode texts and decode them again; with other attributes than they have, what the latent holds stays."""
    texts, attributes = read_texts(texts, data), parse_attributes(attribute)
    pairs = list(zip(texts, load_model(model).reconstruct(texts, attributes=attributes), strict=True))
    if json:
        print_json([{"text": text, "reconstruction": back} for text, back in pairs])
    else:
        table("Reconstructions", ["text", "what came back"], [list(pair) for pair in pairs])

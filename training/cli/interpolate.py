"""textgen interpolate: texts on the way from one to another."""

from typing import Annotated

import typer

from training.cli.shared import AttributeValues, ModelPath, load_model, parse_attributes, print_json, print_lines


def command(
    model: ModelPath,
    a: Annotated[str, typer.Argument(help="The text to start from.")],
    b: Annotated[str, typer.Argument(help="The text to arrive at.")],
    steps: Annotated[int, typer.Option(help="Points on the way, both ends included.")] = 7,
    method: Annotated[str, typer.Option(help="linear or spherical.")] = "linear",
    attribute: AttributeValues = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """Walk through the latent space from one text to another."""
    attributes = parse_attributes(attribute)
    texts = load_model(model).interpolate(a, b, steps, method=method, attributes=attributes)
    print_json(texts) if json else print_lines(texts)

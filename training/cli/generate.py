"""textgen generate: a model writes."""

from typing import Annotated

import typer

from training.cli.shared import AttributeValues, load_model, parse_attributes, print_json, print_lines


def command(
    model: Annotated[str, typer.Argument(help="A run folder or a .keras file.")],
    num: Annotated[int, typer.Option("--num", "-n", help="How many texts.")] = 10,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same texts.")] = None,
    temperature: Annotated[float, typer.Option(help="Under 1 safer, over 1 wilder; 0 takes the likeliest word.")] = 1.0,
    top_k: Annotated[int, typer.Option(help="Keep this many of the likeliest words; 0 keeps all.")] = 0,
    top_p: Annotated[float, typer.Option(help="Keep the likeliest words that hold this much probability.")] = 1.0,
    strategy: Annotated[str, typer.Option(help="sample or greedy.")] = "sample",
    attribute: AttributeValues = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """Write texts from scratch, one a line."""
    attributes = parse_attributes(attribute)
    loaded = load_model(model)
    options = dict(temperature=temperature, top_k=top_k, top_p=top_p, strategy=strategy)
    texts = loaded.generate(num, attributes=attributes, seed=seed, **options)
    print_json(texts) if json else print_lines(texts)

"""textgen models: what the zoo holds."""

from typing import Annotated

import typer

import zoo
from training.cli.shared import print_json, table


def command(
    pattern: Annotated[str, typer.Argument(help="A wildcard pattern, such as '*_vae'.")] = "*",
    json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """List the models of the zoo and their presets."""
    specs = [zoo.spec(name) for name in zoo.list_models(pattern)]
    if json:
        print_json(
            [dict(name=s.name, summary=s.summary, source=s.source, presets=zoo.list_presets(s.name)) for s in specs],
        )
        return
    rows = [[s.name, s.summary, s.source, ", ".join(zoo.list_presets(s.name))] for s in specs]
    table(f"{len(rows)} models", ["name", "what it is", "after", "presets"], rows)

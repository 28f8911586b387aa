"""textgen export: a SavedModel for TF Serving."""

from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import ModelPath, load_model, print_json


def command(
    model: ModelPath,
    out: Annotated[
        Path | None, typer.Option(help="The folder of the versions; saved_models/<name> if left out.")
    ] = None,
    quantize: Annotated[
        str | None, typer.Option(help="Keep the weights in fewer bytes: float16, bfloat16 or int8.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Write the next version of a SavedModel that TF Serving loads: strings in, strings out."""
    import zoo

    loaded = load_model(model)
    out = out or Path("saved_models") / Path(model).resolve().name.removesuffix(".keras")
    path = zoo.export(loaded, out, quantize=quantize)
    if json:
        print_json({"path": str(path), "signatures": sorted(loaded.signatures())})
    else:
        print(f"{path} offers {', '.join(sorted(loaded.signatures()))}")

"""textgen encode: latents of texts."""

from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import AttributeValues, ModelPath, errors, load_model, parse_attributes, print_json, read_texts


def command(
    model: ModelPath,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts, each in quotation marks.")] = None,
    data: Annotated[Path | None, typer.Option(help="A file with one text a line; - is standard input.")] = None,
    out: Annotated[Path | None, typer.Option(help="A .npy file for a float32 array [texts, latent].")] = None,
    attribute: AttributeValues = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON list of lists.")] = False,
) -> None:
    """Encode texts to latents: posterior means, one line of numbers a text."""
    import numpy as np

    texts, labels = read_texts(texts, data), parse_attributes(attribute)
    latents = load_model(model).encode(texts, labels=labels)
    if out is not None:
        unfinished = out.with_name(f".{out.name}.unfinished.npy")
        try:
            np.save(unfinished, latents)
            unfinished.replace(out)
        finally:
            unfinished.unlink(missing_ok=True)
        shape = " x ".join(map(str, latents.shape[1:]))
        errors.print(f"{latents.shape[0]} latents of {shape} dimensions in {out}")
    elif json:
        print_json(latents.tolist())
    else:
        for row in latents:
            print("\t".join(f"{value:.6g}" for value in row.ravel()))

"""textgen encode: latents of texts."""

from pathlib import Path
from typing import Annotated

import typer

from keras_textgen.errors import InputError
from training.cli.shared import (
    AttributeValues,
    ModelPath,
    errors,
    identity_of,
    load_model,
    parse_attributes,
    print_json,
    read_texts,
)
from training.cli.stages import going_on

DATA = "Texts, as for `textgen train --data`, or - for the lines of standard input."
OUT = (
    "A .npy (float32 [texts, latent]), .jsonl or .parquet file to write to, however many texts; the same command goes "
    "on after an interruption."
)


def command(
    model: ModelPath,
    texts: Annotated[list[str] | None, typer.Argument(help="Texts, each in quotation marks.")] = None,
    data: Annotated[str | None, typer.Option(help=DATA)] = None,
    text: Annotated[str | None, typer.Option(help="The text column of --data.")] = None,
    out: Annotated[Path | None, typer.Option(help=OUT)] = None,
    shard: Annotated[str | None, typer.Option(help="With --out: only the i-th of n parts, as 2/4.")] = None,
    attribute: AttributeValues = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON list of lists.")] = False,
) -> None:
    """Encode texts to latents: posterior means, one line of numbers a text."""
    labels = parse_attributes(attribute)
    if out is not None:
        return write_file(model, texts, data, text, out, shard, labels)
    if shard is not None:
        raise InputError("--shard needs --out")
    texts = read_texts(texts, data, text)
    latents = load_model(model).encode(texts, labels=labels)
    if json:
        return print_json(latents.tolist())
    for row in latents:
        print("\t".join(f"{value:.6g}" for value in row.ravel()))


def write_file(model, texts, data, text, out: Path, shard, labels) -> None:
    """Writes the latents into a file, with the progress on the terminal."""
    from training import bulk
    from training.corpora.sources import open_source

    place = bulk.parse_shard(shard)
    if texts or data is None or data == "-":
        given = read_texts(texts, data)
        read, source = lambda: iter(given), given
    else:
        found = open_source(data, text)
        read, source = lambda: (content for content, _ in found.examples()), found.identity()
    loaded = load_model(model)
    if not hasattr(loaded, "encode"):
        raise InputError(f"{model} holds a {type(loaded).__name__}, which has no latents")
    with going_on(out) as stages:
        num = bulk.encode(loaded, out, read, {**identity_of(model), "texts": source}, place, stages, labels)
    shape = " x ".join(map(str, loaded.latent_shape))
    errors.print(f"{len(bulk.rows_of_shard(num, place)):,} latents of {shape} dimensions in {out}")

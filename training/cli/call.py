"""textgen call: asks a server of exported models, this one or the stock one."""

import contextlib
import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import print_json, print_lines, read_texts, silence

URL = "http://host:port, or grpc://host:port of a stock server."
SET = "An input, as num=5; a list as JSON, as latents=[[0.1, 0.2]]; repeatable."


def command(
    url: Annotated[str, typer.Argument(help=URL)],
    model: Annotated[str, typer.Argument(help="The model's name on the server.")],
    signature: Annotated[str, typer.Argument(help="generate, encode, decode, reconstruct, interpolate, score.")],
    texts: Annotated[list[str] | None, typer.Argument(help="For the input `texts`.")] = None,
    data: Annotated[Path | None, typer.Option(help="A file with a text a line; - is standard input.")] = None,
    given: Annotated[list[str] | None, typer.Option("--set", help=SET)] = None,
    version: Annotated[int | None, typer.Option(help="Of the model; the highest if left out.")] = None,
    label: Annotated[str | None, typer.Option(help="A name for a version.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one attempt.")] = 60.0,
    retries: Annotated[int, typer.Option(help="Further attempts where the server is busy or not there.")] = 4,
    json: Annotated[bool, typer.Option("--json", help="One JSON object with all outputs.")] = False,
) -> None:
    """Call a signature of a served model; texts, or a line of JSON for each row of numbers."""
    from zoo.serving import connect

    inputs = {"texts": read_texts(texts, data)} if texts or data is not None else {}
    with silence() if url.startswith("grpc:") else contextlib.nullcontext():
        client = connect(url, timeout, retries)
    with client:
        known = client.function(model, signature, version, label).inputs
        inputs |= parse_inputs(given, signature, known)
        found = client.predict(model, signature, inputs, version=version, label=label)
    if json:
        print_json({name: readable(value) for name, value in found.items()})
    else:
        print_outputs(found)


def parse_inputs(given: list[str] | None, signature: str, known: dict) -> dict:
    """`name=value`, repeated, as values of the inputs' types."""
    from keras_textgen.errors import InputError, unknown

    found = {}
    for part in given or []:
        name, equals, value = part.partition("=")
        if not equals or name in found:
            raise InputError(f"--set takes name=value, each name once, not {part!r}")
        if name not in known:
            raise unknown(f"input of {signature}", name, known)
        found[name] = parse_value(name, value, known[name])
    return found


def parse_value(name: str, value: str, known):
    """A value as the input wants it: strings as they are, all else as JSON; one value alone for a list of one."""
    from keras_textgen.errors import InputError

    listed = known.rank != 0 and value.lstrip().startswith("[")
    if known.dtype == "DT_STRING" and not listed:
        found = value
    else:
        try:
            found = json_module.loads(value)
        except ValueError:
            raise InputError(f"--set {name}: {value!r} is no value of the type {known.dtype}") from None
    return [found] if known.rank == 1 and not isinstance(found, list) else found


def print_outputs(found: dict) -> None:
    """A single output a line a row, texts as they are; several as a JSON object a row."""
    columns = {name: readable(value) if isinstance(value, list) else [readable(value)] for name, value in found.items()}
    if len(columns) > 1:
        print_lines(shown(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True))
    else:
        print_lines(value if isinstance(value, str) else shown(value) for value in next(iter(columns.values())))


def shown(value) -> str:
    return json_module.dumps(value, ensure_ascii=False)


def readable(value):
    """Values as JSON has them; bytes as text."""
    if isinstance(value, list):
        return [readable(entry) for entry in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

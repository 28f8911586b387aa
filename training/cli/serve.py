"""textgen serve: exported models over HTTP, as TF Serving's REST API has it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import silence

LABEL = "A name for a version, as lstm_vae:stable=3; repeatable."
VERSIONS = "How many of the newest versions of each model are loaded, or all."


def command(
    folder: Annotated[Path, typer.Argument(help="FOLDER/<model>/<version>/, or the versions of one model.")],
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8501,
    threads: Annotated[int, typer.Option(help="Requests computed at once; 0 for as many as there are cores.")] = 0,
    versions: Annotated[str, typer.Option(help=VERSIONS)] = "3",
    label: Annotated[list[str] | None, typer.Option(help=LABEL)] = None,
    max_num: Annotated[int, typer.Option(help="Texts that a request may ask for.")] = 1000,
    max_texts: Annotated[int, typer.Option(help="Texts that a request may bring.")] = 1000,
    max_text_bytes: Annotated[int, typer.Option(help="Bytes of a text.")] = 10_000,
    max_rows: Annotated[int, typer.Option(help="Texts times beams, samples or steps of a request.")] = 10_000,
    max_body: Annotated[int, typer.Option(help="Bytes of a request's body.")] = 4 * 2**20,
    max_depth: Annotated[int, typer.Option(help="Nested lists and objects of a body.")] = 16,
    max_waiting: Annotated[int, typer.Option(help="Requests that wait for a thread.")] = 64,
    max_connections: Annotated[int, typer.Option(help="Open connections.")] = 2000,
    idle_timeout: Annotated[float, typer.Option(help="Seconds that a connection may be silent.")] = 60.0,
    read_timeout: Annotated[float, typer.Option(help="Seconds that a head, or a body, may take to arrive.")] = 10.0,
    timeout: Annotated[float, typer.Option(help="Seconds that a request may wait and run.")] = 60.0,
) -> None:
    """Serve exported models on this machine, with TF Serving's REST API; new versions are taken up while it runs."""
    from keras_textgen.checks import whole

    labels = parse_labels(label)
    newest = None if versions == "all" else whole(1, versions=whole_number("--versions", versions))
    whole(0, threads=threads)
    whole(0, 65535, port=port)
    serve, Limits = load_server()
    limits = Limits(
        num=max_num,
        texts=max_texts,
        text_bytes=max_text_bytes,
        rows=max_rows,
        body_bytes=max_body,
        depth=max_depth,
        waiting=max_waiting,
        connections=max_connections,
        idle_seconds=idle_timeout,
        read_seconds=read_timeout,
        request_seconds=timeout,
    )
    options = dict(host=host, port=port, threads=threads or None, versions=newest, labels=labels, limits=limits)
    serve(folder, announce=announce, **options)


def announce(server) -> None:
    """Says where the server is, in a line that a script can wait for."""
    print(f"textgen: serving {server.repository.base} at {server.url}", file=sys.stderr, flush=True)


def load_server():
    """What serves, and its limits; raises `InputError` if the extra is not installed."""
    from keras_textgen.errors import InputError

    try:
        with silence():
            import tensorflow  # noqa: F401
        import zoo.serving.server as server
    except ModuleNotFoundError as error:
        raise InputError(f'{error.name} is missing: pip install "keras-textgen[serve]"') from error
    return server.serve, server.Limits


def parse_labels(given: list[str] | None) -> dict[str, dict[str, int]]:
    """`model:label=version`, repeated, as `{model: {label: version}}`."""
    from keras_textgen.errors import InputError

    found: dict[str, dict[str, int]] = {}
    for part in given or []:
        left, _, version = part.rpartition("=")
        model, _, label = left.rpartition(":")
        if not (model and label and version.isdigit() and label.isascii() and label.replace("_", "a").isalnum()):
            raise InputError(f"--label takes model:label=version, as lstm_vae:stable=3, not {part!r}")
        if label in found.setdefault(model, {}):
            raise InputError(f"--label gives {model}:{label} twice")
        found[model][label] = int(version)
    return found


def whole_number(name: str, given: str) -> int:
    """A number in a string; raises `InputError`."""
    from keras_textgen.errors import InputError

    if not given.isdigit():
        raise InputError(f"{name} takes a whole number or all, not {given!r}")
    return int(given)

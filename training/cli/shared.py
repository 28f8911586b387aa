"""What several verbs need: texts from arguments or files, a quiet start of TensorFlow, tables and JSON."""

import contextlib
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from keras_textgen.errors import InputError
from training.figures import figure_shown, label_of, shown
from training.harmless import harmless, harmless_json
from training.whole_files import sha256
from zoo.silence import silence

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str, code: int = 2) -> None:
    """Says in one line what is wrong, and exits."""
    print("textgen: " + harmless(" ".join(message.split())), file=sys.stderr)
    sys.exit(code)


def require_alone(context: typer.Context, what: str = "run", beside: str | None = None) -> None:
    """Refuses what is given beside --resume and would be without effect: all but --json and the option `beside`."""
    taken = {"resume", "json", beside}
    given = [name for name in context.params if context.get_parameter_source(name).name == "COMMANDLINE"]
    if not taken.issuperset(given):
        alone = "give it alone" if beside is None else f"give it alone, or with --{beside}"
        raise InputError(f"--resume goes on with the {what} as it was configured; {alone}")


def load_model(path: str):
    """The model at a path, to write and to read with; the errors of `zoo.load`."""
    import zoo
    from zoo.storage import find

    find(path)  # a wrong path is answered before TensorFlow is loaded
    with silence(), without("sklearn"):  # Keras would import all of it for wrappers that no verb uses
        import tensorflow  # noqa: F401

        import keras_textgen.models.text_model  # noqa: F401
    return zoo.load(path, compile=False)


@contextlib.contextmanager
def without(package: str):
    """While it holds, an optional package counts as missing for whoever tries to import it; unless it is there."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None
    try:
        yield
    finally:
        del sys.modules[package]


def identity_of(path: str) -> dict:
    """What tells the model at a path from others."""
    from zoo.storage import find

    return {"model": sha256(find(path))}


ModelPath = Annotated[
    str, typer.Argument(help="A run folder, a .keras file, or a trained model of the zoo, as lstm_vae/reviews.")
]
AttributeValues = Annotated[
    list[str] | None,
    typer.Option("--attribute", help="What the texts shall be, as sentiment=positive; repeatable."),
]


def parse_attributes(given: list[str] | None) -> dict[str, str]:
    """`name=value`, repeated, to values by name."""
    found = {}
    for attribute in given or []:
        name, _, value = attribute.partition("=")
        if not (name and value) or name in found:
            raise InputError(f"--attribute takes name=value, each name once, not {attribute!r}")
        found[name] = value
    return found


def read_texts(texts: list[str] | None, data: Path | str | None, column: str | None = None) -> list[str]:
    """Texts given as arguments, or those of a file, in its column of that name ("-" is standard input).

    Raises:
        InputError: if there are none, both are given, or the file cannot be read.
    """
    if texts and data is not None:
        raise InputError("give texts or --data, not both")
    if texts:
        for text in texts:
            if not text.strip():
                raise InputError("a text is empty; give it some words")
        return texts
    if data is None:
        raise InputError("give at least one text, or a file with --data")
    if str(data) == "-":
        try:
            lines = sys.stdin.buffer.read().decode("utf-8").splitlines()
        except UnicodeDecodeError as error:
            raise InputError(f"standard input is not UTF-8 (byte {error.start})") from None
        lines = [line.strip() for line in lines if line.strip()]
        if not lines:
            raise InputError("standard input holds no text")
        return lines
    from training.corpora.files import read_texts as read_file

    return list(read_file(data, column))


def print_json(value) -> None:
    """A result where another program reads it."""
    print(harmless_json(value))


def print_lines(lines) -> None:
    """Texts, one a line, with control characters made visible; `print_json` has them as they are."""
    for line in lines:
        print(harmless(line))


def table(title: str, columns: list[str], rows: list[list], *, whole: bool = False) -> None:
    """A table on the terminal; texts are shown, whatever marks and control characters they hold, and do nothing.

    Args:
        whole: for a table of many columns: its lines are not folded in a file or a pipe, and the first column less
            than the others on a terminal.
    """
    drawn = Table(
        title=escape(harmless(title)),
        title_justify="left",
        title_style="bold",
        header_style="dim",
        show_header=any(columns),
    )
    for place, column in enumerate(columns):
        drawn.add_column(escape(harmless(column)), overflow="fold", min_width=24 if whole and place == 0 else None)
    for row in rows:
        drawn.add_row(*(escape(harmless(cell)) if isinstance(cell, str) else shown(cell) for cell in row))
    in_full = whole and not console.is_terminal
    (Console(highlight=False, soft_wrap=True, width=10_000) if in_full else console).print(drawn)


def figures_table(title: str, figures: dict) -> None:
    """Figures by name as a table, with their intervals where they have any."""
    kind = "importance-weighted" if "num_samples" in figures else "exact"
    rows = [
        [label_of(name).format(kind=kind), figure_shown(name, value), interval_shown(name, figures)]
        for name, value in figures.items()
    ]
    known = any(interval for *_, interval in rows)
    table(title, ["", "", "95 %"] if known else ["", ""], rows if known else [row[:2] for row in rows])


def interval_shown(name: str, figures: dict) -> str:
    """Between which numbers a figure lies; nothing where that is not known."""
    interval = getattr(figures, "intervals", {}).get(name)
    return "" if interval is None else " to ".join(figure_shown(name, end) for end in interval)

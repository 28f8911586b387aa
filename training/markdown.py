"""Tables in Markdown, and how they come into a document: between two comments that mark their place."""

from pathlib import Path

from keras_textgen.errors import InputError
from training.whole_files import write_atomically


def table(header: list[str], lines: list[list[str]]) -> str:
    """A Markdown table of cells."""
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *lines))


def written_into(text: str, content: str, begin_mark: str, end_mark: str) -> str:
    """A text with `content` between its marks.

    Raises:
        InputError: if the marks are not there, once each and in their order.
    """
    before, begin, rest = text.partition(begin_mark)
    _, end, after = rest.partition(end_mark)
    if not (begin and end):
        raise InputError(f"there is no place for the table: the marks {begin_mark!r} and {end_mark!r} are missing")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def write_into(path: Path, content: str, begin_mark: str, end_mark: str) -> None:
    """Puts `content` between its marks in a file; the errors of `written_into`."""
    write_atomically(path, written_into(path.read_text(encoding="utf-8"), content, begin_mark, end_mark))

"""What files hold, by their suffix: records of a text and its labels, one after the other."""

import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from keras_textgen.errors import InputError
from training.corpora.counts import SUFFIX, count_records
from training.corpora.lines import LONGEST, PIECE, Advance, ignore, read_lines, require_pyarrow, suffix_of, unreadable

TEXT_COLUMNS = ("text", "sentence", "review")
COLUMNS = (".jsonl", ".json", ".csv", ".tsv", ".parquet")  # the files that have any
SUFFIXES = (".txt", *COLUMNS, SUFFIX)
ROWS = 1024  # of a Parquet file at a time

csv.field_size_limit(LONGEST)  # or a quotation mark that is never closed would take in the whole file

_SPACES = str.maketrans("\t\n\r", "   ")
# NUL, and halves of surrogate pairs (which JSON can spell but UTF-8 can't).
_REFUSED = re.compile("[\0\ud800-\udfff]")

# A record is the place it comes from, its text, and its labels by name.
Record = tuple[str, object, dict[str, object]]


def examples(
    path: Path,
    text: str | int | None,
    labels: Sequence[str | int],
    words: Sequence[str] | None = None,
    advance: Advance = ignore,
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yields the texts of a file with their labels by name, all of them stripped and of one line.

    `words` are those of a file of counts; `advance` is told the bytes that were read. Raises InputError, with file and
    line, for whatever can't be read.
    """
    for place, content, given in _records(path, text, labels, words, advance):
        yield clean_example(place, content, given)


def clean_example(place: str, content: object, given: dict[str, object]) -> tuple[str, dict[str, str]]:
    """A record's text and labels, checked."""
    named = {name: _clean(_number_as_text(value), place, f"label {name!r}") for name, value in given.items()}
    return _clean(content, place, "text"), named


def column(place: str, columns: Iterable[str], wanted: object) -> str:
    """The column wanted, or the first of the usual ones if None."""
    columns = list(columns)
    found = [name for name in (TEXT_COLUMNS if wanted is None else [wanted]) if name in columns]
    there = ", ".join(map(repr, columns)) or "none"
    if not found and wanted is None:
        hint = "name it with text=..., or give its number from 0 if the file has no header line"
        raise InputError(f"{place}: no column {' or '.join(map(repr, TEXT_COLUMNS))}; columns: {there}; {hint}")
    if not found:
        raise InputError(f"{place}: no column {wanted!r}; columns: {there}")
    if columns.count(found[0]) > 1:
        raise InputError(f"{place}: more than one column {found[0]!r}; rename all but one")
    return found[0]


def _records(path: Path, text, labels: Sequence, words, advance: Advance) -> Iterator[Record]:
    suffix = suffix_of(path)
    if suffix == ".parquet":
        return _parquet_records(path, text, labels, advance)
    lines = read_lines(path, advance)
    if suffix == SUFFIX:
        if text is not None:
            raise InputError(f"{path}: counts have no column of texts; leave out text")
        return count_records(path, lines, words, labels)
    if suffix in (".jsonl", ".json"):
        return _json_records(path, lines, text, labels)
    if suffix in (".csv", ".tsv"):
        return _table_records(path, lines, text, labels)
    if text is not None or labels:
        kinds = f"{', '.join(COLUMNS[:-1])} and {COLUMNS[-1]}"
        raise InputError(f"{path}: only {kinds} files have columns; leave out text and labels")
    return ((f"{path}, line {number}", line, {}) for number, line in enumerate(lines, 1) if line.strip())


def _clean(content: object, place: str, kind: str) -> str:
    """A text or label as a stripped string of one line."""
    if not isinstance(content, str):
        raise InputError(f"{place}: the {kind} must be a string, not {json.dumps(content, default=str)[:60]}")
    refused = _REFUSED.search(content)
    if refused:
        raise InputError(f"{place}: the {kind} has the character U+{ord(refused[0]):04X}; remove it")
    content = content.translate(_SPACES).strip()
    if not content:
        raise InputError(f"{place}: the {kind} is empty; fill it in or remove the line")
    return content


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _json_records(path: Path, lines: Iterable[str], text: object, labels: Sequence) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        place = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", None) or type(error).__name__
            raise InputError(f"{place}: invalid JSON ({reason}); each line must be one JSON value") from None
        if isinstance(value, str) and text is None and not labels:
            yield place, value, {}
        elif isinstance(value, dict):
            content = value[column(place, value, text)]
            yield place, content, {str(label): value[column(place, value, label)] for label in labels}
        else:
            needed = "an object with the columns asked for" if text or labels else "a string or an object"
            raise InputError(f"{place}: the line must be {needed}, not {line.strip()[:60]!r}")


def _parquet_records(path: Path, text: object, labels: Sequence, advance: Advance) -> Iterator[Record]:
    pyarrow = require_pyarrow(path)
    try:
        with path.open("rb") as file:
            table = pyarrow.parquet.ParquetFile(file, pre_buffer=False, buffer_size=PIECE)
            names = table.schema_arrow.names
            wanted = [column(str(path), names, text), *(column(str(path), names, label) for label in labels)]
            number, size = 0, path.stat().st_size
            for batch in table.iter_batches(ROWS, columns=list(dict.fromkeys(wanted))):
                columns = [batch.column(name).to_pylist() for name in wanted]
                for content, *values in zip(*columns, strict=True):
                    number += 1
                    yield f"{path}, row {number}", content, dict(zip(map(str, labels), values, strict=True))
                advance(size * len(batch) // table.metadata.num_rows)
    except pyarrow.ArrowException as error:
        raise InputError(f"{path}: is damaged or no Parquet file: {' '.join(str(error).split())[:200]}") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _table_records(path: Path, lines: Iterable[str], text: object, labels: Sequence) -> Iterator[Record]:
    rows = _rows(path, lines)
    header_place, header = next(rows, (str(path), []))
    if not header:
        return
    if isinstance(text, int) or (isinstance(text, str) and text.isdecimal() and text not in header):
        rows = itertools.chain([(header_place, header)], rows)
        position = _position(path, header, text)
        columns = {str(label): _position(path, header, label) for label in labels}
    else:
        position = header.index(column(header_place, header, text))
        columns = {str(label): header.index(column(header_place, header, label)) for label in labels}
    for place, row in rows:
        if len(row) != len(header):
            raise InputError(f"{place}: {len(row)} columns where the first line has {len(header)}")
        yield place, row[position], {name: row[place_of] for name, place_of in columns.items()}


def _rows(path: Path, lines: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yields the place and the stripped columns of every row that isn't blank."""
    # In a .tsv file quotation marks are part of the text.
    quoting = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if suffix_of(path) == ".tsv" else {"strict": True}
    reader = csv.reader((line + "\n" for line in lines), **quoting)
    while True:
        place = f"{path}, line {reader.line_num + 1}"
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{place}: not a valid table row: {error}") from None
        row = [cell.strip() for cell in row]
        if row not in ([], [""]):
            yield place, row


def _position(path: Path, first_row: list[str], wanted: object) -> int:
    """A column's number, for a table without header."""
    if str(wanted).isdecimal() and int(wanted) < len(first_row):
        return int(wanted)
    highest = len(first_row) - 1
    raise InputError(f"{path}, line 1: column {wanted!r} is not among the columns 0 to {highest}")

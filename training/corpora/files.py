"""Corpora in files: one text a line, JSON-lines, tables with columns of texts and of labels, or word counts."""

import codecs
import csv
import difflib
import itertools
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
from training.corpora.corpus import Corpus, Texts
from training.corpora.counts import SUFFIX, count_records, vocabulary_words

TEXT_COLUMNS = ("text", "sentence", "review")
SPLIT_SHARE, SPLIT_MOST = 0.05, 2_000

_SPACES = str.maketrans("\t\n\r", "   ")
# NUL, and halves of surrogate pairs (which JSON can spell but UTF-8 can't).
_REFUSED = re.compile("[\0\ud800-\udfff]")

# A record is the place it comes from, its text, and its labels by name.
Record = tuple[str, object, dict[str, object]]


def load_files(
    paths: dict[str, Path],
    text: str | int | None,
    labels: Sequence[str | int] | None,
    split_seed: int,
    corpora: Sequence[str],
    vocabulary: Path | None = None,
) -> Corpus:
    """Reads the corpus at `paths["train"]`; "valid" and "test" are split off where `paths` doesn't have them.

    `corpora` are the names to propose where no such file exists; `vocabulary` is as for `read_texts`. Raises
    InputError for whatever can't be read.
    """
    labels = [labels] if isinstance(labels, (str, int)) else list(labels or ())
    split_seed = whole(0, split_seed=split_seed)
    if not os.path.exists(paths["train"]) and not paths["train"].suffix and len(paths["train"].parts) == 1:
        near = difflib.get_close_matches(paths["train"].name, _siblings(paths["train"]))
        raise unknown("corpus", str(paths["train"]), [*corpora, *near])
    words = _words(paths.values(), vocabulary)
    parts = {part: _texts(path, text, labels, words) for part, path in paths.items()}
    wanted = [part for part in ("valid", "test") if part not in parts]
    parts.update(_split(parts["train"], wanted, split_seed, paths["train"]))
    return Corpus(paths["train"].name, **parts, vocabulary=words)


def read_texts(
    path: Path,
    text: str | int | None = None,
    labels: Sequence[str | int] = (),
    vocabulary: Path | None = None,
) -> Texts:
    """The texts of one file, at least one, with the labels in the columns asked for.

    `vocabulary` is the file of the words of a file of counts (`.feat`); other files have none. Raises InputError for
    whatever can't be read, and for a `vocabulary` that is missing or too much.
    """
    return _texts(path, text, labels, _words([path], vocabulary))


def _words(paths: Iterable[Path], vocabulary: Path | None) -> list[str] | None:
    """The words of files of counts; None for other files."""
    for path in paths:
        if path.suffix == SUFFIX and vocabulary is None:
            raise InputError(f"{path}: holds counts; give the vocabulary file of the counts with vocabulary=...")
        if path.suffix != SUFFIX and vocabulary is not None:
            raise InputError(f"{path}: only {SUFFIX} files have a vocabulary file; leave out vocabulary")
    return None if vocabulary is None else vocabulary_words(vocabulary, _read(vocabulary).split("\n"))


def _texts(path: Path, text: str | int | None, labels: Sequence[str | int], words: Sequence[str] | None) -> Texts:
    lines = _read(path).split("\n")
    if path.suffix == SUFFIX:
        if text is not None:
            raise InputError(f"{path}: counts have no column of texts; leave out text")
        records = count_records(path, lines, words, labels)
    elif path.suffix in (".jsonl", ".json"):
        records = _json_records(path, lines, text, labels)
    elif path.suffix in (".csv", ".tsv"):
        records = _table_records(path, lines, text, labels)
    elif text is not None or labels:
        raise InputError(f"{path}: only .jsonl, .json, .csv and .tsv files have columns; leave out text and labels")
    else:
        records = ((f"{path}, line {number}", line, {}) for number, line in enumerate(lines, 1) if line.strip())
    texts: list[str] = []
    values: dict[str, list[str]] = {str(label): [] for label in labels}
    for place, content, given in records:
        texts.append(_clean(content, place, "text"))
        for name, value in given.items():
            values[name].append(_clean(_number_as_text(value), place, f"label {name!r}"))
    if not texts:
        raise InputError(f"{path}: holds no texts")
    return Texts(texts, values)


def _split(train: Texts, wanted: list[str], seed: int, path: Path) -> dict[str, Texts]:
    """Splits the wanted parts off `train`; every part keeps the order of the file."""
    if len(train) < len(wanted) + 1:
        raise InputError(f"{path}: {len(train)} texts can't be split; give at least {len(wanted) + 1}")
    size = min(SPLIT_MOST, max(1, int(len(train) * SPLIT_SHARE)))
    shuffled = np.argsort(np.random.Generator(np.random.PCG64(seed)).random(len(train)), kind="stable").tolist()
    parts = {part: train.take(sorted(shuffled[at * size : (at + 1) * size])) for at, part in enumerate(wanted)}
    return {**parts, "train": train.take(sorted(shuffled[len(wanted) * size :]))}


def _read(path: Path) -> str:
    """The content of a file without byte-order mark and with plain line ends."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        near = difflib.get_close_matches(path.name, _siblings(path))
        hint = "did you mean " + " or ".join(map(repr, near)) + "?" if near else "check the path"
        raise InputError(f"{path}: no such file; {hint}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give a file in it") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: can't be read: {getattr(error, 'strerror', None) or error}") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        byte = f"byte {column} of the line is 0x{data[error.start]:02x}"
        raise InputError(f"{path}, line {line}: not UTF-8: {byte}; save the file as UTF-8") from None


def _siblings(path: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return []


def _clean(content: object, place: str, kind: str) -> str:
    """A text or label as a stripped string of one line."""
    if not isinstance(content, str):
        raise InputError(f"{place}: the {kind} must be a string, not {json.dumps(content)[:60]}")
    refused = _REFUSED.search(content)
    if refused:
        raise InputError(f"{place}: the {kind} has the character U+{ord(refused[0]):04X}; remove it")
    content = content.translate(_SPACES).strip()
    if not content:
        raise InputError(f"{place}: the {kind} is empty; fill it in or remove the line")
    return content


def _number_as_text(value: object) -> object:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _json_records(path: Path, lines: list[str], text: object, labels: Sequence) -> Iterator[Record]:
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
            column = value[_column(place, value, text)]
            yield place, column, {str(label): value[_column(place, value, label)] for label in labels}
        else:
            needed = "an object with the columns asked for" if text or labels else "a string or an object"
            raise InputError(f"{place}: the line must be {needed}, not {line.strip()[:60]!r}")


def _table_records(path: Path, lines: list[str], text: object, labels: Sequence) -> Iterator[Record]:
    rows = _rows(path, lines)
    header_place, header = next(rows, (str(path), []))
    if not header:
        raise InputError(f"{path}: holds no texts")
    if isinstance(text, int) or (isinstance(text, str) and text.isdecimal() and text not in header):
        rows = itertools.chain([(header_place, header)], rows)
        column = _position(path, header, text)
        columns = {str(label): _position(path, header, label) for label in labels}
    else:
        column = header.index(_column(header_place, header, text))
        columns = {str(label): header.index(_column(header_place, header, label)) for label in labels}
    for place, row in rows:
        if len(row) != len(header):
            raise InputError(f"{place}: {len(row)} columns where the first line has {len(header)}")
        yield place, row[column], {name: row[position] for name, position in columns.items()}


def _rows(path: Path, lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yields the place and the stripped columns of every row that isn't blank."""
    # In a .tsv file quotation marks are part of the text.
    quoting = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if path.suffix == ".tsv" else {"strict": True}
    reader = csv.reader((line + "\n" for line in lines), **quoting)
    while True:
        place = f"{path}, line {reader.line_num + 1}"
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"{place}: not a valid table row: {error}") from None
        row = [column.strip() for column in row]
        if row not in ([], [""]):
            yield place, row


def _column(place: str, columns: Iterable[str], wanted: object) -> str:
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


def _position(path: Path, first_row: list[str], wanted: object) -> int:
    """A column's number, for a table without header."""
    if str(wanted).isdecimal() and int(wanted) < len(first_row):
        return int(wanted)
    highest = len(first_row) - 1
    raise InputError(f"{path}, line 1: column {wanted!r} is not among the columns 0 to {highest}")

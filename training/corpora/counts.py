"""Corpora of word counts: a file of documents (`.feat`), and beside it the file of the words that are counted."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from keras_textgen.errors import InputError, unknown

SUFFIX = ".feat"
LABEL = "label"
# A count becomes that many words of a text, so a few digits too many would fill the memory.
LARGEST_COUNT = 1_000_000

_WHOLE = re.compile("[0-9]{1,9}")


def vocabulary_words(path: Path, lines: Sequence[str]) -> list[str]:
    """The words of a vocabulary file, one a line, maybe with a number after it; the first one has the id 1.

    Raises InputError, with file and line, where there is no word, a word with white space, or a word twice.
    """
    last = max((number for number, line in enumerate(lines, 1) if line.strip()), default=0)
    if not last:
        raise InputError(f"{path}: holds no words")
    places: dict[str, int] = {}
    for number, line in enumerate(lines[:last], 1):
        word = _word(f"{path}, line {number}", line)
        if word in places:
            raise InputError(f"{path}, line {number}: the word {word!r} stands on line {places[word]} already")
        places[word] = number
    return list(places)


def count_records(
    path: Path, lines: Iterable[str], words: Sequence[str], labels: Sequence
) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yields the place, the text and the labels of every line `label id:count id:count …` that isn't blank.

    The text repeats each word as often as it is counted, in the order of the ids. `labels` may hold "label".
    Raises InputError, with file and line, for what is no such line; a document without words is refused too.
    """
    for wanted in labels:
        if wanted != LABEL:
            raise InputError(f"{path}: {unknown('label', wanted, [LABEL])}")
    for number, line in enumerate(lines, 1):
        place = f"{path}, line {number}"
        label, *pairs = line.split() or [None]
        if label is None:
            continue
        if ":" in label:
            raise InputError(f"{place}: the line must begin with the label of the document, not {label[:60]!r}")
        if not pairs:
            raise InputError(f"{place}: the document holds no words; remove the line")
        counts = _counts(place, pairs, len(words))
        text = " ".join(" ".join([words[word_id - 1]] * counts[word_id]) for word_id in sorted(counts))
        yield place, text, {LABEL: label} if labels else {}


def _word(place: str, line: str) -> str:
    columns = line.split()
    if not columns:
        raise InputError(f"{place}: no word; every line has one, as its line is its id")
    if len(columns) > 2 or (len(columns) == 2 and not columns[1].isdecimal()):
        given = line.strip()[:60]
        raise InputError(f"{place}: the line must be a word without white space, or one and its number, not {given!r}")
    if "\0" in columns[0]:
        raise InputError(f"{place}: the word has the character U+0000; remove it")
    return columns[0]


def _counts(place: str, pairs: Sequence[str], size: int) -> dict[int, int]:
    """The count of every id of a document, from "id:count"; `size` is the number of words."""
    counts: dict[int, int] = {}
    for pair in pairs:
        word_id, colon, count = pair.partition(":")
        if not colon:
            raise InputError(f"{place}: {pair[:60]!r} must be id:count")
        if not _WHOLE.fullmatch(word_id) or not 1 <= int(word_id) <= size:
            raise InputError(f"{place}: the id {word_id[:60]!r} is not among the ids 1 to {size} of the vocabulary")
        if not _WHOLE.fullmatch(count) or not 1 <= int(count) <= LARGEST_COUNT:
            wanted = f"a whole number from 1 to {LARGEST_COUNT:,}"
            raise InputError(f"{place}: the count of the id {word_id} must be {wanted}, not {count[:60]!r}")
        if int(word_id) in counts:
            raise InputError(f"{place}: the id {word_id} is counted twice; add its counts up")
        counts[int(word_id)] = int(count)
    return counts

"""Where texts come from: files, by path, pattern or folder, and data sets by name. All of them are streams."""

import difflib
import glob
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from keras_textgen.errors import InputError, unknown
from training.corpora.counts import SUFFIX, vocabulary_words
from training.corpora.lines import Advance, ignore, read_lines, siblings, suffix_of, unreadable
from training.corpora.records import SUFFIXES, examples

Example = tuple[str, dict[str, str]]  # a text and its labels by name

_NUMBERED = re.compile(r"(.*?)(\d{2,})-of-(\d{2,})(.*)")


class Source:
    """A stream of texts with their labels that can be read again and again.

    Attributes:
        name: what to call it.
        size: bytes on the disk, or None where that is not known before it is read.
        words: the words that its texts are made of, where it states them.
        parts: further sources, "valid" and "test", where it comes with any.
    """

    name: str
    size: int | None = None
    words: Sequence[str] | None = None
    parts: dict[str, "Source"] = {}

    def examples(self, advance: Advance = ignore) -> Iterator[Example]:
        """Yields texts with their labels; `advance` is told the bytes that were read."""
        raise NotImplementedError

    def identity(self) -> list:
        """What tells, as JSON, that two sources hold the same."""
        raise NotImplementedError


class Files(Source):
    """Texts in files of one kind, one after the other."""

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        text: str | int | None = None,
        labels: Sequence[str | int] = (),
        vocabulary: Path | None = None,
    ):
        """`vocabulary` is the file of the words of files of counts (`.feat`). Raises InputError where it is missing or
        too much, or a file isn't there."""
        self.name, self.paths, self.text, self.labels = name, list(paths), text, list(labels)
        for path in self.paths:
            if suffix_of(path) == SUFFIX and vocabulary is None:
                raise InputError(f"{path}: holds counts; give the vocabulary file of the counts with vocabulary=...")
            if suffix_of(path) != SUFFIX and vocabulary is not None:
                raise InputError(f"{path}: only {SUFFIX} files have a vocabulary file; leave out vocabulary")
        if vocabulary is not None:
            self.words = vocabulary_words(vocabulary, list(read_lines(vocabulary)))
        self.size = sum(path.stat().st_size for path in self.paths if path.exists())

    def examples(self, advance=ignore):
        for path in self.paths:
            found = examples(path, self.text, self.labels, self.words, advance)
            first = next(found, None)
            if first is None:
                raise InputError(f"{path}: holds no texts")
            yield from itertools.chain([first], found)

    def identity(self):
        found = []
        for path in self.paths:
            try:
                state = path.stat()
            except OSError as error:
                raise unreadable(path, error) from None
            found.append([path.name, state.st_size, state.st_mtime_ns])
        return found


def open_source(
    source: str | os.PathLike,
    text: str | int | None = None,
    labels: str | int | Sequence[str | int] | None = None,
    vocabulary: str | os.PathLike | None = None,
    corpora: Iterable[str] = (),
) -> Source:
    """The texts at a path (a file, a pattern such as "data/*.txt", or a folder), or in "hf:name" or "tfds:name/config".

    `text`, `labels` and `vocabulary` are as for `corpora.load`; `corpora` are names to propose where there is no such
    file. Raises InputError if nothing is there, or an option does not suit it.
    """
    labels = [labels] if isinstance(labels, (str, int)) else list(labels or ())
    kind, colon, name = str(source).partition(":")
    if colon and kind in ("hf", "tfds"):
        from training.corpora.named import open_named

        if vocabulary is not None:
            raise InputError(f"{source}: only {SUFFIX} files have a vocabulary file; leave out vocabulary")
        return open_named(kind, name, text, labels)
    paths = find_files(Path(source), corpora)
    return Files(Path(source).name, paths, text, labels, None if vocabulary is None else Path(vocabulary))


def find_files(path: Path, corpora: Iterable[str] = ()) -> list[Path]:
    """The file at a path, those that match it as a pattern, or those in the folder there, in order.

    Raises InputError if there are none, those of a folder are of several kinds, or one of a numbered set
    (`…-00003-of-00010…`) is missing.
    """
    if path.is_dir():
        found = [entry for entry in sorted(path.rglob("*")) if suffix_of(entry) in SUFFIXES and entry.is_file()]
        found = [entry for entry in found if not any(part[0] in "._" for part in entry.relative_to(path).parts)]
        kinds = sorted({suffix_of(entry) for entry in found})
        if not found:
            raise InputError(f"{path}: is a folder without files of texts ({', '.join(SUFFIXES)}); give a file")
        if len(kinds) > 1:
            raise InputError(
                f"{path}: holds files of several kinds ({', '.join(kinds)}); choose some, as {path}/*{kinds[0]}"
            )
        return complete(found)
    if not path.exists() and glob.has_magic(str(path)):
        found = [Path(name) for name in sorted(glob.glob(str(path), recursive=True)) if os.path.isfile(name)]
        if not found:
            raise InputError(f"{path}: no file matches this pattern; check it")
        return complete(found)
    if corpora and not os.path.exists(path) and not path.suffix and len(path.parts) == 1:
        raise unknown("corpus", str(path), [*corpora, *difflib.get_close_matches(path.name, siblings(path))])
    return [path]


def complete(paths: list[Path]) -> list[Path]:
    """The paths, unless some are numbered as `00003-of-00010` and one of that set isn't there."""
    sets: dict[tuple, set[int]] = {}
    for path in paths:
        if numbered := _NUMBERED.fullmatch(path.name):
            before, number, total, after = numbered.groups()
            sets.setdefault((path.parent, before, total, after, len(number)), set()).add(int(number))
    for (folder, before, total, after, width), numbers in sets.items():
        first = 1 if int(total) in numbers else 0
        missing = sorted(set(range(first, first + int(total))) - numbers)
        if missing:
            name = f"{before}{missing[0]:0{width}}-of-{total}{after}"
            raise InputError(f"{folder / name}: is missing, though others of its set are there; fetch it")
    return paths

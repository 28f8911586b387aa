"""The corpora that models are trained on: built-in ones by name, and files."""

import os
from collections.abc import Sequence
from pathlib import Path

from keras_textgen.errors import InputError
from training.corpora.corpus import Corpus, Texts
from training.corpora.files import load_files
from training.corpora.reviews_corpus import ReviewsCorpus

__all__ = ["Corpus", "ReviewsCorpus", "Texts", "list_corpora", "load"]

_REGISTERED = {"reviews": ReviewsCorpus}


def list_corpora() -> list[str]:
    """The names of the built-in corpora."""
    return sorted(_REGISTERED)


def load(
    source: str | os.PathLike,
    *,
    seed: int = 0,
    text: str | int | None = None,
    labels: Sequence[str | int] | None = None,
    valid: str | os.PathLike | None = None,
    test: str | os.PathLike | None = None,
    split_seed: int = 0,
) -> Corpus:
    """Returns a built-in corpus by its name, or the corpus in the file at the path `source`.

    `seed` chooses the draw of a built-in corpus. The other options are for files, of one text a line, JSON-lines
    (`.jsonl`, `.json`), `.csv` or `.tsv`: `text` names the column of the texts (a number: of a table without header,
    counted from 0), `labels` the columns of the labels. `valid` and `test` are paths of files of the same kind;
    without them each is 5% of the file (at least 1, at most 2,000 texts), chosen by `split_seed`.

    Raises InputError, with file and line, for whatever can't be read.
    """
    if source in _REGISTERED:
        if any(option is not None for option in (text, labels, valid, test)):
            raise InputError(f"text, labels, valid and test are options for files; the corpus {source!r} has none")
        return _REGISTERED[source](seed)
    paths = {"train": source, "valid": valid, "test": test}
    files = {part: Path(path) for part, path in paths.items() if path is not None}
    return load_files(files, text, labels, split_seed, list_corpora())

"""The corpora that models are trained on: built-in ones by name, and files."""

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence

from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
from training.corpora.corpus import Corpus, Texts
from training.corpora.files import TooLarge, load_source
from training.corpora.prepared import PreparedCorpus, is_prepared
from training.corpora.reviews_corpus import ReviewsCorpus
from training.corpora.sources import open_source

__all__ = [
    "Corpus",
    "PreparedCorpus",
    "ReviewsCorpus",
    "Texts",
    "TooLarge",
    "is_prepared",
    "list_corpora",
    "load",
    "prepare",
    "unwatched",
]

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
    vocabulary: str | os.PathLike | None = None,
) -> Corpus:
    """Returns a built-in corpus by its name, or the corpus in files or in a data set, read into memory.

    `seed` chooses the draw of a built-in corpus. The other options are for what `source` names else:

    - a file of one text a line, JSON-lines (`.jsonl`, `.json`), `.csv`, `.tsv` or `.parquet`, maybe packed (`.gz`,
      `.zst`); a pattern (`"data/*.txt"`); or a folder of such files;
    - `"hf:name"`, `"hf:name:config"`, `"tfds:name/config"`: a data set of Hugging Face `datasets` or of TensorFlow
      Datasets, by name or by the path of its folder; its own validation and test parts are taken as they are;
    - a folder that `prepare` has written (which is not read into memory, and takes none of these options).

    `text` names the column of the texts (a number: of a table without header, counted from 0), `labels` the columns of
    the labels. `valid` and `test` are more of the same kinds; without them each is 5% of the texts (at least 1, at
    most 2,000), chosen by `split_seed`.

    A `.feat` file holds word counts, a document a line: `label id:count id:count …`. `vocabulary` is the path of its
    words, one a line, maybe with a number after it; line 1 has the id 1. A document becomes a text in which each word
    stands as often as it is counted, in the order of the ids; `labels=["label"]` keeps its label. A document without
    words is no text and is refused, a blank line is skipped. The words are the corpus's `vocabulary`.

    Raises InputError, with file and line, for whatever can't be read; `files.TooLarge`, one of its kind, for texts of
    over 256 MB, which `prepare` is for.
    """
    if source in _REGISTERED:
        if any(option is not None for option in (text, labels, valid, test, vocabulary)):
            names = "text, labels, valid, test and vocabulary"
            raise InputError(f"{names} are options for files; the corpus {source!r} has none")
        return _REGISTERED[source](seed)
    if is_prepared(source):
        if any(option is not None for option in (text, labels, valid, test, vocabulary)):
            raise InputError(f"text, labels, valid, test and vocabulary are told to prepare; {source} is prepared")
        return PreparedCorpus(source)
    split_seed = whole(0, split_seed=split_seed)
    paths = {"train": source, "valid": valid, "test": test}
    given = {part: path for part, path in paths.items() if path is not None}
    sources = {part: open_source(path, text, labels, vocabulary, list_corpora()) for part, path in given.items()}
    return load_source(sources.pop("train"), sources, split_seed)


def unwatched(stage: str, done: int, total: int | None) -> None:
    """Looks at no progress."""


def prepare(
    source: str | os.PathLike,
    out: str | os.PathLike,
    *,
    text: str | int | None = None,
    labels: Sequence[str | int] | Mapping[str, str | int] | None = None,
    valid: str | os.PathLike | None = None,
    test: str | os.PathLike | None = None,
    vocabulary: str | os.PathLike | None = None,
    watch: Callable[[str, int, int | None], None] = unwatched,
    **options,
) -> PreparedCorpus:
    """Prepares texts of any size for training, in the folder `out`, and returns the corpus there.

    `source` and the options up to `vocabulary` are as for `load` (a built-in corpus has no need of this); `labels` may
    be columns by the names that the attributes shall have. `watch` is told the stage, how much of it is done, and of
    how much (None where nobody knows). `options` are those of `preparing.Options`: `tokenizer`, `tokenizer_options`,
    `vocabulary_size`, `sample`, `max_tokens`, `shard_texts`, `split_seed`.

    After a kill the same call goes on; of a finished corpus it verifies the checksums. Raises InputError for whatever
    can't be read, and where `out` holds something else.
    """
    from training.corpora.preparing import Options, Preparation

    names = labels if isinstance(labels, Mapping) else {str(label): label for label in labels or ()}
    unknown_options = set(options) - {field.name for field in dataclasses.fields(Options)}
    if unknown_options:
        raise unknown("option of prepare", min(unknown_options), [field.name for field in dataclasses.fields(Options)])
    if source in _REGISTERED:
        raise InputError(f"{source!r} is small and needs no preparation; train with --data {source}")
    paths = {"train": source, "valid": valid, "test": test}
    given = {part: path for part, path in paths.items() if path is not None}
    columns = list(names.values())
    sources = {part: open_source(path, text, columns, vocabulary, list_corpora()) for part, path in given.items()}
    return Preparation(sources.pop("train"), sources, names, out, Options(**options), watch).run()

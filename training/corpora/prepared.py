"""Corpora that `prepare` has written: a folder of shards with an index, read from the disk while a model trains.

index.json             what is in it: tokenizer, attributes, shards with their checksums, source, options
train-00000.tfrecord   the training texts as ids (see shards.py)
valid.jsonl            the validation texts with their labels; test.jsonl: the test texts
sample.jsonl           a uniform sample of the training texts, for what needs some of them as text
"""

import json
from collections.abc import Callable
from pathlib import Path

from keras_textgen.errors import InputError
from training.corpora.corpus import Corpus, Texts

INDEX = "index.json"
PLAN = "plan.json"  # stands there while a corpus is being prepared
FORMAT = 1


def is_prepared(path) -> bool:
    """Whether a path is a folder that `prepare` has written, finished or not."""
    path = Path(path)
    marks = ((INDEX, "train-*.tfrecord"), (PLAN, ".lock"))  # others have an index.json, too
    return any((path / name).is_file() and any(path.glob(beside)) for name, beside in marks)


class PreparedCorpus(Corpus):
    """A corpus in a folder.

    Attributes:
        valid, test: as of every corpus; `train`: a uniform sample of the training texts, at most 50,000.
        shards: all training texts; what `fit` takes.
        tokenizer: the one that they were made with; a model has to be built with it.
        index: what `index.json` holds.
    """

    def __init__(self, folder, advance: Callable[[int], None] = lambda size: None):
        """Raises InputError if the folder is unfinished, or a file of it missing or damaged."""
        from training.corpora.reading import Shards
        from training.corpora.shards import verify

        folder = Path(folder)
        self.index = read_index(folder)
        verify(folder, [*self.index["shards"], *self.index["texts_in"]], advance)
        parts = {part: read_part(folder / f"{part}.jsonl") for part in ("sample", "valid", "test")}
        super().__init__(self.index["name"], parts["sample"], parts["valid"], parts["test"])
        self.shards = Shards(folder, self.index)

    @property
    def values_of_attributes(self):
        return {name: self.index["attributes"][name] for name in self.train.labels}

    @property
    def tokenizer(self):
        return self.shards.tokenizer()

    def __repr__(self):
        sizes = f"{self.index['texts']:,} train, {len(self.valid):,} valid, {len(self.test):,} test"
        return f"PreparedCorpus({self.name!r}: {sizes})"


def read_index(folder: Path) -> dict:
    """The index of a prepared corpus.

    Raises:
        InputError: if it is missing, damaged, of another version, or the preparation has not finished.
    """
    place = folder / INDEX
    if not place.is_file() and (folder / PLAN).is_file():
        raise InputError(f"{folder}: is not finished; give the same command textgen prepare … --out {folder} again")
    try:
        index = json.loads(place.read_text(encoding="utf-8"))
        version = index["format"]
    except FileNotFoundError:
        raise InputError(f"{place}: is missing; {folder} is no prepared corpus") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{place}: is damaged; prepare the corpus again") from None
    if version != FORMAT:
        raise InputError(f"{place}: is of format {version}, not {FORMAT}; prepare the corpus again")
    return index


def read_part(path: Path) -> Texts:
    """The texts and labels of a file of pairs."""
    pairs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names = pairs[0][1] if pairs else {}
    return Texts([text for text, _ in pairs], {name: [labels[name] for _, labels in pairs] for name in names})

"""Corpora that `prepare` has written: a folder of shards with an index, read from the disk while a model trains.

index.json             what is in it: tokenizer, attributes, shards with their checksums, source, options
train-00000.tfrecord   the training texts as ids (see shards.py)
valid.jsonl            the validation texts with their labels; test.jsonl: the test texts
sample.jsonl           a uniform sample of the training texts, for what needs some of them as text
"""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_textgen.epochs import Examples
from keras_textgen.errors import InputError
from training.corpora.corpus import Corpus, Texts

INDEX = "index.json"
PLAN = "plan.json"  # stands there while a corpus is being prepared
FORMAT = 1


def is_prepared(path) -> bool:
    """Whether a path is a folder that `prepare` has written, finished or not."""
    path = Path(path)
    return any((path / name).is_file() for name in (INDEX, PLAN))


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
        from training.corpora.shards import verify

        folder = Path(folder)
        self.index = read_index(folder)
        verify(folder, [*self.index["shards"], *self.index["texts_in"]], advance)
        parts = {part: read_part(folder / f"{part}.jsonl") for part in ("sample", "valid", "test")}
        super().__init__(self.index["name"], parts["sample"], parts["valid"], parts["test"])
        self.shards = Shards(folder, self.index)

    @property
    def attributes(self):
        return {name: self.index["attributes"][name] for name in self.train.labels}

    @property
    def tokenizer(self):
        return self.shards.tokenizer()

    def __repr__(self):
        sizes = f"{self.index['texts']:,} train, {len(self.valid):,} valid, {len(self.test):,} test"
        return f"PreparedCorpus({self.name!r}: {sizes})"


class Shards(Examples):
    """The training texts of a prepared corpus.

    Args:
        folder: of the corpus.
        index: of the folder.
    """

    def __init__(self, folder: Path, index: dict):
        self.folder, self.index = folder, index

    def __len__(self) -> int:
        return self.index["texts"]

    def tokenizer(self):
        """A tokenizer like the one that the texts were prepared with."""
        import keras

        import keras_textgen.text  # noqa: F401

        return keras.saving.deserialize_keras_object(self.index["tokenizer"])

    def batches(self, model, batch_size, tokens_per_batch=None, window=None):
        """The batches that a model trains on; a `window` of texts is shuffled together.

        Raises:
            InputError: if the model has another tokenizer or other attributes, or reads more than was kept of a text.
        """
        from training.corpora import shards

        self.require_same(model)
        histogram = read_lengths(self.index["lengths"], model.sequence_length, model.tokenizer.end_token)
        paths = [self.folder / shard["name"] for shard in self.index["shards"]]
        options = {} if window is None else {"window": window}
        return shards.ShardBatches(
            paths, histogram, self.reader(model), model.seed, batch_size, tokens_per_batch, **options
        )

    def reader(self, model):
        """From records to the closed ids and the attributes of a model."""
        import tensorflow as tf

        from training.corpora.shards import unpack

        columns = [list(self.index["attributes"]).index(name) for name in model.attributes.values]

        def read(records):
            ids, attributes = unpack(records, len(self.index["attributes"]), self.index["dtype"])
            return model.tokenizer.close(ids, model.sequence_length), tf.gather(attributes, tf.constant(columns, tf.int32), axis=1)

        return read

    def require_same(self, model) -> None:
        """Raises InputError unless a model can read the texts."""
        same = ("vocabulary", "lowercase", "normalization", "splitting", "end_token")
        mine, its = self.index["tokenizer"]["config"], model.tokenizer.get_config()
        kinds = [self.index["tokenizer"]["class_name"], type(model.tokenizer).__name__]
        if kinds[0] != kinds[1] or any(mine.get(name) != its.get(name) for name in same):
            hint = "build it with tokenizer=corpus.tokenizer"
            raise InputError(f"{self.folder}: was prepared with another tokenizer than the model has; {hint}")
        for name, values in model.attributes.values.items():
            if self.index["attributes"].get(name) != values:
                raise InputError(f"{self.folder}: was prepared without the attribute {name!r} as the model knows it")
        kept = self.index["options"]["max_tokens"]
        if self.index["cut"] and model.sequence_length - int(model.tokenizer.end_token) > kept:
            raise InputError(
                f"{self.folder}: was prepared with at most {kept} tokens a text, the model reads "
                f"{model.sequence_length}; prepare it with a higher --max-tokens, or give a lower sequence_length"
            )


def read_lengths(histogram: list[int], sequence_length: int, end_token: bool) -> np.ndarray:
    """The number of texts of each length as they are read, from that as they are kept."""
    most = sequence_length - int(end_token)
    lengths = np.minimum(np.arange(len(histogram)), most) + int(end_token)
    return np.bincount(lengths, weights=histogram).astype(np.int64)


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


def window_megabytes(index: dict, sequence_length: int, window: int) -> float:
    """An upper estimate of what reading holds in memory: two windows as records and as ids, and their order."""
    mean = math.ceil(index["tokens"] / index["texts"]) + 1
    record = 40 + mean * np.dtype(index["dtype"]).itemsize
    return 2 * window * (record + 3 * 4 * min(mean, sequence_length) + 3 * 8) / 1e6

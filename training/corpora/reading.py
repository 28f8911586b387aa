"""The training texts of a prepared corpus, read from its shards in windows while a model trains."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_textgen.batching import epoch_numbers, number_of_batches, ordered_batches, shuffled_epoch, without_stalls
from keras_textgen.epochs import Batches, Buckets, Examples
from keras_textgen.errors import InputError
from keras_textgen.text import get_tokenizer
from training.corpora.shards import unpack

WINDOW = 65_536  # texts that are shuffled together
OPEN = 16  # shards that are read at the same time, in turn
TURN = 32  # texts of a shard's turn


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
        return get_tokenizer(self.index["tokenizer"])

    def batches(self, model, batch_size, tokens_per_batch=None, window=None):
        """The batches that a model trains on; a `window` of texts is shuffled together.

        Raises:
            InputError: if the model has another tokenizer or other attributes, or reads more than was kept of a text.
        """
        self.require_same(model)
        histogram = read_lengths(self.index["lengths"], model.sequence_length, model.tokenizer.end_token)
        paths = [self.folder / shard["name"] for shard in self.index["shards"]]
        options = {} if window is None else {"window": window}
        return ShardBatches(paths, histogram, self.reader(model), model.seed, batch_size, tokens_per_batch, **options)

    def reader(self, model):
        """From records to the closed ids and the attributes of a model."""
        columns = [list(self.index["attributes"]).index(name) for name in model.attributes.values]

        def read(records):
            ids, attributes = unpack(records, len(self.index["attributes"]), self.index["dtype"])
            return model.tokenizer.close(ids, model.sequence_length), tf.gather(
                attributes, tf.constant(columns, tf.int32), axis=1
            )

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


class ShardBatches(Batches):
    """Batches of texts in shards; beside a window of texts and the next one nothing is in memory.

    Each epoch draws an order of the shards, reads `OPEN` of them in turn, and shuffles a window of texts after the
    other, as `shuffled_batches` does with texts in memory.

    Args:
        paths: of the shards.
        histogram: the number of texts of each length `0, 1, …` as they are read.
        read: from records, strings `[n]`, to closed ids `int32 [n, (length)]` and attributes `int32 [n, attributes]`.
        seed: of the order.
        tokens_per_batch: in place of `batch_size`.
        window: texts.
    """

    def __init__(self, paths, histogram, read, seed: int, batch_size: int, tokens_per_batch=None, window: int = WINDOW):
        self.paths = [str(path) for path in paths]
        self.read, self.seed, self.batch_size = read, seed, batch_size
        # A window of whole batches, so that the last one of the epoch alone is smaller.
        self.window = max(1, window // batch_size) * batch_size
        self.buckets = None
        if tokens_per_batch is None:
            self.steps = number_of_batches(int(np.sum(histogram)), batch_size)
        else:
            self.buckets = Buckets(tokens_per_batch, int(np.flatnonzero(histogram).max()))
            self.steps = self.buckets.steps(histogram)

    def once(self):
        return self.epochs().take(self.steps)

    def epochs(self, first_epoch=0, shuffle=True):
        numbers = epoch_numbers(first_epoch)
        return without_stalls(numbers.flat_map(lambda number: self.epoch(number, shuffle)).prefetch(2))

    def epoch(self, number, shuffle):
        """The batches of an epoch."""
        seeds = tf.stack([tf.constant(self.seed, tf.int64), number])
        windows = self.windows(seeds, shuffle)

        def batches(at, ids, attributes):
            if shuffle:
                return shuffled_epoch(ids, attributes, self.batch_size, window_seeds(seeds, at))
            return ordered_batches(ids, attributes, self.batch_size)

        if self.buckets is None:
            return windows.flat_map(batches)
        whole = windows.map(lambda at, ids, attributes: (ids, attributes, window_seeds(seeds, at), False))
        none = tf.RaggedTensor.from_row_lengths(tf.zeros([0], tf.int32), tf.zeros([0], tf.int64))
        told = tf.zeros([0, windows.element_spec[2].shape[1]], tf.int32)
        end = tf.data.Dataset.from_tensors((none, told, window_seeds(seeds, tf.constant(-1, tf.int64)), True))
        return self.buckets.batches(whole.concatenate(end), shuffle)

    def windows(self, seeds, shuffle) -> tf.data.Dataset:
        """The number, the ids and the attributes of each window of an epoch."""
        paths = tf.constant(self.paths)
        if shuffle:
            paths = tf.random.experimental.stateless_shuffle(paths, seed=seeds)
        shards = tf.data.Dataset.from_tensor_slices(paths)
        open_shards = min(OPEN, len(self.paths)) if shuffle else 1
        records = shards.interleave(tf.data.TFRecordDataset, cycle_length=open_shards, block_length=TURN)
        windows = records.batch(self.window).map(self.read).prefetch(1)
        return windows.enumerate().map(lambda at, window: (at, *window))


def window_seeds(seeds, at):
    """The seeds of an epoch's window; of the first one those of the epoch, as in memory."""
    return seeds + tf.stack([tf.zeros_like(at), at * 2**32])

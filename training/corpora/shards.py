"""Shards of token ids on the disk (TFRecord files): how they are written, verified, and read in windows.

A record is a text: the numbers of its attributes, then its ids as the tokenizer gives them, without start and end; all
of them little-endian, of the index's `dtype`. Records carry checksums of their own (CRC-32C), shards one of the whole
file (SHA-256).
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_textgen.batching import number_of_batches, shuffled_epoch, without_stalls
from keras_textgen.epochs import Batches, Buckets
from keras_textgen.errors import InputError

WINDOW = 65_536  # texts that are shuffled together
OPEN = 16  # shards that are read at the same time, in turn
TURN = 32  # texts of a shard's turn


def shard_name(number: int) -> str:
    """The file of a shard."""
    return f"train-{number:05d}.tfrecord"


def dtype_of(vocabulary_size: int) -> str:
    """The narrowest type for ids."""
    return "uint16" if vocabulary_size <= 2**16 else "int32"


def pack(ids: tf.RaggedTensor, attributes: np.ndarray, dtype: str) -> list[bytes]:
    """Records of ids `int32 [n, (length)]` and the numbers of attributes `int32 [n, attributes]`."""
    width = np.dtype(dtype).itemsize
    data = ids.flat_values.numpy().astype(np.dtype(dtype).newbyteorder("<")).tobytes()
    ends = (ids.row_splits.numpy() * width).tolist()
    heads = [row.tobytes() for row in attributes.astype(np.dtype(dtype).newbyteorder("<"))]
    return [head + data[start:end] for head, start, end in zip(heads, ends[:-1], ends[1:], strict=True)]


def unpack(records: tf.Tensor, num_attributes: int, dtype: str) -> tuple[tf.RaggedTensor, tf.Tensor]:
    """The same back from strings `[n]`."""
    width = np.dtype(dtype).itemsize
    heads = tf.strings.substr(records, 0, num_attributes * width)
    bodies = tf.strings.substr(records, num_attributes * width, 2**31 - 1)
    decode = lambda parts: tf.cast(  # noqa: E731
        tf.reshape(tf.io.decode_raw(tf.strings.reduce_join(parts)[None], dtype), [-1]), tf.int32
    )
    lengths = tf.cast(tf.strings.length(bodies) // width, tf.int64)
    attributes = tf.reshape(decode(heads), [tf.shape(records)[0], num_attributes])
    return tf.RaggedTensor.from_row_lengths(decode(bodies), lengths), attributes


def verify(folder: Path, shards: list[dict], advance: Callable[[int], None] = lambda size: None) -> None:
    """Raises InputError unless every shard is there, and is what was written."""
    for shard in shards:
        path = folder / shard["name"]
        if not path.is_file():
            raise InputError(f"{path}: the shard is missing; prepare the corpus again, or fetch the shard")
    for shard in shards:
        path = folder / shard["name"]
        if path.stat().st_size != shard["bytes"] or digest(path, advance) != shard["sha256"]:
            raise InputError(
                f"{path}: the shard is damaged (its checksum is another); remove it and prepare the corpus again"
            )


def digest(path: Path, advance: Callable[[int], None] = lambda size: None) -> str:
    """The SHA-256 of a file, a megabyte at a time."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
            advance(len(piece))
    return found.hexdigest()


def write_shard(path: Path, batches) -> dict:
    """Writes a shard from lists of records, so that it is never seen half written; what the index says of it."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with tf.io.TFRecordWriter(str(unfinished)) as writer:
        for records in batches:
            for record in records:
                writer.write(record)
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    state = {"name": path.name, "bytes": unfinished.stat().st_size, "sha256": digest(unfinished)}
    os.replace(unfinished, path)
    return state


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
        numbers = tf.data.Dataset.counter(start=first_epoch)
        return without_stalls(numbers.flat_map(lambda number: self.epoch(number, shuffle)).prefetch(2))

    def epoch(self, number, shuffle):
        """The batches of an epoch."""
        seeds = tf.stack([tf.constant(self.seed, tf.int64), number])
        windows = self.windows(seeds, shuffle)
        if shuffle and self.buckets is None:
            return windows.flat_map(
                lambda at, ids, attributes: shuffled_epoch(ids, attributes, self.batch_size, window_seeds(seeds, at))
            )
        texts = windows.flat_map(lambda at, *window: self.texts(*window, window_seeds(seeds, at) if shuffle else None))
        return texts.padded_batch(self.batch_size) if self.buckets is None else self.buckets.batches(texts)

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

    def texts(self, ids, attributes, seeds) -> tf.data.Dataset:
        """The texts of a window, one by one."""
        if seeds is not None:
            order = tf.random.experimental.stateless_shuffle(tf.range(ids.nrows()), seed=seeds)
            ids, attributes = tf.gather(ids, order), tf.gather(attributes, order)
        return tf.data.Dataset.from_tensors((ids, attributes)).unbatch()


def window_seeds(seeds, at):
    """The seeds of an epoch's window; of the first one those of the epoch, as in memory."""
    return seeds + tf.stack([tf.zeros_like(at), at * 2**32])

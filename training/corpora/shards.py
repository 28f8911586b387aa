"""Shards of token ids on the disk (TFRecord files): how they are written, verified, and taken apart.

A record is a text: the numbers of its attributes, then its ids as the tokenizer gives them, without start and end; all
of them little-endian, of the index's `dtype`. Records carry checksums of their own (CRC-32C), shards one of the whole
file (SHA-256).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_textgen.errors import InputError
from training.whole_files import in_place, sha256


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
        if path.stat().st_size != shard["bytes"] or sha256(path, advance) != shard["sha256"]:
            raise InputError(
                f"{path}: the shard is damaged (its checksum is another); remove it and prepare the corpus again"
            )


def write_shard(path: Path, batches) -> dict:
    """Writes a shard from lists of records, so that it is never seen half written; what the index says of it."""

    def write(unfinished):
        with tf.io.TFRecordWriter(str(unfinished)) as writer:
            for records in batches:
                for record in records:
                    writer.write(record)

    in_place(path, write)
    return what_index_says(path)


def what_index_says(path: Path) -> dict:
    """Name, size and checksum of a file, by which it is known again."""
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path)}

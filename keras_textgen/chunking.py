"""Rows of tensors, a chunk at a time, where all at once would not fit into memory or into the processor's cache."""

from collections.abc import Callable

import tensorflow as tf


def by_chunks(function: Callable, size, *nests):
    """`function(*nests)` for `size` rows at a time, joined.

    Args:
        function: row by row; gives a nest of tensors.
        size: rows of a chunk; the last one may have fewer.
        nests: nests of tensors, all with as many rows; scalars among them are handed on whole.

    Returns:
        What the function gives for all rows; of scalars those of the last chunk.
    """
    total = next(tf.shape(tensor)[0] for tensor in tf.nest.flatten(nests) if tensor.shape.rank)
    chunks = tf.maximum((total + size - 1) // size, 1)

    def results(number):
        part = slice(number * size, (number + 1) * size)
        return function(*tf.nest.map_structure(lambda tensor: tensor[part] if tensor.shape.rank else tensor, nests))

    first = results(0)

    def kept(tensor):
        shape = [None, *tensor.shape[1:]] if tensor.shape.rank else []
        array = tf.TensorArray(tensor.dtype, size=chunks, infer_shape=False, element_shape=shape)
        return array.write(0, tensor)

    def advance(number, arrays):
        found = tf.nest.flatten(results(number))
        return number + 1, [array.write(number, tensor) for array, tensor in zip(arrays, found, strict=True)]

    flat = tf.nest.flatten(first)
    _, arrays = tf.while_loop(lambda number, _: number < chunks, advance, (1, [kept(tensor) for tensor in flat]))
    joined = [
        tf.ensure_shape(array.concat(), [None, *tensor.shape[1:]]) if tensor.shape.rank else array.read(chunks - 1)
        for array, tensor in zip(arrays, flat, strict=True)
    ]
    return tf.nest.pack_sequence_as(first, joined)

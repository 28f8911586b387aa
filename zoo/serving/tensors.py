"""Values of JSON to tensors of a known dtype and shape, and back."""

import base64
import binascii
import itertools
import json

import numpy as np
import tensorflow as tf

from keras_textgen.errors import InputError
from zoo.serving.servable import Tensor


def to_array(name: str, value, tensor: Tensor) -> np.ndarray:
    """An array of the tensor's dtype; strings are `bytes` in an array of objects.

    An integer passes for a floating-point number, 7.0 not for an integer.

    Raises:
        InputError: if the nesting, a size or the type of a value is not the tensor's.
    """
    shape, leaves = flatten(name, value, rank_of(value) if tensor.shape is None else len(tensor.shape))
    if tensor.shape is not None:
        # An empty list says nothing of the sizes inside.
        shape += [size or 0 for size in tensor.shape[len(shape) :]]
        for size, expected in zip(shape, tensor.shape, strict=True):
            if expected is not None and size != expected:
                raise InputError(f"{name} must have the shape {list(tensor.shape)}, not {shape}".replace("None", "?"))
    return convert(name, leaves, tensor.dtype).reshape(shape)


def rank_of(value) -> int:
    """How deep lists are nested."""
    rank = 0
    while isinstance(value, list):
        rank += 1
        value = value[0] if value else None
    return rank


def flatten(name: str, value, rank: int) -> tuple[list[int], list]:
    """The sizes of lists nested `rank` deep, and what is in them; fewer sizes if a list is empty."""
    shape, leaves = [], [value]
    for _ in range(rank):
        for entry in leaves:
            if not isinstance(entry, list):
                raise InputError(f"{name} must be {nested(rank)}, not {shown(entry)}")
        sizes = {len(entry) for entry in leaves}
        if len(sizes) > 1:
            raise InputError(f"{name} has lists of different lengths ({min(sizes)} and {max(sizes)})")
        shape.append(sizes.pop())
        leaves = list(itertools.chain.from_iterable(leaves))
        if not leaves:
            break
    if any(isinstance(entry, list) for entry in leaves):
        raise InputError(f"{name} must be {nested(rank)}; it is nested deeper")
    return shape, leaves


def nested(rank: int) -> str:
    return ["one value", "a list", "a list of lists"][rank] if rank < 3 else f"lists nested {rank} deep"


def convert(name: str, leaves: list, dtype: tf.DType) -> np.ndarray:
    """The values as an array `[n]`."""
    if dtype == tf.string:
        found = np.empty(len(leaves), object)
        found[:] = [to_bytes(name, value) for value in leaves]
        return found
    if dtype == tf.bool:
        check_types(name, leaves, (bool,), "true or false")
        return np.asarray(leaves, bool)
    kind = dtype.as_numpy_dtype
    if dtype.is_integer:
        check_types(name, leaves, (int,), "a whole number")
        for value in leaves:
            if not dtype.min <= value <= dtype.max:
                raise InputError(f"{name} must be between {dtype.min} and {dtype.max}, not {shown(value)}")
        return np.asarray(leaves, kind)
    if not dtype.is_floating:
        raise InputError(f"{name} has the type {dtype.name}, which JSON cannot express")
    check_types(name, leaves, (int, float), "a number")
    largest = float(dtype.max)
    for value in leaves:
        if not -largest <= value <= largest:
            raise InputError(f"{name} must be a finite {dtype.name}, not {shown(value)}")
    return np.asarray([float(value) for value in leaves], kind)


def check_types(name: str, leaves: list, types: tuple, wanted: str) -> None:
    """Raises `InputError` for the first value that is of none of the types; true is no number."""
    for value in leaves:
        if type(value) not in types:
            raise InputError(f"{name} must be {wanted}, not {shown(value)}")


def to_bytes(name: str, value) -> bytes:
    """A string, or one in base64, as the bytes that the graph takes."""
    if isinstance(value, str):
        try:
            return value.encode("utf-8")
        except UnicodeEncodeError:
            raise InputError(f"{name} holds half of a character (a lone surrogate)") from None
    if isinstance(value, dict) and value.keys() == {"b64"} and isinstance(value["b64"], str):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (binascii.Error, ValueError):
            raise InputError(f"{name} holds a b64 that is not base64") from None
    raise InputError(f'{name} must be a string, or {{"b64": …}}, not {shown(value)}')


def shown(value) -> str:
    """A value as JSON, cut where it is long."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1000:
        return "a number of hundreds of digits"
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "..."


def values_of(name: str, array: np.ndarray):
    """An output as JSON has it; strings in base64 if the name ends in `_bytes`."""
    if array.dtype != object:
        return array.tolist()
    encode = in_base64 if name.endswith("_bytes") else as_text
    found = [encode(value) for value in array.ravel()]
    for size in reversed(array.shape[1:]):
        found = [found[first : first + size] for first in range(0, len(found), size)] if size else found
    return found if array.shape else found[0]


def as_text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def in_base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode("ascii")}

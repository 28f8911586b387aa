"""Tensors as JSON has them, and back: for a server, its clients, and the C library. TensorFlow is not imported."""

import base64
import binascii
import itertools
import json
from typing import NamedTuple

import numpy as np

from keras_textgen.errors import InputError

# TensorFlow's numbers of the dtypes that go to its C library, and how the JSON of a `TensorProto` packs them.
NUMBERS = {"float32": 1, "float64": 2, "int32": 3, "string": 7, "int64": 9, "bool": 10}
PACKED = {"DT_FLOAT": "<f4", "DT_DOUBLE": "<f8", "DT_INT32": "<i4", "DT_INT64": "<i8", "DT_BOOL": "?"}


class Tensor(NamedTuple):
    """What a signature takes or gives under a name: the name of its dtype, and its shape (None where a size, or all, is
    open)."""

    dtype: str
    shape: tuple[int | None, ...] | None


# Values of a request to arrays


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


def convert(name: str, leaves: list, dtype: str) -> np.ndarray:
    """The values as an array `[n]`."""
    if dtype == "string":
        found = np.empty(len(leaves), object)
        found[:] = [to_bytes(name, value) for value in leaves]
        return found
    kind = array_type(dtype)
    if kind is None or kind.kind not in "biuf":
        raise InputError(f"{name} has the type {dtype}, which JSON cannot express")
    if kind.kind == "b":
        check_types(name, leaves, (bool,), "true or false")
    elif kind.kind in "iu":
        check_types(name, leaves, (int,), "a whole number")
        lowest, highest = np.iinfo(kind).min, np.iinfo(kind).max
        for value in leaves:
            if not lowest <= value <= highest:
                raise InputError(f"{name} must be between {lowest} and {highest}, not {shown(value)}")
    else:
        check_types(name, leaves, (int, float), "a number")
        largest = float(np.finfo(kind).max)
        for value in leaves:
            if not -largest <= value <= largest:
                raise InputError(f"{name} must be a finite {dtype}, not {shown(value)}")
        leaves = [float(value) for value in leaves]
    return np.asarray(leaves, kind)


def array_type(dtype: str) -> np.dtype | None:
    """NumPy's type of that name, if there is one."""
    try:
        return np.dtype(dtype)
    except TypeError:
        return None


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


# Arrays to values of an answer


def values_of(name: str, array: np.ndarray, bytes_as=None):
    """An output as nested lists; strings as they are, or in base64 if the name ends in `_bytes`.

    Args:
        bytes_as: what becomes of such strings instead.
    """
    if array.dtype != object:
        return array.tolist()
    encode = (bytes_as or in_base64) if name.endswith("_bytes") else as_text
    found = [encode(value) for value in array.ravel()]
    for size in reversed(array.shape[1:]):
        found = [found[first : first + size] for first in range(0, len(found), size)] if size else found
    return found if array.shape else found[0]


def as_text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def in_base64(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode("ascii")}


# What a client sends and reads


def to_json(value):
    """Arrays, lists and what is in them as JSON has it; bytes in base64."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [to_json(entry) for entry in value]
    return in_base64(value) if isinstance(value, bytes) else value


def from_json(value):
    """Lists as they are; base64 as bytes."""
    if isinstance(value, list):
        return [from_json(entry) for entry in value]
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def from_tensor_json(tensor: dict):
    """A scalar or lists from the JSON of a `TensorProto`, which leaves out values that repeat the last; None if it
    is of another form."""
    sizes = [int(dimension.get("size", 0)) for dimension in tensor.get("tensor_shape", {}).get("dim", [])]
    if sizes == [0]:
        return []
    if tensor.get("tensor_content") and tensor.get("dtype") in PACKED:
        values = np.frombuffer(base64.b64decode(tensor["tensor_content"]), PACKED[tensor["dtype"]])
        return values.reshape(sizes).tolist()
    fields = [key for key in tensor if key.endswith("_val") and tensor[key]]
    if len(fields) != 1 or len(sizes) > 1:
        return None
    values = [base64.b64decode(value).decode() if fields == ["string_val"] else value for value in tensor[fields[0]]]
    if fields[0] in ("int64_val", "uint64_val"):  # strings in protobuf's JSON
        values = [int(value) for value in values]
    return [*values, *values[-1:] * (sizes[0] - len(values))] if sizes else values[0]


# What goes to the C library


def to_library(value, dtype: str) -> dict:
    """A tensor as `{"dtype": TensorFlow's number of it, "shape": …, "values": flat}`; strings in base64."""
    string = dtype == "string"
    array = np.asarray(value, object if string else dtype)
    texts = (text.encode() if isinstance(text, str) else text for text in array.ravel())
    values = [in_base64(text)["b64"] for text in texts] if string else array.ravel().tolist()
    return {"dtype": NUMBERS[dtype], "shape": list(array.shape), "values": values}


def from_library(value: dict) -> np.ndarray:
    """The reverse."""
    (dtype,) = (name for name, number in NUMBERS.items() if number == value["dtype"])
    string = dtype == "string"
    values = [base64.b64decode(text) for text in value["values"]] if string else value["values"]
    return np.array(values, object if string else dtype).reshape(value["shape"])

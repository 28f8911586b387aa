"""Whether a request is of a size that a server takes."""

import numpy as np

from keras_textgen.errors import InputError
from zoo.serving.limits import Limits
from zoo.serving.servable import Signature

ASKED = ("num", "steps")  # so many texts are written, or more
MULTIPLIED = ("num_beams", "num_samples", "steps")  # so many rows for each text


def check_size(signature: Signature, inputs: dict[str, np.ndarray], limits: Limits) -> None:
    """Raises `InputError` if a request asks for more than the limits allow."""
    for name, value in inputs.items():
        check_texts(name, value, signature.inputs[name].dtype, limits)
    given = {**signature.defaults, **inputs}
    amounts = {name: amount(name, given[name]) for name in {*ASKED, *MULTIPLIED} & set(given)}
    for name in ASKED:
        if amounts.get(name, 0) > limits.num:
            raise InputError(f"{name} must be at most {limits.num}, not {amounts[name]}")
    rows = max([amounts.get("num", 1), *(len(value) for value in inputs.values() if value.ndim)])
    for name in MULTIPLIED:
        rows *= max(1, amounts.get(name, 1))
    if rows > limits.rows:
        factors = " x ".join(["texts", *(name for name in MULTIPLIED if amounts.get(name, 1) > 1)])
        raise InputError(f"{rows} rows ({factors}) are more than {limits.rows}: ask in smaller parts")


def check_texts(name: str, value: np.ndarray, dtype: str, limits: Limits) -> None:
    """Raises `InputError` if an input has too many rows, or a text that is too long."""
    if value.ndim and len(value) > limits.texts:
        raise InputError(f"{name} has {len(value)} rows; at most {limits.texts} are taken at once")
    if dtype != "string":
        return
    longest = max((len(text) for text in value.ravel()), default=0)
    if longest > limits.text_bytes:
        raise InputError(f"{name} has a text of {longest} bytes; at most {limits.text_bytes} are taken")


def amount(name: str, value: np.ndarray) -> int:
    """The largest of the numbers that an input gives; raises `InputError` if one is negative."""
    if value.size and value.min() < 0:
        raise InputError(f"{name} must be at least 0, not {value.min()}")
    return int(value.max()) if value.size else 0

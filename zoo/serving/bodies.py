"""The bodies of the REST API: strict JSON in, JSON as the stock server writes it out."""

import json
from typing import Any, NamedTuple

import numpy as np

from keras_textgen.errors import InputError, unknown
from zoo.serving.servable import Signature, required
from zoo.tensors import to_array, values_of

KEYS = ("signature_name", "instances", "inputs")


class PredictRequest(NamedTuple):
    """The body of a request.

    Attributes:
        signature_name: "" if it was not named.
        rows: whether it has row form, `instances`; else it has column form, `inputs`.
        given: what stands there.
    """

    signature_name: str
    rows: bool
    given: Any

    @classmethod
    def parse(cls, body: bytes, depth: int) -> "PredictRequest":
        """Reads a body; raises `InputError` if it is not what the API takes."""
        found = read_json(body, depth)
        if not isinstance(found, dict):
            raise InputError(f'the body must be a JSON object with "instances" or "inputs", not {kind(found)}')
        for key in found:
            if key not in KEYS:
                raise unknown("key of the body", key, KEYS)
        name = found.get("signature_name", "")
        if not isinstance(name, str):
            raise InputError(f'"signature_name" must be a string, not {kind(name)}')
        if ("instances" in found) == ("inputs" in found):
            raise InputError('the body must have either "instances" (row form) or "inputs" (column form)')
        rows = "instances" in found
        return cls(name, rows, found["instances" if rows else "inputs"])

    def arrays(self, signature: Signature) -> dict[str, np.ndarray]:
        """The inputs that are given, by name; raises `InputError` if they do not suit the signature."""
        columns = self.columns(signature)
        for name in columns:
            if name not in signature.inputs:
                raise unknown(f"input of {signature.name}", name, signature.inputs)
        missing = [name for name in required(signature) if name not in columns]
        if missing:
            raise InputError(f"{signature.name} needs the input {' and '.join(map(repr, missing))}")
        return {name: to_array(name, value, signature.inputs[name]) for name, value in columns.items()}

    def columns(self, signature: Signature) -> dict[str, Any]:
        """The values by input."""
        if self.rows:
            return self.columns_of_rows(signature)
        if is_named(self.given):
            return self.given
        return {only_input(signature): self.given}

    def columns_of_rows(self, signature: Signature) -> dict[str, list]:
        """One list of values an input, from one object, or one value of the only input, a row."""
        if not isinstance(self.given, list) or not self.given:
            raise InputError('"instances" must be a list with at least one row')
        named = is_named(self.given[0])
        if any(is_named(row) != named for row in self.given):
            raise InputError('"instances" must hold either objects or values of the only input, not both')
        if not named:
            columns = {only_input(signature): self.given}
        else:
            if any(row.keys() != self.given[0].keys() for row in self.given):
                raise InputError('every row of "instances" must have the same inputs')
            columns = {name: [row[name] for row in self.given] for name in self.given[0]}
        for name, tensor in signature.inputs.items():
            if tensor.shape == () and (name in columns or name not in signature.defaults):
                raise InputError(f'{name} of {signature.name} is one value for all rows: use column form, "inputs"')
        return columns


def is_named(value) -> bool:
    """Whether a value gives inputs by name; `{"b64": …}` is a string."""
    return isinstance(value, dict) and value.keys() != {"b64"}


def only_input(signature: Signature) -> str:
    """The name of the only input that has to be given; raises `InputError` if there are several."""
    names = list(required(signature))
    if len(names) != 1:
        raise InputError(f"{signature.name} has several inputs: give them by name ({', '.join(signature.inputs)})")
    return names[0]


def read_json(body: bytes, depth: int):
    """JSON without NaN and repeated keys, nested no deeper than `depth`; raises `InputError`."""
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=refuse_constant, object_pairs_hook=unrepeated)
    except UnicodeDecodeError as error:
        raise InputError(f"the body is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise InputError(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise InputError(f"the body is nested deeper than {depth} levels") from None
    except InputError:
        raise
    except ValueError:  # thousands of digits
        raise InputError("a number of the body is too long") from None
    level = [found]
    for _ in range(depth + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return found
    raise InputError(f"the body is nested deeper than {depth} levels")


def refuse_constant(name: str):
    raise InputError(f"{name} is not JSON; give a finite number")


def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InputError("an object of the body has a key twice")
    return found


def kind(value) -> str:
    """What a JSON value is, in JSON's words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def answer(outputs: dict[str, np.ndarray], rows: bool) -> bytes:
    """The body of an answer: a single output without its name; in row form one entry a row.

    Raises:
        InputError: in row form, if the outputs do not have a row each.
    """
    values = {name: values_of(name, value) for name, value in outputs.items()}
    if not rows:
        found = {"outputs": values if len(values) != 1 else next(iter(values.values()))}
    else:
        if len({value.shape[:1] for value in outputs.values()}) != 1 or any(not v.shape for v in outputs.values()):
            raise InputError('the outputs do not have the same rows: use column form, "inputs"')
        if len(values) == 1:
            found = {"predictions": next(iter(values.values()))}
        else:
            names, columns = list(values), zip(*values.values(), strict=True)
            found = {"predictions": [dict(zip(names, row, strict=True)) for row in columns]}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode("utf-8")

"""What a server takes before it refuses: one place for all numbers, and the error that a refusal is."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from keras_textgen.errors import InputError


class Refusal(InputError):
    """An answer with a status of its own.

    Attributes:
        status: the HTTP status.
        headers: what goes with it, as `Retry-After`.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] = MappingProxyType({})):
        super().__init__(message)
        self.status = status
        self.headers = headers


@dataclasses.dataclass(frozen=True)
class Limits:
    """The largest things that a server takes.

    Attributes:
        num: texts that a request may ask for, and steps of an interpolation.
        texts: texts, or rows of numbers, of one input of a request.
        text_bytes: bytes of a text.
        rows: texts times beams, samples or steps, which is what the memory of a request grows with.
        body_bytes: bytes of a request's body.
        buffer_bytes: bytes of all bodies that are held at once.
        depth: nested lists and objects of a body.
        waiting: requests that wait for a thread.
        connections: open connections.
        idle_seconds: how long a connection may stay open without a request, or with an answer that nobody reads.
        read_seconds: how long the head, and then the body, of a request may take to arrive.
        request_seconds: how long a request may wait and run.
    """

    num: int = 1000
    texts: int = 1000
    text_bytes: int = 10_000
    rows: int = 10_000
    body_bytes: int = 4 * 2**20
    buffer_bytes: int = 256 * 2**20
    depth: int = 16
    waiting: int = 64
    connections: int = 2000
    idle_seconds: float = 60.0
    read_seconds: float = 10.0
    request_seconds: float = 60.0

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if not getattr(self, field.name) > 0:
                raise InputError(f"{field.name} must be above 0, not {getattr(self, field.name)!r}")

"""How requests get in: their bodies, within bounds, and a place among those that run."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request

from zoo.serving.limits import Limits, Refusal

THROWN_AWAY_SECONDS, THROWN_AWAY_BYTES = 5.0, 128 * 2**20


class Intake:
    """The threads that compute, the requests that wait for one, and the bytes that all bodies hold.

    Args:
        threads: how many requests are computed at once.
    """

    def __init__(self, limits: Limits, threads: int):
        self.limits, self.threads = limits, threads
        self.waiting, self.held = 0, 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="predict")

    @contextlib.contextmanager
    def room(self):
        """`take(bytes)`, by which a body says that it grew; all is given back at the end.

        Raises:
            Refusal: 503 if all bodies together hold too much.
        """
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            if self.held + size > self.limits.buffer_bytes:
                raise Refusal(503, "the server holds too many bodies; come back in a moment", {"Retry-After": "1"})
            self.held, mine = self.held + size, mine + size

        try:
            yield take
        finally:
            self.held -= mine

    async def run(self, compute: Callable[[bytes], bytes], body: bytes) -> bytes:
        """What `compute` makes of a body, in a thread.

        Raises:
            Refusal: 429 if too many wait already.
        """
        if self.waiting >= self.threads + self.limits.waiting:
            raise Refusal(429, f"{self.waiting} requests wait already; come back in a moment", {"Retry-After": "1"})
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, compute, body)
        finally:
            self.waiting -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


async def read_body(request: Request, limits: Limits, take: Callable[[int], None]) -> bytes:
    """The body of a request.

    Raises:
        Refusal: 413 if it is too large, 408 if it arrives too slowly, 415 if it is compressed.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise Refusal(415, f"a body in {encoding[:40]} is not taken; send it as it is")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared[:20]) > limits.body_bytes:
        if "expect" not in request.headers:  # else the client waits for a word before it sends anything
            await throw_away(request.stream())
        raise too_large(limits)
    stream = request.stream()
    try:
        body = await asyncio.wait_for(collect(stream, limits.body_bytes, take), limits.read_seconds)
    except (asyncio.TimeoutError, TimeoutError):
        reason = f"the body did not arrive within {limits.read_seconds:g} s"
        raise Refusal(408, reason, {"Connection": "close"}) from None
    if body is None:
        await throw_away(stream)
        raise too_large(limits)
    return body


async def collect(stream, most: int, take: Callable[[int], None]) -> bytes | None:
    """The parts of a stream together; None as soon as they are more than `most` bytes."""
    body = bytearray()
    async for part in stream:
        if len(body) + len(part) > most:
            return None
        take(len(part))
        body += part
    return bytes(body)


def too_large(limits: Limits) -> Refusal:
    return Refusal(413, f"the body is larger than {limits.body_bytes} bytes", {"Connection": "close"})


async def throw_away(stream) -> None:
    """Reads on for a while and keeps nothing: a client that still sends would not read why it is refused."""

    async def read() -> None:
        size = 0
        async for part in stream:
            size += len(part)
            if size > THROWN_AWAY_BYTES:
                return

    with contextlib.suppress(asyncio.TimeoutError, TimeoutError):
        await asyncio.wait_for(read(), THROWN_AWAY_SECONDS)

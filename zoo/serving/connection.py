"""Connections that cannot be held for nothing: bounds on their number, on silence, on slow heads and slow readers."""

import json

from uvicorn.protocols.http.h11_impl import H11Protocol

from zoo.serving.limits import Limits

# h11 rather than httptools, because it bounds the size of a request's head.


class Connection(H11Protocol):
    """Uvicorn's protocol with the time-outs that it lacks: it has one for the silence after an answer only."""

    limits = Limits()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.head_timer, self.write_timer = None, None

    def connection_made(self, transport) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            return self.refuse(503, "too many connections are open; come back in a moment", "Retry-After: 1\r\n")
        self.timeout_keep_alive_task = self.loop.call_later(self.limits.idle_seconds, self.timeout_keep_alive_handler)

    def connection_lost(self, error) -> None:
        for timer in (self.head_timer, self.write_timer, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        # From the first byte of a head on its time runs, however many more bytes trickle in.
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering and self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None
        elif not answering and self.head_timer is None and self.timeout_keep_alive_task is None:
            self.head_timer = self.loop.call_later(self.limits.read_seconds, self.head_is_late)

    def head_is_late(self) -> None:
        if not self.transport.is_closing():
            self.refuse(408, f"the request did not arrive within {self.limits.read_seconds:g} s")

    def pause_writing(self) -> None:
        super().pause_writing()
        self.write_timer = self.loop.call_later(self.limits.idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.write_timer is not None:
            self.write_timer.cancel()

    def send_400_response(self, message: str) -> None:
        """For what is not HTTP; uvicorn's own says it in plain text."""
        self.refuse(400, message)

    def refuse(self, status: int, reason: str, headers: str = "") -> None:
        """Answers without the application, and closes."""
        names = {400: "Bad Request", 408: "Request Timeout", 503: "Service Unavailable"}
        body = json.dumps({"error": reason}).encode()
        head = f"HTTP/1.1 {status} {names[status]}\r\nContent-Type: application/json\r\n{headers}"
        head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        started = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if not started:
            self.transport.write(head.encode() + body)
        self.transport.close()


def bounded(limits: Limits) -> type[Connection]:
    """The protocol under these limits."""
    return type("BoundedConnection", (Connection,), {"limits": limits})

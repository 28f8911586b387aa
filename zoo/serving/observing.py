"""What is noted of every request: a line in the log, and figures."""

import logging
import time

from zoo.serving.metrics import Metrics

log = logging.getLogger("zoo.serving.access")
PROBED = ("/healthz", "/readyz", "/monitoring/prometheus/metrics")


class Observed:
    """An ASGI application that notes what another one answers.

    Handlers say in `request.state` which `model`, `signature` and `version` a request was about.
    """

    def __init__(self, app, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope["state"] = state = {}
        begin, status, size = time.perf_counter(), 500, 0

        async def watched(message):
            nonlocal status, size
            status = message.get("status", status)
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            seconds = time.perf_counter() - begin
            self.metrics.observe(state.get("model", ""), state.get("signature", ""), status, seconds)
            # Probes come every few seconds; they are told of when they fail.
            quiet = scope["path"] in PROBED and status < 400
            log.log(logging.DEBUG if quiet else logging.INFO, line(scope, state, status, size, seconds))


def line(scope, state, status: int, size: int, seconds: float) -> str:
    """Who asked what, and how it ended. The path is as it was sent, so that it cannot hold a line end."""
    client = (scope.get("client") or ["-"])[0]
    path = scope.get("raw_path", b"").decode("ascii", "backslashreplace")[:200]
    about = "".join(f" {key} {state[key]}" for key in ("signature", "version") if state.get(key))
    return f'{client} "{scope["method"]} {path}" {status} {size} bytes {1000 * seconds:.1f} ms{about}'

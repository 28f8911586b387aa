"""The server: a repository, the application over it, and uvicorn, which ends gracefully."""

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from types import MappingProxyType

import uvicorn

from keras_textgen.errors import InputError
from zoo.serving.app import App
from zoo.serving.connection import bounded
from zoo.serving.limits import Limits
from zoo.serving.repository import Repository

log = logging.getLogger("zoo.serving")


class Server(uvicorn.Server):
    """Serves the models of a folder over TF Serving's REST API.

    As a context manager it runs in a thread, for tests and notebooks:

        with Server("saved_models", port=0) as server:
            requests.get(f"{server.url}/v1/models/lstm_vae")

    Args:
        base: `<base>/<model>/<version>/`, or the versions of one model.
        host, port: where it listens; port 0 takes a free one.
        threads: how many requests are computed at once; None for as many as there are cores.
        versions: how many of the newest versions of each model are loaded; None for all.
        labels: `{model: {label: version}}`.
        limits: what is taken before a request is refused.

    Raises:
        InputError: if there is no such folder, or the port cannot be had.
    """

    def __init__(
        self,
        base,
        *,
        host: str = "127.0.0.1",
        port: int = 8501,
        threads: int | None = None,
        versions: int | None = 3,
        labels: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
        limits: Limits | None = None,
    ):
        limits = limits or Limits()
        threads, seconds = threads or os.cpu_count() or 1, limits.request_seconds
        self.repository = Repository(base, versions=versions, labels=labels, threads=threads, warm_up_seconds=seconds)
        self.app = App(self.repository, limits, threads)
        self.socket = listen(host, port)
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.socket.getsockname()[1]}"
        self._thread: threading.Thread | None = None
        super().__init__(
            uvicorn.Config(
                self.app.asgi,
                http=bounded(limits),
                ws="none",
                loop="asyncio",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=limits.idle_seconds,
                timeout_graceful_shutdown=limits.request_seconds + limits.read_seconds,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self):
        """Ends at SIGTERM or SIGINT, once; uvicorn's own raises the signal again when all is drained, which would make
        an orderly end look like a kill."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {kind: signal.signal(kind, self.handle_exit) for kind in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)

    def serve_until_stopped(self) -> None:
        """Loads and serves until SIGTERM, SIGINT or `should_exit`; requests that run then get their answers."""
        self.repository.start()
        try:
            self.run(sockets=[self.socket])
        finally:
            log.info("stopping")
            self.app.intake.close()
            self.repository.stop()

    def wait_until_ready(self, seconds: float = 600.0) -> None:
        """Returns once every model was tried; raises `TimeoutError`, also if the server has ended."""
        for _ in range(int(seconds / 0.05)):
            if self.repository.scanned and self.started:
                return
            self._thread.join(0.05)
            if not self._thread.is_alive():
                break
        raise TimeoutError(f"the models were not loaded within {seconds:g} s")

    def __enter__(self) -> "Server":
        self._thread = threading.Thread(target=self.serve_until_stopped, name="server")
        self._thread.start()
        self.wait_until_ready()
        return self

    def __exit__(self, *error) -> None:
        self.should_exit = True
        self._thread.join()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises `InputError` if the place cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{host}:{port} cannot be listened on: {reason}; choose another --port") from error


def serve(base, *, announce=lambda server: None, **options) -> None:
    """Serves a folder until SIGTERM or SIGINT, with a log on standard error.

    Args:
        announce: is called with the server as soon as it listens.
        **options: of `Server`.

    Raises:
        InputError: as `Server`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    logger = logging.getLogger("zoo.serving")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    server = Server(base, **options)
    announce(server)
    server.serve_until_stopped()

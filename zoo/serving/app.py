"""The HTTP application: TF Serving's REST paths, health, metrics."""

import re
import time
from typing import NamedTuple

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from keras_textgen.errors import InputError
from zoo.serving.intake import Intake, read_body
from zoo.serving.limits import Limits, Refusal
from zoo.serving.metrics import Metrics
from zoo.serving.observing import Observed
from zoo.serving.predicting import Prediction
from zoo.serving.repository import LARGEST, Repository, Version

PATH = re.compile(
    r"/v1/models/(?P<model>[^/:]+)(/versions/(?P<number>[0-9]{1,19})|/labels/(?P<label>[^/:]+))?"
    r"(:(?P<verb>[a-z]+)|/(?P<metadata>metadata))?"
)


class Place(NamedTuple):
    """What a path speaks of; `what` is status, metadata or a verb."""

    model: str
    number: int | None
    label: str | None
    what: str

    @classmethod
    def of(cls, request: Request) -> "Place":
        """Reads the path; raises `Refusal` if it is none of the API's."""
        path = request.scope["path"]
        found = PATH.fullmatch(path)
        if found is None:
            raise Refusal(400, f"malformed request: {request.method} {path[:200]}")
        number = found["number"] and int(found["number"])
        if number is not None and number > LARGEST:
            raise Refusal(400, f"malformed request: {number} is no version")
        return cls(found["model"], number, found["label"], found["verb"] or found["metadata"] or "status")


class App:
    """Answers requests about the models of a repository.

    Args:
        repository: the models.
        limits: what is taken before a request is refused.
        threads: how many requests are computed at once.
    """

    def __init__(self, repository: Repository, limits: Limits, threads: int):
        self.repository, self.limits = repository, limits
        self.intake, self.metrics = Intake(limits, threads), Metrics()
        get = dict(methods=["GET"])
        routes = [
            Route("/healthz", self.healthz, **get),
            Route("/readyz", self.readyz, **get),
            Route("/monitoring/prometheus/metrics", self.figures, **get),
            Route("/v1/{rest:path}", self.models, methods=["GET", "POST"]),
        ]
        handlers = {InputError: refused, HTTPException: not_routed, ClientDisconnect: gone, Exception: failed}
        self.asgi = Observed(Starlette(routes=routes, exception_handlers=handlers), self.metrics)

    async def healthz(self, request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(self, request: Request) -> Response:
        """Ready as soon as every model was tried and one of them answers."""
        models = self.repository.in_service()
        ready = self.repository.scanned and any(models.values())
        return JSONResponse({"ready": ready, "models": models}, 200 if ready else 503)

    async def figures(self, request: Request) -> Response:
        found = self.metrics.text(self.repository.in_service(), self.intake.waiting)
        return Response(found, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def models(self, request: Request) -> Response:
        place = Place.of(request)
        expected = "GET" if place.what in ("status", "metadata") else "POST"
        if request.method not in (expected, "HEAD" if expected == "GET" else expected):
            raise Refusal(405, f"{place.what} is asked by {expected}", {"Allow": expected})
        answers = {"status": self.status, "metadata": self.metadata, "predict": self.predict}
        if place.what not in answers:
            raise Refusal(400, f"malformed request: {place.what!r} is not offered; ask predict")
        return await answers[place.what](request, place)

    async def status(self, request: Request, place: Place) -> Response:
        number = self.repository.labelled(place.model, place.label) if place.label else place.number
        versions = [known for known in self.repository.versions_of(place.model) if number in (None, known.number)]
        if not versions:
            raise Refusal(404, f"version {number} of {place.model} is not known")
        request.state.model = place.model
        return JSONResponse({"model_version_status": [state_of(version) for version in versions]})

    async def metadata(self, request: Request, place: Place) -> Response:
        number, servable = self.repository.use(place.model, place.number, place.label)
        with_defaults = dict(preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        try:
            found = {
                key: json_format.MessageToDict(value, **with_defaults) for key, value in servable.definitions.items()
            }
        finally:
            servable.__exit__()
        request.state.model = place.model
        spec = {"name": place.model, "signature_name": "", "version": str(number)}
        return JSONResponse({"model_spec": spec, "metadata": {"signature_def": {"signature_def": found}}})

    async def predict(self, request: Request, place: Place) -> Response:
        deadline = time.monotonic() + self.limits.request_seconds
        number, servable = self.repository.use(place.model, place.number, place.label)
        request.state.model, request.state.version = place.model, number
        try:
            with self.intake.room() as room:
                body = await read_body(request, self.limits, room)
                prediction = Prediction(servable, self.limits, deadline)
                try:
                    found = await self.intake.run(prediction, body)
                finally:
                    request.state.signature = prediction.signature_name
        finally:
            servable.__exit__()
        self.metrics.texts.labels(place.model, prediction.signature_name).inc(prediction.texts)
        return Response(found, media_type="application/json")


def state_of(version: Version) -> dict:
    """A version's status, as the stock server has it."""
    status = {"error_code": "UNKNOWN" if version.error else "OK", "error_message": version.error}
    return {"version": str(version.number), "state": version.state, "status": status}


async def refused(request: Request, error: InputError) -> Response:
    """A bad input: 400 unless the refusal has a status of its own."""
    status, headers = (error.status, dict(error.headers)) if isinstance(error, Refusal) else (400, {})
    return JSONResponse({"error": str(error)}, status, headers)


async def not_routed(request: Request, error: HTTPException) -> Response:
    path = request.scope["path"][:200]
    return JSONResponse({"error": f"{error.detail}: {request.method} {path}"}, error.status_code, error.headers)


async def gone(request: Request, error: ClientDisconnect) -> Response:
    """Nobody reads this; the status is for the log."""
    return Response(status_code=499)


async def failed(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "the server failed; its log says how"}, 500)

"""The client by REST."""

import json
from urllib.parse import quote

import requests
from urllib3.util import Retry

from zoo.serving.client import CallError, Client, Function, Input
from zoo.tensors import from_json, from_tensor_json, to_json


class RestClient(Client):
    """Speaks TF Serving's REST API, in column form. The arguments are those of `connect`."""

    def __init__(self, url: str, timeout: float = 60.0, retries: int = 4):
        super().__init__(timeout, retries)
        self.url = url.rstrip("/")
        retry = Retry(
            total=retries,
            read=min(retries, 1),  # a connection that the server had closed meanwhile
            status_forcelist=[429, 503],
            allowed_methods=None,  # predictions change nothing, so that a POST can be sent again
            backoff_factor=0.2,
            backoff_max=10,
            backoff_jitter=0.1,
            raise_on_status=False,
        )
        self.session = requests.Session()
        self.session.mount(self.url, requests.adapters.HTTPAdapter(max_retries=retry))

    def close(self) -> None:
        self.session.close()

    def ask(self, method: str, path: str, body=None):
        """The JSON of an answer; raises `CallError`."""
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = self.session.request(method, self.url + path, data=data, timeout=self.timeout)
        except (requests.RequestException, ValueError) as error:
            raise CallError(f"{self.url} gave no answer: {innermost(error)}") from None
        try:
            found = json.loads(answer.content)
        except ValueError:
            raise CallError(f"{self.url} answered {answer.status_code} without JSON", answer.status_code) from None
        if answer.status_code != 200 or not isinstance(found, dict):
            reason = found.get("error") if isinstance(found, dict) else None
            message = f"{self.url} refused ({answer.status_code}): {reason or 'it gave no reason'}"
            raise CallError(message, answer.status_code)
        return found

    def status(self, model: str, version: int | None = None, label: str | None = None) -> list[dict]:
        """The versions of a model with their states, highest first."""
        return self.ask("GET", place(model, version, label))["model_version_status"]

    def read_functions(self, model, version, label):
        found = self.ask("GET", place(model, version, label) + "/metadata")
        definitions = found["metadata"]["signature_def"]["signature_def"]
        return {name: function_of(definition) for name, definition in definitions.items()}

    def send(self, model, signature, inputs, version, label):
        body = {"signature_name": signature, "inputs": {name: to_json(value) for name, value in inputs.items()}}
        found = self.ask("POST", place(model, version, label) + ":predict", body)["outputs"]
        outputs = self.function(model, signature, version, label).outputs
        named = {outputs[0]: found} if len(outputs) == 1 else found
        return {name: from_json(value) for name, value in named.items()}


def place(model: str, version: int | None, label: str | None) -> str:
    """The path of a model, or of one of its versions."""
    which = "" if version is None else f"/versions/{version}"
    which = which if label is None else f"/labels/{quote(label, '')}"
    return f"/v1/models/{quote(model, '')}{which}"


def function_of(definition: dict) -> Function:
    """A signature from the JSON of a `SignatureDef`."""
    defaults = definition.get("defaults", {})
    inputs = {}
    for name, info in sorted(definition.get("inputs", {}).items()):
        shape = info.get("tensor_shape", {})
        rank = None if shape.get("unknown_rank") else len(shape.get("dim", []))
        inputs[name] = Input(info["dtype"], rank, from_tensor_json(defaults[name]) if name in defaults else None)
    return Function(inputs, sorted(definition.get("outputs", {})))


def innermost(error: BaseException) -> str:
    """The reason at the bottom of the exceptions of an HTTP library."""
    while True:
        inner = getattr(error, "reason", None) or next((arg for arg in error.args if isinstance(arg, Exception)), None)
        if not isinstance(inner, BaseException):
            return str(getattr(error, "strerror", None) or error).rpartition(": ")[2]
        error = inner

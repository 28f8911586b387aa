"""The clients: the same answers by REST and by gRPC, patience with a busy server, one line for what is wrong."""

import http.server
import json
import threading
from concurrent import futures

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from keras_textgen.errors import InputError
from zoo.serving import connect
from zoo.serving.client import CallError


class Stub(prediction_service_pb2_grpc.PredictionServiceServicer):
    """The gRPC service of the stock server over a repository, so far as the client asks it."""

    def __init__(self, repository, failures=0):
        self.repository, self.failures = repository, failures

    def servable(self, spec):
        number = spec.version.value if spec.HasField("version") else None
        return self.repository.use(spec.name, number, spec.version_label or None)[1]

    def GetModelMetadata(self, request, context):
        if self.failures:
            self.failures -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
        known = get_model_metadata_pb2.SignatureDefMap()
        try:
            servable = self.servable(request.model_spec)
        except InputError as error:
            context.abort(grpc.StatusCode.NOT_FOUND, str(error))
        for name, definition in servable.definitions.items():
            known.signature_def[name].CopyFrom(definition)
        servable.__exit__()
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.metadata["signature_def"].Pack(known)
        return answer

    def Predict(self, request, context):
        with self.servable(request.model_spec) as servable:
            servable.__exit__()
            signature = servable.signature(request.model_spec.signature_name)
            inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
            found = servable.run(signature, inputs, 60)
        answer = predict_pb2.PredictResponse()
        for name, value in found.items():
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return answer


@pytest.fixture
def grpc_server():
    """`grpc_server(server, failures)`: the address of a gRPC service over the models of a server."""
    running = []

    def start(server, failures=0):
        service = grpc.server(futures.ThreadPoolExecutor(2))
        prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Stub(server.repository, failures), service)
        port = service.add_insecure_port("127.0.0.1:0")
        service.start()
        running.append(service)
        return f"grpc://127.0.0.1:{port}"

    yield start
    for service in running:
        service.stop(None)


@pytest.fixture
def busy():
    """`busy(server, answers)`: an address that first gives these answers, then those of the server."""
    running = []

    def start(server, answers):
        answers = list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if not answers:
                    self.send_response(307)
                    self.send_header("Location", server.url + self.path)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                status, headers, body = answers.pop(0)
                self.send_response(status)
                for name, value in {"Content-Length": len(body), **headers}.items():
                    self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *arguments):
                pass

        proxy = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=proxy.serve_forever).start()
        running.append(proxy)
        return f"http://127.0.0.1:{proxy.server_port}"

    yield start
    for proxy in running:
        proxy.shutdown()


def test_both_protocols_give_the_same(lstm_vae_server, grpc_server, client, corpus):
    with connect(grpc_server(lstm_vae_server)) as other:
        for signature, inputs in [
            ("generate", {"num": 4, "seed": 2, "temperature": 0.5, "prompt": ["the"]}),
            ("reconstruct", {"texts": corpus[:3]}),
            ("encode", {"texts": corpus[:3]}),
            ("score", {"texts": corpus[:3], "num_samples": 3, "seed": 1}),
        ]:
            expected = client.predict("lstm_vae", signature, inputs)
            assert other.predict("lstm_vae", signature, inputs, version=1) == expected
        latents = client.predict("lstm_vae", "encode", {"texts": corpus[:3]})["latents"]
        expected = client.predict("lstm_vae", "decode", {"latents": latents})
        assert other.predict("lstm_vae", "decode", {"latents": latents}) == expected
        with pytest.raises(InputError, match='num must be a whole number, not "five"'):
            other.predict("lstm_vae", "generate", {"num": "five", "seed": 1})
        with pytest.raises(CallError, match="refused \\(NOT_FOUND\\): unknown model") as error:
            other.predict("lstm_vea", "generate")
        assert error.value.status == "NOT_FOUND"


def test_versions_labels_and_bytes(toy_server, grpc_server):
    with connect(toy_server.url) as rest, connect(grpc_server(toy_server)) as by_grpc:
        for client in (rest, by_grpc):
            expected = {"marked": ["a-v1"], "late_bytes": [b"a-v1"]}
            assert client.predict("toy", inputs={"texts": ["a"]}, version=1) == expected
            assert client.predict("toy", inputs={"texts": [b"a"]}, label="stable") == expected
        assert [known["version"] for known in rest.status("toy")] == ["2", "1"]


@pytest.mark.parametrize(
    "signature, inputs, place, message",
    [
        ("ad", {}, {}, "unknown signature of toy 'ad'; did you mean 'add'?"),
        ("add", {"nun": 1}, {}, "unknown input of add 'nun'; did you mean 'num'?"),
        ("add", {"num": 1}, {}, "add needs the input 'scale' and 'x'"),
        ("add", {"num": 1, "scale": 1, "x": 3}, {}, "refused \\(400\\): x must be a list of lists, not 3"),
        ("add", {}, {"version": 9}, "refused \\(404\\): version 9 of toy is not in service"),
        ("add", {}, {"version": 1, "label": "stable"}, "a version or a label, not both"),
    ],
)
def test_what_is_wrong_is_said(toy_server, signature, inputs, place, message):
    with connect(toy_server.url) as client, pytest.raises(InputError, match=message):
        client.predict("toy", signature, inputs, **place)


def test_a_busy_server_is_asked_again(toy_server, grpc_server, busy):
    error = json.dumps({"error": "busy"}).encode()
    with connect(busy(toy_server, [(503, {}, error), (429, {"Retry-After": 0}, error)])) as client:
        assert client.predict("toy", inputs={"texts": ["a"]})["marked"] == ["a-v2"]
    with connect(busy(toy_server, [(503, {}, error)] * 2), retries=1) as client, pytest.raises(CallError, match="busy"):
        client.predict("toy", inputs={"texts": ["a"]})
    with connect(grpc_server(toy_server, failures=2)) as client:
        assert client.predict("toy", inputs={"texts": ["a"]})["marked"] == ["a-v2"]
    with (
        connect(grpc_server(toy_server, failures=1), retries=0) as client,
        pytest.raises(CallError, match="UNAVAILABLE"),
    ):
        client.predict("toy", inputs={"texts": ["a"]})


def test_what_is_no_server_of_models_is_said(toy_server, busy):
    with connect(busy(toy_server, [(200, {}, b"<html>")])) as client, pytest.raises(CallError, match="without JSON"):
        client.functions("toy")
    for url in ("http://127.0.0.1:1", "grpc://127.0.0.1:1"):
        with connect(url, timeout=5, retries=1) as client, pytest.raises(CallError) as error:
            client.functions("toy")
        assert "refused" in str(error.value) and "\n" not in str(error.value)
    for url in ("127.0.0.1:8501", "ftp://a"):
        with pytest.raises(InputError, match="http://host:port or grpc://host:port"):
            connect(url)
    with pytest.raises(InputError, match="above 0"):
        connect("http://127.0.0.1:1", timeout=0)

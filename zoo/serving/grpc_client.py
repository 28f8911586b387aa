"""The client by gRPC, with the messages of `tensorflow-serving-api`."""

import json

import grpc
import tensorflow as tf
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from zoo.serving.client import CallError, Client, Function, Input
from zoo.tensors import Tensor, to_array, to_json, values_of

LARGEST = 64 * 2**20  # bytes of a message


class GrpcClient(Client):
    """Speaks TF Serving's `PredictionService`, without encryption. The arguments are those of `connect`."""

    def __init__(self, url: str, timeout: float = 60.0, retries: int = 4):
        super().__init__(timeout, retries)
        self.url = url.removeprefix("grpc://").rstrip("/")
        policy = {
            "maxAttempts": min(1 + retries, 5),  # gRPC takes no more
            "initialBackoff": "0.2s",
            "maxBackoff": "10s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
        }
        config = {"methodConfig": [{"name": [{}], **({"retryPolicy": policy} if retries else {})}]}
        options = [
            ("grpc.service_config", json.dumps(config)),
            ("grpc.max_receive_message_length", LARGEST),
            ("grpc.max_send_message_length", LARGEST),
        ]
        self.channel = grpc.insecure_channel(self.url, options)
        self.stub = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)

    def close(self) -> None:
        self.channel.close()

    def ask(self, method, request):
        """The answer of a method; raises `CallError`."""
        try:
            return method(request, timeout=self.timeout)
        except grpc.RpcError as error:
            code = error.code().name
            said = "did not answer in time" if code == "DEADLINE_EXCEEDED" else f"refused ({code}): {error.details()}"
            raise CallError(f"{self.url} {said}", code) from None

    def read_functions(self, model, version, label):
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        specify(request.model_spec, model, version, label)
        found = get_model_metadata_pb2.SignatureDefMap()
        self.ask(self.stub.GetModelMetadata, request).metadata["signature_def"].Unpack(found)
        return {name: function_of(definition) for name, definition in found.signature_def.items()}

    def send(self, model, signature, inputs, version, label):
        request = predict_pb2.PredictRequest()
        specify(request.model_spec, model, version, label)
        request.model_spec.signature_name = signature
        known = self.function(model, signature, version, label).inputs
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(to_tensor(name, value, known[name]))
        answer = self.ask(self.stub.Predict, request)
        return {name: from_tensor(name, value) for name, value in sorted(answer.outputs.items())}


def specify(spec, model, version, label) -> None:
    """Says which model, and which version of it, is meant."""
    spec.name = model
    if version is not None:
        spec.version.value = version
    if label is not None:
        spec.version_label = label


def function_of(definition) -> Function:
    """A signature from a `SignatureDef`."""
    inputs = {}
    for name, info in sorted(definition.inputs.items()):
        rank = None if info.tensor_shape.unknown_rank else len(info.tensor_shape.dim)
        default = from_tensor(name, definition.defaults[name]) if name in definition.defaults else None
        inputs[name] = Input(types_pb2.DataType.Name(info.dtype), rank, default)
    return Function(inputs, sorted(definition.outputs))


def to_tensor(name, value, known: Input):
    """A `TensorProto`; raises `InputError` if the value is not of the input's type."""
    dtype = tf.dtypes.as_dtype(types_pb2.DataType.Value(known.dtype))
    tensor = Tensor(dtype.name, None if known.rank is None else (None,) * known.rank)
    return tf.make_tensor_proto(to_array(name, to_json(value), tensor), dtype)


def from_tensor(name, tensor):
    """The values of a `TensorProto` as nested lists."""
    return values_of(name, tf.make_ndarray(tensor), bytes_as=bytes)

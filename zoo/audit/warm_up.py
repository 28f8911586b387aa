"""The requests that a server makes before it serves a version: one that fails keeps the version from being served."""

from collections.abc import Iterator
from pathlib import Path

FILE = Path("assets.extra") / "tf_serving_warmup_requests"
MOST = 1000
ADVICE = "export the model again, or delete the file"


def problems_of(folder: Path, signatures: dict) -> list[str]:
    """What a server would stumble over; requests of other kinds than `Predict` are not looked at.

    Args:
        signatures: the `SignatureDef`s that are served, by name.
    """
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        logs = list(read(path))
    except Exception as error:  # TensorFlow, protobuf and the disk have different kinds for a damaged file
        reason = str(getattr(error, "message", error)).splitlines()[0]
        return [f"the warm-up requests in {path} cannot be read ({reason}); {ADVICE}"]
    found = [f"{path} holds {len(logs)} warm-up requests, a server takes {MOST}; {ADVICE}"] if len(logs) > MOST else []
    for number, log in enumerate(logs, start=1):
        if log.HasField("predict_log"):
            problem = request_problem(log.predict_log.request, signatures)
            found += [f"{problem} in warm-up request {number}; {ADVICE}"] if problem else []
    return found


def read(path: Path) -> Iterator:
    """The messages `PredictionLog` of a file."""
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        yield prediction_log_pb2.PredictionLog.FromString(record)


def requests(folder: Path) -> list[tuple[str, dict]]:
    """The signature and the `TensorProto`s by input of every request that the folder of a version holds."""
    path = folder / FILE
    logs = [log for log in read(path) if log.HasField("predict_log")] if path.is_file() else []
    found = [log.predict_log.request for log in logs]
    return [(request.model_spec.signature_name, dict(request.inputs)) for request in found]


def request_problem(request, signatures: dict) -> str | None:
    """What is wrong with a `PredictRequest`."""
    name = request.model_spec.signature_name or "serving_default"
    if name not in signatures:
        return f"signature {name!r} is asked for, which is not there,"
    inputs = signatures[name].inputs
    for key in sorted(set(inputs) ^ set(request.inputs)):
        if key in request.inputs:
            return f"signature {name!r} is given {key!r}, which is no input of it,"
        if key not in signatures[name].defaults:
            return f"signature {name!r} is not given its input {key!r}"
    for key, value in sorted(request.inputs.items()):
        if value.dtype != inputs[key].dtype:
            return f"input {key!r} of signature {name!r} is given another dtype than its own"
    return None

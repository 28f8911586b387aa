"""What a server wants beside a SavedModel: requests to warm up with, batching, a configuration, a card."""

import importlib.metadata
import json
import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_textgen import sampling
from zoo.audit.signatures import plain
from zoo.audit.warm_up import FILE

BATCHING = """\
# Read with --enable_batching --enable_per_model_batching_parameters. A server then batches every signature, so call
# those whose inputs all have a first dimension: generate_batched, encode, decode, reconstruct, interpolate_batched,
# score_batched (score itself where it takes texts alone).
max_batch_size { value: 64 }
batch_timeout_micros { value: 2000 }
num_batch_threads { value: 2 }
max_enqueued_batches { value: 100 }
"""
CONFIG = """\
# For --model_config_file; the folder as the server sees it. The two highest versions are served.
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 2 }} }}
    version_labels {{ key: "stable" value: {stable} }}
    version_labels {{ key: "newest" value: {newest} }}
  }}
}}
"""


def examples(model) -> dict[str, list[dict[str, np.ndarray]]]:
    """For every signature of a model, inputs that it answers; for `generate` a beam search, too, the other half of its
    graph."""
    text = model.generate(1, seed=0, attributes=first_attributes(model))[0]
    values = {"num": 1, "steps": 3, "num_samples": 2, "texts": text, "a": text, "b": text}
    values |= {"names": next(iter(model.attributes.values), ""), "spherical": False, "seed": 0}
    values |= sampling.Options()._asdict() | {"prompt": ""} | first_attributes(model)
    found = {}
    for name, signature in model.signatures().items():
        told = model.attributes.values if signature.takes_attributes else ()
        specs = signature.inputs | {attribute: tf.TensorSpec([None], tf.string) for attribute in told}
        inputs = {key: example(spec, values.get(key, 0)) for key, spec in specs.items()}
        inputs |= {key: value.numpy() for key, value in signature.options.items()}
        found[name] = [inputs]
        if "num_beams" in inputs:
            found[name].append(inputs | {"num_beams": np.array(2, np.int32)})
    return found


def first_attributes(model) -> dict[str, str]:
    """A value of each attribute that a model is told."""
    return {name: str(values[0]) for name, values in model.attributes.values.items()}


def example(spec: tf.TensorSpec, value) -> np.ndarray:
    """One value as a tensor of that shape, where unknown dimensions are 1."""
    shape = [dim or 1 for dim in spec.shape]
    value = value.encode() if isinstance(value, str) else value
    return np.broadcast_to(np.array(value, spec.dtype.as_numpy_dtype), shape)


def write_warm_up(requests: dict[str, list[dict[str, np.ndarray]]], name: str, folder: Path) -> None:
    """What a server asks before it serves a version, so that the first user does not wait.

    Args:
        requests: as `examples` gives them.
        name: of the model.
        folder: of the version.
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    (folder / FILE).parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / FILE)) as file:
        for signature, asked in requests.items():
            for inputs in asked:
                log = prediction_log_pb2.PredictionLog()
                request = predict_pb2.PredictRequest()
                request.model_spec.name, request.model_spec.signature_name = name, signature
                for key, value in inputs.items():
                    request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
                log.predict_log.request.CopyFrom(request)
                file.write(log.SerializeToString())


def config(name: str, versions: list[int]) -> str:
    """A server's configuration of a model: the policy, and labels for the two highest versions."""
    newest = max(versions)
    older = [version for version in versions if version != newest]
    return CONFIG.format(name=re.sub(r'["\\\n]', "_", name), newest=newest, stable=max(older, default=newest))


def card(model, name: str, quantize: str | None, requests: dict[str, list[dict[str, np.ndarray]]]) -> str:
    """What a version is, in Markdown: the model, its words, what it can be asked. The arguments are those of `export`
    and of `write_warm_up`."""
    lines = [
        f"# {name}",
        "",
        f"`{type(model).__name__}` of keras-textgen {importlib.metadata.version('keras-textgen')}.",
    ]
    facts = {
        "parameters": f"{model.count_params():,}",
        "weights": quantize or "float32",
        "words": f"{model.tokenizer.vocabulary_size:,} ({type(model.tokenizer).__name__})",
        "longest text": f"{model.sequence_length} tokens",
        **{f"attribute `{key}`": ", ".join(map(str, values)) for key, values in model.attributes.values.items()},
        "written with": f"TensorFlow {tf.__version__}",
    }
    lines += ["", "| | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in facts.items())]
    lines += ["", "| signature | inputs (with the values that stand for those left out) |", "| --- | --- |"]
    for key, signature in model.signatures().items():
        told = {
            name: tf.TensorSpec([None], tf.string) for name in model.attributes.values if signature.takes_attributes
        }
        inputs = [described(name, spec) for name, spec in (signature.inputs | told).items()]
        inputs += [f"{described(name, value)} = {shown(value)}" for name, value in signature.options.items()]
        lines.append(f"| `{key}` | {', '.join(inputs)} |")
    rows = json.dumps({"signature_name": "generate_batched", "instances": [row(requests["generate_batched"][0])]})
    lines += ["", "A body for REST, `POST /v1/models/NAME:predict`:", "", "```json", rows, "```", ""]
    return "\n".join(lines)


def described(name: str, spec) -> str:
    """An input with its type and shape."""
    shape = ", ".join("n" if dim is None else str(dim) for dim in spec.shape)
    return f"{name} {spec.dtype.name}" + (f" [{shape}]" if shape else "")


def shown(value: tf.Tensor) -> str:
    """A default as JSON has it."""
    return json.dumps(plain(np.asarray(value).tolist()), ensure_ascii=False)


def row(inputs: dict[str, np.ndarray]) -> dict:
    """The first row of inputs as JSON has it."""
    return {key: plain(value.tolist()[0]) for key, value in inputs.items()}

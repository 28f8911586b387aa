"""What an export answers without Python: asked through TensorFlow's C library, in a process that imports nothing else.

It is the code that a server runs, of any version whose libraries there are: `libraries` is the folder of
`libtensorflow_framework.so.2` and `libtensorflow_cc.so.2`, by default that of the installed TensorFlow; the folder
`tensorflow` of an unpacked wheel is another.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from keras_textgen.errors import InputError
from zoo.audit.files import find_version, meta_graph_of, read
from zoo.tensors import from_library, to_library

PROGRAM = Path(__file__).parent / "c_api.py"


class NoAnswer(RuntimeError):
    """TensorFlow refused to load or to run an export; the message is what it said."""


def installed_libraries() -> Path:
    """The folder of the installed TensorFlow, which is not imported for that."""
    return Path(importlib.util.find_spec("tensorflow").origin).parent


def ask_library(question: dict, libraries=None, more_ops=()) -> dict:
    """Asks the program `c_api.py`.

    Args:
        more_ops: libraries of further ops to load before, such as those of tensorflow-text.

    Raises:
        InputError: if the folder has no such libraries.
        NoAnswer: if TensorFlow refuses.
    """
    libraries = Path(libraries or installed_libraries())
    if not (libraries / "libtensorflow_cc.so.2").is_file():
        raise InputError(f"{libraries} has no libtensorflow_cc.so.2; name the folder `tensorflow` of an unpacked wheel")
    done = subprocess.run(
        [sys.executable, "-I", PROGRAM, libraries, *more_ops],
        input=json.dumps(question), capture_output=True, text=True, env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ},
    )  # fmt: skip
    if done.returncode:
        raise NoAnswer(f"the process ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise NoAnswer(answer["error"])
    return answer


def answers(path, requests, libraries=None, more_ops=()) -> list:
    """What an export answers to requests, as a server would.

    Args:
        path: as of `check_export`.
        requests: pairs of a signature's name and its inputs by name, anything that NumPy makes arrays of; inputs that
            are left out take the signature's defaults.
        libraries, more_ops: as of `ask_library`.

    Returns:
        A list, in the order of the requests, of the outputs by name (arrays; strings as objects of type `bytes`), or of
        a `NoAnswer` where the request failed.

    Raises:
        InputError: if a request names an unknown signature or input, or lacks one; or as `ask_library`.
        NoAnswer: if the export cannot be loaded.
    """
    folder = find_version(path)
    signatures = meta_graph_of(read(folder), folder).signature_def
    runs = []
    for name, inputs in requests:
        if name not in signatures:
            raise InputError(f"{folder} has no signature {name!r}")
        outputs = sorted(signatures[name].outputs.items())
        runs.append({"feeds": feeds(signatures[name], name, inputs), "fetches": [info.name for _, info in outputs]})
    found = ask_library({"export": str(folder), "runs": runs}, libraries, more_ops)["runs"]
    return [
        NoAnswer(run["error"])
        if "error" in run
        else dict(zip(sorted(signatures[name].outputs), map(from_library, run["values"]), strict=True))
        for (name, _), run in zip(requests, found, strict=True)
    ]


def feeds(signature, name: str, inputs: dict) -> dict:
    """The tensors to feed, by their names in the graph."""
    import tensorflow as tf

    given = {key: tf.make_ndarray(value) for key, value in signature.defaults.items()} | dict(inputs)
    if set(given) != set(signature.inputs):
        wrong = sorted(set(given) ^ set(signature.inputs))
        raise InputError(f"signature {name!r} takes {', '.join(sorted(signature.inputs))}; see to {', '.join(wrong)}")
    return {info.name: to_library(given[key], tf.as_dtype(info.dtype).name) for key, info in signature.inputs.items()}

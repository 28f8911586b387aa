"""The formats that `start` and `step` can be written in: LiteRT and ONNX, each with what runs it."""

import abc
import functools
import re
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from zoo.silence import silence
from zoo.step_functions import StepFunctions
from zoo.storage import first_line

OPSET = 18  # of ONNX


class Format(abc.ABC):
    """Files with the functions `start` and `step`.

    Attributes:
        title: the name that people know.
        loading: lines of Python that open the files, as functions `start` and `step` of named arrays.
    """

    title: str
    loading: str

    @abc.abstractmethod
    def require(self) -> None:
        """Imports what it needs; raises `ImportError`."""

    @abc.abstractmethod
    def write(self, functions: StepFunctions, folder: Path) -> None:
        """Writes the files; raises `NotConverted`."""

    @abc.abstractmethod
    def load(self, folder: Path) -> dict:
        """`start` and `step` by name, from the files: functions of named arrays to named arrays."""


class NotConverted(Exception):
    """A converter cannot write a function; the message says why, as "has no operation LowerBound"."""


class LiteRT(Format):
    """One file, `step.tflite`, with two signatures."""

    title = "LiteRT"
    loading = """\
from ai_edge_litert.interpreter import Interpreter

model = Interpreter("step.tflite")
start, step = model.get_signature_runner("start"), model.get_signature_runner("step")
"""

    def require(self):
        from ai_edge_litert import interpreter

        return interpreter

    def write(self, functions, folder):
        module = tf.Module()
        module.weights = functions.weights
        with tempfile.TemporaryDirectory() as scratch, silence():
            tf.saved_model.save(module, scratch, functions.functions)
            converter = tf.lite.TFLiteConverter.from_saved_model(scratch, list(functions.functions))
            try:
                content = converter.convert()
            except Exception as error:  # of a class that changes with the releases
                lacking = re.search(r"'tf\.(\w+)' op", str(error))
                reason = f"has no operation {lacking[1]}" if lacking else f"failed ({first_line(error)})"
                raise NotConverted(reason) from error
        (folder / "step.tflite").write_bytes(content)

    def load(self, folder):
        model = self.require().Interpreter(str(folder / "step.tflite"))
        return {name: model.get_signature_runner(name) for name in ("start", "step")}


class Onnx(Format):
    """Two files, `start.onnx` and `step.onnx`."""

    title = "ONNX"
    loading = """\
import onnxruntime


def load(path):
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    return lambda **inputs: dict(zip(names, session.run(names, inputs)))


start, step = load("start.onnx"), load("step.onnx")
"""

    def require(self):
        import onnxruntime
        import tf2onnx

        return tf2onnx, onnxruntime

    def write(self, functions, folder):
        import onnx

        tf2onnx, _ = self.require()
        for name, function in functions.functions.items():
            try:
                with silence():
                    model, _ = tf2onnx.convert.from_function(
                        function,
                        function.input_signature,
                        opset=OPSET,
                        custom_op_handlers={"Erfc": (one_minus_erf, [])},
                    )
            except Exception as error:  # it raises many kinds
                raise NotConverted(f"failed ({first_line(error)})") from error
            lacking = [node.op_type for node in model.graph.node if not onnx.defs.has(node.op_type, node.domain)]
            if lacking:
                raise NotConverted(f"has no operation {lacking[0]}")
            (folder / f"{name}.onnx").write_bytes(model.SerializeToString())

    def load(self, folder):
        _, onnxruntime = self.require()

        def run(session, names, **inputs):
            return dict(zip(names, session.run(names, inputs), strict=True))

        found = {}
        for name in ("start", "step"):
            session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"))
            found[name] = functools.partial(run, session, [output.name for output in session.get_outputs()])
        return found


def one_minus_erf(context, node, name, arguments):
    """ONNX has `Erf`, and no `Erfc`."""
    node.type = "Erf"
    one = context.make_const(f"{name}_one", np.ones([], np.float32)).output[0]
    negative = context.insert_new_node_on_output("Neg", node.output[0], name=f"{name}_negative").output[0]
    context.insert_new_node_on_output("Add", negative, inputs=[negative, one], name=f"{name}_rest")


FORMATS = {"litert": LiteRT(), "onnx": Onnx()}

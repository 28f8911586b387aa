"""Weights in fewer bytes on the disk: an export keeps them in half precision or in 8 bits, and widens them once, when a
server loads it. What it computes with is float32 all the same, so that any layer can have it (an LSTM, too), every
signature stays as fast, and a stock server needs no other operations."""

from contextlib import ExitStack, contextmanager

import tensorflow as tf

from keras_textgen.errors import unknown

KINDS = ("float16", "bfloat16", "int8")
FEWEST = 1024  # elements of a weight that is worth it


@contextmanager
def quantized(variables, kind: str | None):
    """While it holds, an export of these variables keeps the large ones of float32 in `kind`; gives what the export
    must hold beside them, a list of objects to track.

    Args:
        kind: one of `KINDS`, or None for all as they are. "int8" is symmetric with a scale a row or column, whichever
            are more, for matrices; other weights stay.

    Raises:
        InputError: if there is no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise unknown("kind of weights", kind, KINDS)
    small = [Small(variable, kind) for variable in variables if kind and suits(variable, kind)]
    with ExitStack() as hidden:
        for part in small:
            hidden.enter_context(left_out(part.variable))
        yield [[part, part.stored, part.scale] for part in small]


@contextmanager
def left_out(variable: tf.Variable):
    """While it holds, nothing of a variable goes to the files of an export: neither by the variable itself, which
    writes them, nor by its copy in the graph, which reads them."""
    export = variable._export_to_saved_model_graph

    def export_without(object_map, *arguments, **options):
        found = export(object_map, *arguments, **options)
        object_map[variable]._serialize_to_tensors = dict
        return found

    variable._serialize_to_tensors, variable._export_to_saved_model_graph = dict, export_without
    try:
        yield
    finally:
        del variable._serialize_to_tensors, variable._export_to_saved_model_graph


def suits(variable: tf.Variable, kind: str) -> bool:
    """Whether a variable can be kept in that kind, and is large enough."""
    if variable.dtype != tf.float32 or variable.shape.num_elements() < FEWEST:
        return False
    if kind == "float16":
        return bool(tf.reduce_max(tf.abs(variable)) < tf.float16.max)
    return kind != "int8" or variable.shape.rank > 1


class Small(tf.saved_model.experimental.TrackableResource):
    """A variable as the disk has it, `stored * scale`; loading an export gives the variable its value."""

    def __init__(self, variable: tf.Variable, kind: str):
        super().__init__()
        self.variable = variable
        value, scale = tf.convert_to_tensor(variable), tf.ones([])
        if kind == "int8":
            longest = max(range(value.shape.rank), key=lambda axis: value.shape[axis])
            others = [axis for axis in range(value.shape.rank) if axis != longest]
            scale = tf.reduce_max(tf.abs(value), axis=others, keepdims=True) / 127
            value = tf.round(tf.math.divide_no_nan(value, scale))
        self.stored = tf.Variable(tf.cast(value, kind), trainable=False)
        self.scale = tf.Variable(scale, trainable=False)

    def _create_resource(self):
        # A resource of its own is what makes a server call `_initialize`; nothing is kept in it.
        return tf.raw_ops.VarHandleOp(dtype=tf.float32, shape=[], shared_name=f"small_{id(self)}")

    def _initialize(self):
        self.variable.assign(tf.cast(self.stored, tf.float32) * self.scale)

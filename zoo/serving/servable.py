"""One version of an exported model, in a TensorFlow session of its own, as the stock server runs it."""

import contextlib
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.errors import unknown
from zoo.audit import warm_up
from zoo.tensors import Tensor


class Signature(NamedTuple):
    """A function of a servable: its tensors by name, the values of inputs that may be left out, and what calls it."""

    name: str
    inputs: dict[str, Tensor]
    defaults: dict[str, np.ndarray]
    outputs: dict[str, Tensor]
    call: object


class Servable:
    """A loaded version.

    Args:
        folder: of the version: a SavedModel.
        threads: how many requests it computes at once.

    Raises:
        OSError, ValueError, RuntimeError, tf.errors.OpError: whatever TensorFlow says of a folder that it cannot load.
    """

    def __init__(self, folder, threads: int = 1):
        add_text_ops()
        self.folder = Path(folder)
        self.graph = tf.Graph()
        # Threads of its own: a request that takes long must not keep other versions, or a loading one, from theirs.
        config = tf.compat.v1.ConfigProto(use_per_session_threads=True, inter_op_parallelism_threads=threads)
        config.gpu_options.allow_growth = True
        self.session = tf.compat.v1.Session(graph=self.graph, config=config)
        self._lock, self._users, self._retired = threading.Lock(), 0, False
        try:
            with self.graph.as_default():
                loaded = tf.compat.v1.saved_model.load(self.session, ["serve"], str(folder))
            self.definitions = loaded.signature_def
            self.signatures = {name: self._signature(name) for name in sorted(self.definitions) if name[:2] != "__"}
            self.graph.finalize()
        except BaseException:
            self.session.close()
            raise

    def _signature(self, name) -> Signature:
        definition = self.definitions[name]
        inputs, outputs = sorted(definition.inputs), sorted(definition.outputs)
        call = self.session.make_callable(
            [definition.outputs[key].name for key in outputs],
            feed_list=[definition.inputs[key].name for key in inputs],
            accept_options=True,
        )
        return Signature(
            name,
            {key: tensor_of(definition.inputs[key]) for key in inputs},
            {key: tf.make_ndarray(value) for key, value in definition.defaults.items()},
            {key: tensor_of(definition.outputs[key]) for key in outputs},
            call,
        )

    def signature(self, name: str) -> Signature:
        """The signature of that name; "" stands for `serving_default`.

        Raises:
            InputError: if there is none.
        """
        name = name or "serving_default"
        if name not in self.signatures:
            raise unknown("signature", name, self.signatures)
        return self.signatures[name]

    def run(self, signature: Signature, inputs: dict[str, np.ndarray], seconds: float) -> dict[str, np.ndarray]:
        """The outputs by name.

        Raises:
            tf.errors.OpError: of what is wrong with the inputs; `DeadlineExceededError` after so many seconds.
        """
        options = tf.compat.v1.RunOptions(timeout_in_ms=max(1, int(1000 * seconds)))
        given = {**signature.defaults, **inputs}
        found = signature.call(*(given[key] for key in signature.inputs), options=options)
        return dict(zip(signature.outputs, found, strict=True))

    def warm_up(self, seconds: float, stopping: threading.Event | None = None) -> None:
        """Lets every signature answer, unless `stopping` is set: TensorFlow optimises the graph at the first call of
        each. They are asked what the export holds for it (`assets.extra`); a row that means nothing, where it holds
        nothing.

        Raises:
            ValueError, tf.errors.OpError: if a request of the export fails; the stock server serves no such version.
        """
        asked = self.warm_up_requests()
        others = [self.signatures[name] for name in self.signatures if name not in {found.name for found, _ in asked}]
        made_up = [(found, {key: smallest(tensor) for key, tensor in required(found).items()}) for found in others]
        for signature, inputs in [*asked, *made_up]:
            if stopping is not None and stopping.is_set():
                return
            # It is warm all the same; and what is made up it need not like.
            ignored = tf.errors.OpError if signature in others else tf.errors.DeadlineExceededError
            with contextlib.suppress(ignored):
                self.run(signature, inputs, seconds)

    def warm_up_requests(self) -> list[tuple[Signature, dict[str, np.ndarray]]]:
        """The signatures and inputs of the export's own requests; raises `ValueError` if one cannot be sent."""
        for problem in warm_up.problems_of(self.folder, self.definitions):
            raise ValueError(problem)
        return [
            (self.signature(name), {key: tf.make_ndarray(value) for key, value in inputs.items()})
            for name, inputs in warm_up.requests(self.folder)
        ]

    def __enter__(self):
        """Keeps the version loaded while somebody uses it."""
        with self._lock:
            self._users += 1
        return self

    def __exit__(self, *error):
        with self._lock:
            self._users -= 1
            last = self._retired and self._users == 0
        if last:
            self.session.close()

    def retire(self) -> None:
        """Unloads the version once its last user has left."""
        with self:
            self._retired = True


def tensor_of(info) -> Tensor:
    """What a `TensorInfo` says."""
    shape = tf.TensorShape(info.tensor_shape)
    return Tensor(tf.dtypes.as_dtype(info.dtype).name, None if shape.rank is None else tuple(shape))


def required(signature: Signature) -> dict[str, Tensor]:
    """The inputs that have no default."""
    return {key: tensor for key, tensor in signature.inputs.items() if key not in signature.defaults}


def smallest(tensor: Tensor) -> np.ndarray:
    """One row of words or numbers that mean nothing."""
    shape = [1 if size is None else size for size in tensor.shape or ()]
    if tensor.dtype == "string":
        return np.full(shape, b"", object)
    return np.ones(shape, tensor.dtype)


def add_text_ops() -> None:
    """Makes the ops of tensorflow-text known, which some tokenizers need, as the stock server knows them."""
    with contextlib.suppress(ImportError):
        import tensorflow_text  # noqa: F401

"""One version of an exported model, in a TensorFlow session of its own, as the stock server runs it."""

import contextlib
import threading
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.errors import unknown


class Tensor(NamedTuple):
    """What a signature takes or gives under a name: its dtype, and its shape (None where a size, or all, is open)."""

    dtype: tf.DType
    shape: tuple[int | None, ...] | None

    @classmethod
    def of(cls, info) -> "Tensor":
        """From a `TensorInfo`."""
        shape = tf.TensorShape(info.tensor_shape)
        return cls(tf.dtypes.as_dtype(info.dtype), None if shape.rank is None else tuple(shape))


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
            {key: Tensor.of(definition.inputs[key]) for key in inputs},
            {key: tf.make_ndarray(value) for key, value in definition.defaults.items()},
            {key: Tensor.of(definition.outputs[key]) for key in outputs},
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

    def warm_up(self, seconds: float) -> None:
        """Lets every signature answer once: the first call of each is what TensorFlow optimises the graph for."""
        for signature in self.signatures.values():
            made_up = {key: smallest(tensor) for key, tensor in required(signature).items()}
            with contextlib.suppress(tf.errors.OpError):  # it need not like that, and is warm all the same
                self.run(signature, made_up, seconds)

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


def required(signature: Signature) -> dict[str, Tensor]:
    """The inputs that have no default."""
    return {key: tensor for key, tensor in signature.inputs.items() if key not in signature.defaults}


def smallest(tensor: Tensor) -> np.ndarray:
    """One row of words or numbers that mean nothing."""
    shape = [1 if size is None else size for size in tensor.shape or ()]
    if tensor.dtype == tf.string:
        return np.full(shape, b"", object)
    return np.ones(shape, tensor.dtype.as_numpy_dtype)


def add_text_ops() -> None:
    """Makes the ops of tensorflow-text known, which some tokenizers need, as the stock server knows them."""
    with contextlib.suppress(ImportError):
        import tensorflow_text  # noqa: F401

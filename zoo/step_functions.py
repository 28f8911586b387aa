"""How a model writes, as two functions of fixed shapes: `start` gives the state in which texts begin, `step` takes the
token before and the state to the logits of the next and the next state."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_textgen import sampling
from keras_textgen.text import START

TOKENS, LATENTS, ATTRIBUTES, LOGITS = "tokens", "latents", "attributes", "logits"


class StepFunctions:
    """`start` and `step` of a model in float32, for so many texts at a time.

    The parts of the state are called `state_0`, `state_1`, …; those without any elements are left out. A step gives
    them as `next_state_0`, …, since an input and an output cannot share a name everywhere.

    Args:
        model: a `TextModel` with weights.
        batch_size: the number of texts.

    Attributes:
        functions: `start` and `step` by name.
        inputs: the shapes and dtypes of what each of them takes.
        state: those of the parts of the state.
        latents: `float32 [64, …]`, what 64 texts are written from; None for a model that needs nothing.
    """

    def __init__(self, model, batch_size: int):
        self.model, self.batch_size = in_float32(model), batch_size
        self.latents = self.model.draw(sampling.row_seeds(0, np.arange(64)))
        drawn = None if self.latents is None else self.latents[:1]
        like = self.model.start(drawn, tf.zeros([1, model.attributes.width]))
        _, after = self.model.step(tf.constant([START]), like)
        self.like = tf.nest.map_structure(self.spec_of, like, after)
        kept = [spec for spec in tf.nest.flatten(self.like) if spec.shape.num_elements()]
        self.state = {f"state_{place}": spec for place, spec in enumerate(kept)}
        self.inputs = {"start": self.start_inputs(), "step": {TOKENS: self.whole([batch_size]), **self.state}}
        self.functions = {name: self.graph_function(name) for name in self.inputs}

    @property
    def weights(self) -> list[tf.Variable]:
        """What the functions read."""
        return [weight.value for weight in self.model.weights]

    def spec_of(self, tensor, after) -> tf.TensorSpec:
        """What a part of the state of one text is for all of them; with room for the longest text where it grows from
        step to step."""
        if not tensor.shape.rank:
            return tf.TensorSpec([], tensor.dtype)
        sizes = [
            size + (behind - size) * self.model.sequence_length
            for size, behind in zip(tensor.shape, after.shape, strict=True)
        ]
        return tf.TensorSpec([self.batch_size, *sizes[1:]], tensor.dtype)

    def start_inputs(self) -> dict[str, tf.TensorSpec]:
        found = {}
        if self.latents is not None:
            found[LATENTS] = tf.TensorSpec([self.batch_size, *self.latents.shape[1:]], tf.float32)
        if len(self.model.attributes):
            found[ATTRIBUTES] = self.whole([self.batch_size, len(self.model.attributes)])
        return found

    def whole(self, shape) -> tf.TensorSpec:
        return tf.TensorSpec(shape, tf.int32)

    def graph_function(self, name: str) -> tf.function:
        specs = self.inputs[name]
        function = getattr(self, name)
        signature = [tf.TensorSpec(spec.shape, spec.dtype, key) for key, spec in specs.items()]
        called = lambda *values: function(**dict(zip(specs, values, strict=True)))  # noqa: E731
        return tf.function(called, input_signature=signature, autograph=False)

    def start(self, latents=None, attributes=None):
        if attributes is None:
            attributes = tf.zeros([self.batch_size, 0], tf.int32)
        state = self.model.start(latents, self.model.attributes.one_hot(attributes))
        return self.named("state_", tf.nest.map_structure(with_room, state, self.like))

    def step(self, tokens, **state):
        given = iter(state.values())
        parts = [
            next(given) if spec.shape.num_elements() else tf.zeros(spec.shape, spec.dtype)
            for spec in tf.nest.flatten(self.like)
        ]
        logits, after = self.model.step(tokens, tf.nest.pack_sequence_as(self.like, parts))
        return {LOGITS: tf.cast(logits, tf.float32), **self.named("next_state_", after)}

    def named(self, prefix: str, state) -> dict[str, tf.Tensor]:
        """The parts of a state that have elements, with their shapes."""
        pairs = zip(tf.nest.flatten(state), tf.nest.flatten(self.like), strict=True)
        parts = [tf.reshape(part, spec.shape) for part, spec in pairs if spec.shape.num_elements()]
        return {f"{prefix}{place}": part for place, part in enumerate(parts)}


def with_room(part, spec):
    """A part of a state in the shape that it may grow to, with zeros behind what it has."""
    if part.shape[1:] == spec.shape[1:]:
        return part
    return tf.pad(part, tf.stack([tf.zeros([len(spec.shape)], tf.int32), spec.shape - tf.shape(part)], axis=1))


def in_float32(model):
    """A model that computes in float32 with the same weights: itself, if it does."""
    if model.compute_dtype == "float32":
        return model
    copy = type(model).from_config({**model.get_config(), "dtype": "float32"})
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Skipping variable loading for optimizer")
        # By a file, since some models have weights of sizes that are learned.
        path = str(Path(scratch) / "model.weights.h5")
        model.save_weights(path)
        copy.load_weights(path)
    return copy

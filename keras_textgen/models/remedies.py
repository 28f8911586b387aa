"""Two remedies that reach over steps and epochs: aggressive training of the encoder, and pre-training."""

import random

import keras
import numpy as np
import tensorflow as tf

PATIENCE = 10  # steps of the encoder whose mean loss is compared with that of the steps before
MOST_STEPS = 100  # of the encoder for one of the decoder
TEXTS = 1024  # over which the mutual information is taken


@keras.saving.register_keras_serializable("keras_textgen")
class TurnTaking(keras.layers.Layer):
    """Whose turn it is in aggressive training (He et al. 2019, algorithm 1).

    The encoder takes steps for as long as the mean loss of `PATIENCE` steps falls, then the decoder takes one. The
    state is in weights, so it is saved with the model.
    """

    def __init__(self, aggressive: bool = False, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.aggressive = aggressive

        def add(name, kind, value=0):
            initializer = keras.initializers.Constant(value)
            return self.add_weight(shape=(), dtype=kind, initializer=initializer, trainable=False, name=name)

        if aggressive:
            self.active = add("active", "bool", True)
            self.steps = add("steps", "int32")
            self.total = add("total", "float32")
            self.before = add("before", "float32", float("inf"))
            self.information = add("information", "float32", -1.0)
        self.built = True

    def apply(self, optimizer, gradients, variables, inference_variables, loss, begun=True) -> None:
        """One step of all weights, or while the training is aggressive of those of the encoder or of the decoder.

        Before it has `begun` (while pre-training) all weights take every step, and nothing is noted.
        """
        own = {id(variable) for variable in inference_variables}
        encoder = [pair for pair in zip(gradients, variables, strict=True) if id(pair[1]) in own]
        decoder = [pair for pair in zip(gradients, variables, strict=True) if id(pair[1]) not in own]
        take = lambda pairs: (optimizer.apply(*zip(*pairs, strict=True)), 0)[1]  # noqa: E731
        tf.cond(
            tf.convert_to_tensor(self.active) & begun,
            lambda: tf.cond(self.next_turn(loss), lambda: take(decoder), lambda: take(encoder)),
            lambda: take([*encoder, *decoder]),
        )

    def next_turn(self, loss):
        """Notes the loss of a step; whether it is the decoder's turn."""
        steps, total = tf.convert_to_tensor(self.steps) + 1, tf.convert_to_tensor(self.total) + loss
        compare = tf.equal(steps % PATIENCE, 0)
        decoders = compare & ((total >= tf.convert_to_tensor(self.before)) | (steps >= MOST_STEPS))
        self.before.assign(tf.where(decoders, np.inf, tf.where(compare, total, tf.convert_to_tensor(self.before))))
        self.total.assign(tf.where(compare, 0.0, total))
        self.steps.assign(tf.where(decoders, 0, steps))
        return decoders

    def get_config(self):
        return {**super().get_config(), "aggressive": self.aggressive}


class Remedies(keras.callbacks.Callback):
    """What the remedies of a variational model do between epochs: the end of pre-training, of aggressive training."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        model = self.model
        if int(np.asarray(model.began)) < 0 and epoch >= model.pretraining_epochs:
            reset_decoder(model)
            model.began.assign(tf.cast(model.optimizer.iterations, tf.int64))

    def on_epoch_end(self, epoch, logs=None):
        turns = self.model.turns
        begun = int(np.asarray(self.model.began)) >= 0
        if not self.model.aggressive or not begun or not bool(np.asarray(turns.active)):
            return
        information = self.information()
        if logs is not None:
            logs["batch_information"] = information
        if information <= float(np.asarray(turns.information)):
            turns.active.assign(False)
        turns.information.assign(information)

    def information(self) -> float:
        """The mean mutual information over the first batches, each of which is a set of its own."""
        found, seen = [], 0
        for data in self.batches:
            ids, attributes, _ = keras.utils.unpack_x_y_sample_weight(data)
            found.append(self.model.information(ids, attributes))
            seen += len(ids)
            if seen >= TEXTS:
                break
        return float(np.mean(found))


def reset_decoder(model) -> None:
    """Gives all weights but those of the posterior the values of a new model: a function of the model's seed.

    The optimizer keeps its averages. Set to 0 they would grow from there without the correction that Adam makes in its
    first steps, and every weight would take steps of several learning rates.
    """
    state = random.getstate()
    random.seed(model.seed)
    try:
        fresh = type(model).from_config({**model.get_config(), "name": None})
    finally:
        random.setstate(state)
    own = {id(variable) for variable in model.inference_variables()}
    for variable, new in zip(model.trainable_variables, fresh.trainable_variables, strict=True):
        if id(variable) not in own:
            variable.assign(new)

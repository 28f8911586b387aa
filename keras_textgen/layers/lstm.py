"""A long short-term memory for training: what does not depend on the step before is computed for all steps at once."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.devices import takes_cudnn
from keras_textgen.layers.casting import weights_of
from keras_textgen.layers.cudnn import recur_on_cudnn


@keras.saving.register_keras_serializable("keras_textgen")
class LSTM(layers.Layer):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; with the forget gate of Gers et al. 2000).

    The numbers and weights are those of `keras.layers.LSTM`, with three differences that matter for speed: the
    projection of the inputs is one product for all steps, the gradients of the weights are one product each instead of
    a sum over the steps, and under mixed precision the weights are cast once and not at every step. The cell state is
    float32 under every policy. Only first derivatives are defined.

    `recurrent_dropout` is the rate at which entries of the recurrent kernel are left out while training, the same for a
    whole batch and all its steps: the weight-dropped LSTM of Merity et al. 2018, section 2. (Keras's option of this
    name drops states instead.)

    Called on `[batch, length, width]` and optionally a state `[hidden, cell]`, each `[batch, units]`, gives the hidden
    states `[batch, length, units]`. `step` takes one position.
    """

    def __init__(self, units: int, *, recurrent_dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.recurrent_dropout = layers.Dropout(recurrent_dropout, dtype="float32")

    def build(self, shape, *_):
        add = self.add_weight
        self.kernel = add(shape=(shape[-1], 4 * self.units), initializer="glorot_uniform", name="kernel")
        self.recurrent_kernel = add(
            shape=(self.units, 4 * self.units), initializer="orthogonal", name="recurrent_kernel"
        )
        self.bias = add(shape=(4 * self.units,), initializer=forget_gate_open, name="bias")

    def weights_to_compute(self):
        """Kernel, recurrent kernel and bias, in the dtype of the computation."""
        recurrent_kernel = self.recurrent_dropout(self.recurrent_kernel)
        return [tf.cast(weight, self.compute_dtype) for weight in (self.kernel, recurrent_kernel, self.bias)]

    def call(self, inputs, initial_state=None, training=None):
        if initial_state is None:
            zeros = tf.zeros([tf.shape(inputs)[0], self.units], self.compute_dtype)
            initial_state = [zeros, zeros]
        hidden, cell = initial_state
        steps = tf.transpose(tf.cast(inputs, self.compute_dtype), [1, 0, 2])
        hidden, cell = tf.cast(hidden, self.compute_dtype), tf.cast(cell, tf.float32)
        way = recur_on_cudnn if takes_cudnn(training) else recur
        return tf.transpose(way(steps, *self.weights_to_compute(), hidden, cell), [1, 0, 2])

    def step(self, inputs, state):
        """The next state `(hidden, cell)` from inputs `[batch, width]` and such a state; cells are float32."""
        return self.move(self.project(inputs) + tf.cast(weights_of(self)[2], tf.float32), state)

    def project(self, inputs, first=0):
        """What inputs `[n, some]` give to the gates, `float32 [n, 4 * units]`: all, or those for which the rows of the
        kernel from `first` on are."""
        kernel = weights_of(self)[0][first : first + inputs.shape[1]]
        return tf.cast(tf.matmul(inputs, kernel), tf.float32)

    def move(self, projected, state):
        """The next state from what all inputs and the bias give to the gates, and such a state."""
        hidden, cell = state
        *_, cell, moved = advance(projected + tf.cast(tf.matmul(hidden, weights_of(self)[1]), tf.float32), cell)
        return tf.cast(moved, hidden.dtype), cell

    def get_config(self):
        return {**super().get_config(), "units": self.units, "recurrent_dropout": self.recurrent_dropout.rate}


def forget_gate_open(shape, dtype=None):
    """Biases `[4 * units]` of zero, but one for the forget gate (Jozefowicz et al. 2015)."""
    units = shape[0] // 4
    return tf.concat([tf.zeros(units, dtype), tf.ones(units, dtype), tf.zeros(2 * units, dtype)], axis=0)


def advance(gates, cell):
    """The gates `[batch, 4 * units]` before their non-linearities, and the cell state, to the gates (input, forget,
    candidate, output), the squashed new cell state, the new cell state and the new hidden state."""
    input_gate, forget_gate, candidate, output_gate = tf.split(gates, 4, axis=1)
    input_gate, forget_gate, output_gate = tf.sigmoid(input_gate), tf.sigmoid(forget_gate), tf.sigmoid(output_gate)
    candidate = tf.tanh(candidate)
    cell = forget_gate * cell + input_gate * candidate
    squashed = tf.tanh(cell)
    return input_gate, forget_gate, candidate, output_gate, squashed, cell, output_gate * squashed


@tf.custom_gradient
def recur(steps, kernel, recurrent_kernel, bias, hidden, cell):
    """Hidden states `[length, batch, units]` from inputs `[length, batch, width]` and the state before them."""
    length, batch, width = tf.shape(steps)[0], tf.shape(steps)[1], steps.shape[2]
    units = recurrent_kernel.shape[0]
    dtype = steps.dtype
    flat = tf.reshape(steps, [-1, width])
    projected = tf.cast(tf.matmul(flat, kernel), tf.float32) + tf.cast(bias, tf.float32)
    projected = tf.reshape(projected, [length, batch, 4 * units])

    def forward(t, hidden, cell, hiddens, cells, activations):
        gates = projected[t] + tf.cast(tf.matmul(hidden, recurrent_kernel), tf.float32)
        *activation, next_cell, next_hidden = advance(gates, cell)
        next_hidden = tf.cast(next_hidden, dtype)
        return (
            t + 1,
            next_hidden,
            next_cell,
            hiddens.write(t, next_hidden),
            cells.write(t, cell),
            activations.write(t, tf.concat(activation, axis=1)),
        )

    history = [tf.TensorArray(kind, size=length) for kind in (dtype, tf.float32, tf.float32)]
    state = (0, hidden, cell, *history)
    *_, hiddens, cells, activations = tf.while_loop(lambda t, *_: t < length, forward, state)
    outputs, cells, activations = hiddens.stack(), cells.stack(), activations.stack()
    outputs = tf.ensure_shape(outputs, [steps.shape[0], steps.shape[1], units])

    def gradient(outputs_gradient):
        def backward(t, hidden_gradient, cell_gradient, gates_gradients):
            input_gate, forget_gate, candidate, output_gate, squashed = tf.split(activations[t], 5, axis=1)
            hidden_gradient = tf.cast(outputs_gradient[t] + hidden_gradient, tf.float32)
            cell_gradient += hidden_gradient * output_gate * (1 - squashed * squashed)
            gates_gradient = [
                cell_gradient * candidate * input_gate * (1 - input_gate),
                cell_gradient * cells[t] * forget_gate * (1 - forget_gate),
                cell_gradient * input_gate * (1 - candidate * candidate),
                hidden_gradient * squashed * output_gate * (1 - output_gate),
            ]
            gates_gradient = tf.cast(tf.concat(gates_gradient, axis=1), dtype)
            hidden_gradient = tf.matmul(gates_gradient, recurrent_kernel, transpose_b=True)
            gates_gradients = gates_gradients.write(t, gates_gradient)
            return t - 1, hidden_gradient, cell_gradient * forget_gate, gates_gradients

        state = (length - 1, tf.zeros_like(hidden), tf.zeros_like(cell), tf.TensorArray(dtype, size=length))
        _, hidden_gradient, cell_gradient, gates_gradients = tf.while_loop(lambda t, *_: t >= 0, backward, state)
        gates_gradient = tf.reshape(gates_gradients.stack(), [-1, 4 * units])
        before = tf.reshape(tf.concat([hidden[None], outputs[:-1]], axis=0), [-1, units])
        return (
            tf.reshape(tf.matmul(gates_gradient, kernel, transpose_b=True), tf.shape(steps)),
            tf.matmul(flat, gates_gradient, transpose_a=True),
            tf.matmul(before, gates_gradient, transpose_a=True),
            tf.cast(tf.reduce_sum(tf.cast(gates_gradient, tf.float32), axis=0), bias.dtype),
            hidden_gradient,
            cell_gradient,
        )

    return outputs, gradient

"""The LSTM of NVIDIA's cuDNN, for GPUs."""

import tensorflow as tf


def recur_on_cudnn(steps, kernel, recurrent_kernel, bias, hidden, cell):
    """As `lstm.recur`, which gives the same numbers: hidden states `[length, batch, units]` from inputs
    `[length, batch, width]` and the state before them. The cell state is of the dtype of the inputs."""
    length, batch = tf.shape(steps)[0], tf.shape(steps)[1]
    outputs, *_ = tf.raw_ops.CudnnRNNV3(
        input=steps,
        input_h=hidden[None],
        input_c=tf.cast(cell, steps.dtype)[None],
        params=parameters(kernel, recurrent_kernel, bias),
        sequence_lengths=tf.fill([batch], length),
        rnn_mode="lstm",
        is_training=True,
        time_major=True,
    )
    return tf.ensure_shape(outputs, [steps.shape[0], steps.shape[1], recurrent_kernel.shape[0]])


def parameters(kernel, recurrent_kernel, bias):
    """The weights as cuDNN wants them, one vector: for each of the gates (input, forget, candidate, output, the order
    of the layer) the transposed kernel, then the recurrent ones, then the biases: cuDNN adds two, and the first is 0.
    """
    weights = [*tf.split(kernel, 4, axis=1), *tf.split(recurrent_kernel, 4, axis=1)]
    return tf.concat([*(tf.reshape(tf.transpose(weight), [-1]) for weight in weights), tf.zeros_like(bias), bias], 0)

"""A convolution over the words of a text, for training."""

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("keras_textgen")
class Conv1D(layers.Conv1D):
    """The windows of a text: `[batch, length, width]` to `[batch, length - kernel_size + 1, filters]`.

    The numbers, weights and names are those of `keras.layers.Conv1D` without padding and strides. The windows are laid
    out once, and what a kernel finds in them is one product of matrices, as is its gradient: on a CPU that costs less
    than TensorFlow's own convolution. Only first derivatives are defined.
    """

    def call(self, inputs):
        kernel, bias = (tf.cast(weight, self.compute_dtype) for weight in (self.kernel, self.bias))
        return self.activation(convolve(tf.cast(inputs, self.compute_dtype), kernel) + bias)


@tf.custom_gradient
def convolve(inputs, kernel):
    """What a kernel `[size, width, filters]` finds in inputs `[batch, length, width]`."""
    size, width, filters = kernel.shape
    num = keras.ops.shape(inputs)[1] - size + 1
    windows = tf.concat([inputs[:, place : place + num] for place in range(size)], axis=2)
    windows = tf.reshape(windows, [-1, size * width])
    found = tf.matmul(windows, tf.reshape(kernel, [size * width, filters]))

    def gradient(found):
        rows = dict(input_sizes=tf.shape(inputs[:, None]), filter=kernel[None], out_backprop=found[:, None])
        of_kernel = tf.matmul(windows, tf.reshape(found, [-1, filters]), transpose_a=True)
        return (
            tf.raw_ops.Conv2DBackpropInput(**rows, strides=[1] * 4, padding="VALID")[:, 0],
            tf.reshape(of_kernel, [size, width, filters]),
        )

    return tf.reshape(found, [-1, num, filters]), gradient

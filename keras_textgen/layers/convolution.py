"""A convolution over the words of a text, for training."""

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("keras_textgen")
class Conv1D(layers.Conv1D):
    """The windows of a text: `[batch, length, width]` to `[batch, length - kernel_size + 1, filters]`.

    The numbers, weights and names are those of `keras.layers.Conv1D` without padding and strides. The gradient of the
    kernel is a product of matrices for each place of the window, which costs less than TensorFlow's own. Only first
    derivatives are defined.
    """

    def call(self, inputs):
        kernel, bias = (tf.cast(weight, self.compute_dtype) for weight in (self.kernel, self.bias))
        return self.activation(convolve(tf.cast(inputs, self.compute_dtype), kernel) + bias)


@tf.custom_gradient
def convolve(inputs, kernel):
    """What a kernel `[size, width, filters]` finds in inputs `[batch, length, width]`."""
    rows, kernels = inputs[:, None], kernel[None]
    size, width, filters = kernel.shape

    def gradient(found):
        options = dict(out_backprop=found[:, None], strides=[1] * 4, padding="VALID")
        shape = tf.shape(rows)
        windows = shape[2] - size + 1
        flat = tf.reshape(found, [-1, filters])
        seen = [tf.reshape(inputs[:, place : place + windows], [-1, width]) for place in range(size)]
        return (
            tf.raw_ops.Conv2DBackpropInput(input_sizes=shape, filter=kernels, **options)[:, 0],
            tf.stack([tf.matmul(part, flat, transpose_a=True) for part in seen]),
        )

    return tf.nn.conv2d(rows, kernels, 1, "VALID")[:, 0], gradient

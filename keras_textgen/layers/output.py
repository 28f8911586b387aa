"""Features to logits over the vocabulary."""

import tensorflow as tf
from keras import layers

from keras_textgen.layers.casting import weights_of

NARROW = 128  # units


def output_layer(embedding: layers.Embedding, tied: bool) -> layers.Layer:
    """The last layer of a decoder, by its word vectors if `tied` (Press & Wolf 2017), else by weights of its own.

    In training its logits are float32 under every policy: a softmax over bfloat16 loses the tail. Under a mixed policy
    the products of the backward pass, two thirds of the work, are those of the lower precision, and so are those of
    `infer`, which is for writing and for evaluation.
    """
    options = dict(product_dtype=embedding.compute_dtype, dtype="float32", name="output_layer")
    if tied:
        return TiedOutput(embedding, **options)
    return Output(embedding.input_dim, **options)


class Output(layers.Dense):
    """A dense layer whose backward products are of another precision."""

    def __init__(self, units, *, product_dtype, **kwargs):
        super().__init__(units, **kwargs)
        self.product_dtype = product_dtype

    def call(self, features, training=None):
        return affine(features, *map(tf.convert_to_tensor, (self.kernel, self.bias)), self.product_dtype)

    def weights_to_compute(self):
        """Kernel and bias, as `infer` needs them."""
        dtype = dtype_to_infer(self.kernel.shape[0], self.product_dtype)
        return [tf.cast(weight, dtype) for weight in (self.kernel, self.bias)]

    def infer(self, features):
        """Logits `[n, units]` of features `[n, width]` in the dtype of the products, rounded once: they are summed up
        in float32. Not for training."""
        kernel, bias = weights_of(self)
        return tf.nn.bias_add(tf.matmul(tf.cast(features, kernel.dtype), kernel), bias)


class TiedOutput(layers.Layer):
    """Logits by the transposed embedding, after a projection to its width: `(W h) E^T + b`."""

    def __init__(self, embedding: layers.Embedding, *, product_dtype, **kwargs):
        super().__init__(**kwargs)
        self.embedding = embedding
        self.product_dtype = product_dtype
        options = dict(use_bias=False, dtype="float32")
        self.projection = layers.Dense(embedding.output_dim, name="projection", **options)

    def build(self, shape):
        self.projection.build(shape)
        self.bias = self.add_weight(shape=(self.embedding.input_dim,), initializer="zeros", name="bias")

    def call(self, features):
        table = tf.cast(tf.convert_to_tensor(self.embedding.embeddings), tf.float32)
        bias = tf.convert_to_tensor(self.bias)
        return affine(self.projection(features), table, bias, self.product_dtype, transposed=True)

    def weights_to_compute(self):
        """The embedding's table and the bias, as `infer` needs them."""
        dtype = dtype_to_infer(self.embedding.output_dim, self.product_dtype)
        return [tf.cast(weight, dtype) for weight in (self.embedding.embeddings, self.bias)]

    def infer(self, features):
        """As of `Output`."""
        table, bias = weights_of(self)
        rows = tf.cast(self.projection(features), table.dtype)
        return tf.nn.bias_add(tf.matmul(rows, table, transpose_b=True), bias)


def dtype_to_infer(width: int, product_dtype: str) -> str:
    """In what `infer` multiplies: where a state is narrow, most of the time goes into writing the logits, and to round
    them and widen them again would cost more than the product."""
    return product_dtype if width >= NARROW else "float32"


def affine(features, kernel, bias, product_dtype, transposed=False):
    """`features [..., width]` times `kernel [width, units]` (`[units, width]` if transposed) plus `bias [units]`, in
    float32; the products that give the gradients take their factors in `product_dtype`."""

    @tf.custom_gradient
    def of(rows, kernel, bias):
        def gradient(upstream):
            low, factor, other = (tf.cast(tensor, product_dtype) for tensor in (upstream, kernel, rows))
            first, second = (low, other) if transposed else (other, low)
            return (
                tf.cast(tf.matmul(low, factor, transpose_b=not transposed), tf.float32),
                tf.cast(tf.matmul(first, second, transpose_a=True), tf.float32),
                tf.reduce_sum(upstream, axis=0),
            )

        return tf.nn.bias_add(tf.matmul(rows, kernel, transpose_b=transposed), bias), gradient

    rows = tf.reshape(features, [-1, features.shape[-1]])
    units = kernel.shape[0 if transposed else 1]
    return tf.reshape(of(rows, kernel, bias), tf.concat([tf.shape(features)[:-1], [units]], axis=0))

"""Discriminators: a text to one number, the logit of its being real."""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.layers.convolution import Conv1D
from keras_textgen.layers.dense import fixed_length, stack_of_dense
from keras_textgen.text import PADDING


class Discriminator(layers.Layer):
    """Word vectors, features of the text that a subclass finds, and one logit.

    Called on tokens `[batch, length]` and what the texts are told, `float32 [batch, width]`, gives logits `float32
    [batch]`. Tokens are ids, or one distribution over the vocabulary each (`float [batch, length, vocabulary]`, as a
    relaxed sample is), or with `embedded=True` word vectors. The features are compared with a direction that depends on
    what the text is told (the projection of Miyato & Koyama 2018). Padding up to `sequence_length` is part of a text.

    Args:
        dropout: rate on the features.
        l2: weight of `penalty`.
    """

    def __init__(self, vocabulary_size, embedding_dim, sequence_length, *, dropout=0.0, l2=0.0, **kwargs):
        super().__init__(**kwargs)
        self.settings = dict(
            vocabulary_size=vocabulary_size,
            embedding_dim=embedding_dim,
            sequence_length=sequence_length,
            dropout=dropout,
            l2=l2,
        )
        policy = self.dtype_policy
        vectors = keras.initializers.RandomUniform(-1.0, 1.0)
        self.embedding = layers.Embedding(
            vocabulary_size, embedding_dim, embeddings_initializer=vectors, dtype=policy, name="embedding"
        )
        self.dropout = layers.Dropout(dropout, dtype="float32")
        self.direction = layers.Dense(1, dtype="float32", name="direction")
        self.told_direction = None

    def build(self, tokens_shape, condition_shape):
        self.embedding.build(tokens_shape[:2])
        width = self.build_features()
        self.direction.build((None, width))
        if condition_shape[-1]:
            options = dict(use_bias=False, dtype="float32", name="told_direction")
            self.told_direction = layers.Dense(width, **options)
            self.told_direction.build(condition_shape)

    def build_features(self) -> int:
        """Makes the weights of `features`; returns their width."""
        raise NotImplementedError

    def features(self, words):
        """Word vectors `[batch, sequence_length, embedding_dim]` to features `[batch, width]`."""
        raise NotImplementedError

    def embed(self, tokens):
        """Tokens of any kind to word vectors `[batch, sequence_length, embedding_dim]`."""
        length = self.settings["sequence_length"]
        if tokens.dtype.is_integer:
            return self.embedding(fixed_length(tokens, length))
        tokens = tokens[:, :length]  # behind the text there is nothing but padding
        missing = length - tf.shape(tokens)[1]
        padding = tf.one_hot(tf.fill([tf.shape(tokens)[0], missing], PADDING), tokens.shape[2], dtype=tokens.dtype)
        tokens = tf.cast(tf.concat([tokens, padding], axis=1), self.compute_dtype)
        words = tf.einsum("blv,ve->ble", tokens, tf.cast(self.embedding.embeddings, self.compute_dtype))
        return tf.ensure_shape(words, [None, length, self.settings["embedding_dim"]])

    def call(self, tokens, condition, embedded=False):
        words = tf.cast(tokens, self.compute_dtype) if embedded else self.embed(tokens)
        return self.logits(self.features(words), condition)

    def logits(self, features, condition):
        """Logits `float32 [batch]` of features `[batch, width]`."""
        features = self.dropout(tf.cast(features, tf.float32))
        logits = self.direction(features)[:, 0]
        if self.told_direction is not None:
            logits += tf.reduce_sum(features * self.told_direction(condition), axis=1)
        return logits

    def penalty(self):
        """`l2` times half the squared length of the last layer's weights, a scalar (Yu et al. 2017, appendix)."""
        return self.settings["l2"] * tf.add_n([tf.nn.l2_loss(weight) for weight in self.direction.trainable_variables])

    def get_config(self):
        return {**super().get_config(), **self.settings}


@keras.saving.register_keras_serializable("keras_textgen")
class DenseDiscriminator(Discriminator):
    """Dense layers over the word vectors of a text, one place beside the other.

    Args:
        hidden_dims: widths of the layers.
        **kwargs: of `Discriminator`.
    """

    def __init__(self, vocabulary_size, embedding_dim, sequence_length, hidden_dims, **kwargs):
        super().__init__(vocabulary_size, embedding_dim, sequence_length, **kwargs)
        self.settings["hidden_dims"] = list(hidden_dims)
        self.hidden = stack_of_dense(hidden_dims, self.dtype_policy, "hidden")

    def build_features(self):
        width = self.settings["sequence_length"] * self.settings["embedding_dim"]
        for layer, units in zip(self.hidden, self.settings["hidden_dims"], strict=True):
            layer.build((None, width))
            width = units
        return width

    def features(self, words):
        features = tf.reshape(words, [tf.shape(words)[0], words.shape[1] * words.shape[2]])
        for layer in self.hidden:
            features = layer(features)
        return features


@keras.saving.register_keras_serializable("keras_textgen")
class Highway(layers.Layer):
    """`t * relu(W x + b) + (1 - t) * x` with the gate `t = sigmoid(W' x + b')` (Srivastava et al. 2015)."""

    def build(self, shape):
        policy = self.dtype_policy
        self.transform = layers.Dense(shape[-1], activation="relu", dtype=policy, name="transform")
        self.gate = layers.Dense(shape[-1], activation="sigmoid", dtype=policy, name="gate")
        for layer in (self.transform, self.gate):
            layer.build(shape)

    def call(self, inputs):
        gate = self.gate(inputs)
        return gate * self.transform(inputs) + (1 - gate) * inputs


@keras.saving.register_keras_serializable("keras_textgen")
class ConvolutionalDiscriminator(Discriminator):
    """Convolutions of several widths, the largest value of each over the text, a highway layer (Zhang & LeCun 2015; Yu
    et al. 2017, appendix).

    With `prefixes=True` it gives logits `[batch, sequence_length]`, one for every beginning of a text: those of the
    windows that lie inside it.

    Args:
        filters: pairs of the width of a convolution in tokens and the number of its maps; those that are wider than a
            text may be are left out.
        **kwargs: of `Discriminator`.
    """

    def __init__(self, vocabulary_size, embedding_dim, sequence_length, filters, **kwargs):
        super().__init__(vocabulary_size, embedding_dim, sequence_length, **kwargs)
        self.settings["filters"] = [[int(width), int(maps)] for width, maps in filters]
        policy = self.dtype_policy
        self.convolutions = [
            Conv1D(maps, width, dtype=policy, name=f"convolution_{width}")
            for width, maps in self.settings["filters"]
            if width <= sequence_length
        ]
        self.highway = Highway(dtype=policy, name="highway")

    def build_features(self):
        for convolution in self.convolutions:
            convolution.build((None, self.settings["sequence_length"], self.settings["embedding_dim"]))
        width = sum(convolution.filters for convolution in self.convolutions)
        self.highway.build((None, width))
        return width

    def features(self, words):
        largest = [tf.reduce_max(convolution(words), axis=1) for convolution in self.convolutions]
        return self.highway(tf.nn.relu(tf.concat(largest, axis=-1)))

    def call(self, tokens, condition, embedded=False, prefixes=False):
        if not prefixes:
            return super().call(tokens, condition, embedded)
        words = tf.cast(tokens, self.compute_dtype) if embedded else self.embed(tokens)
        features = tf.concat(self.largest_so_far(words), axis=-1)
        length, width = features.shape[1:]
        condition = tf.repeat(condition, length, axis=0)
        logits = self.logits(self.highway(tf.reshape(features, [-1, width])), condition)
        return tf.reshape(logits, [-1, length])

    def largest_so_far(self, words):
        """What each convolution finds in a text up to each place: `[batch, sequence_length, maps]`."""
        largest = []
        for convolution in self.convolutions:
            found = tf.nn.relu(convolution(words))
            found = tf.pad(found, [[0, 0], [convolution.kernel_size[0] - 1, 0], [0, 0]])  # to the window's last place
            largest.append(running_maximum(found))
        return largest

    def logits_behind(self, ids, condition, place, known):
        """Logits `[batch]` of texts of which each convolution knows the beginning up to `place`: windows inside it are
        not computed again. `known` are its values there, `[batch, maps]` each, as `largest_so_far` gives them."""
        words = self.embed(ids)
        largest = []
        for convolution, before in zip(self.convolutions, known, strict=True):
            first = tf.maximum(place - convolution.kernel_size[0] + 2, 0)
            found = tf.nn.relu(tf.reduce_max(convolution(words[:, first:]), axis=1))
            largest.append(tf.maximum(found, before))
        return self.logits(self.highway(tf.concat(largest, axis=-1)), condition)


def running_maximum(values):
    """The largest value so far along axis 1 of `[batch, length, …]`, whose length is known: by doubling."""
    reach = 1
    while reach < values.shape[1]:
        values = tf.concat([values[:, :reach], tf.maximum(values[:, reach:], values[:, :-reach])], axis=1)
        reach *= 2
    return values

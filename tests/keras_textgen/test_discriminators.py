"""Discriminators: the same verdict however a text is given, and every beginning judged by what lies inside it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers import ConvolutionalDiscriminator, DenseDiscriminator
from keras_textgen.layers.convolution import Conv1D
from keras_textgen.layers.discriminators import Highway, running_maximum
from keras_textgen.text import END, PADDING

VOCABULARY, WIDTH, LENGTH, ROWS = 11, 5, 7, 6
FILTERS = [[1, 4], [2, 3], [3, 5], [LENGTH, 2]]
KINDS = {
    "dense": lambda **options: DenseDiscriminator(VOCABULARY, WIDTH, LENGTH, [8, 6], **options),
    "convolutional": lambda **options: ConvolutionalDiscriminator(VOCABULARY, WIDTH, LENGTH, FILTERS, **options),
}


def texts(length=LENGTH, rows=ROWS):
    """Ids of texts of different lengths, the longest of them `length`."""
    draw = np.random.default_rng(length)
    ids = draw.integers(4, VOCABULARY, [rows, length]).astype(np.int32)
    for row, end in enumerate(draw.integers(0, length, rows)):
        if row:  # the first is full
            ids[row, end:] = PADDING
            ids[row, end] = END
    return ids


def told(width=0, rows=ROWS):
    return tf.constant(np.random.default_rng(9).normal(size=[rows, width]), tf.float32)


def build(kind, width=0, **options):
    """A discriminator of that kind, told vectors of that width, with random weights (and biases, too)."""
    keras.utils.set_random_seed(3)
    layer = KINDS[kind](**options)
    layer(texts(), told(width))
    draw = np.random.default_rng(4)
    layer.set_weights([draw.normal(0, 0.6, weight.shape) for weight in layer.get_weights()])
    return layer


@pytest.fixture(scope="module")
def layers_of():
    layers = {}

    def get(kind, width=0):
        if (kind, width) not in layers:
            layers[kind, width] = build(kind, width)
        return layers[kind, width]

    return get


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def affine(layer, x):
    return x @ np.array(layer.kernel) + np.array(layer.bias)


def verdict(layer, features, condition):
    """The logit of features `[n, width]` by numpy."""
    logits = affine(layer.direction, features)[:, 0]
    if layer.told_direction is not None:
        logits = logits + np.sum(features * (np.asarray(condition) @ np.array(layer.told_direction.kernel)), axis=1)
    return logits


def by_windows(layer, ids, condition, last):
    """What the convolutional discriminator says of the beginnings up to place `last`: a loop over the windows that lie
    inside them."""
    words = np.array(layer.embedding.embeddings)[ids]
    found = []
    for convolution in layer.convolutions:
        kernel, bias = np.array(convolution.kernel), np.array(convolution.bias)
        windows = [
            np.einsum("nwe,wem->nm", words[:, start : start + len(kernel)], kernel) + bias
            for start in range(last + 2 - len(kernel))
        ]
        found.append(np.max([*windows, np.zeros([len(ids), len(bias)])], axis=0))
    found = np.concatenate(found, axis=1)
    gate = sigmoid(affine(layer.highway.gate, found))
    features = gate * np.maximum(affine(layer.highway.transform, found), 0) + (1 - gate) * found
    return verdict(layer, features, condition)


def by_places(layer, ids, condition):
    """What the dense discriminator says, by numpy."""
    features = np.array(layer.embedding.embeddings)[ids].reshape(len(ids), -1)
    for hidden in layer.hidden:
        features = np.maximum(affine(hidden, features), 0)
    return verdict(layer, features, condition)


def one_hot(ids):
    return tf.one_hot(ids, VOCABULARY)


# Whole texts


@pytest.mark.parametrize("width", [0, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_a_verdict_is_that_of_the_formula(layers_of, kind, width):
    layer, ids, condition = layers_of(kind, width), texts(), told(width)
    expected = (
        by_places(layer, ids, condition) if kind == "dense" else by_windows(layer, ids, condition, last=LENGTH - 1)
    )
    logits = layer(ids, condition)
    assert logits.shape == (ROWS,) and np.ptp(expected) > 0.1
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 4, LENGTH])
@pytest.mark.parametrize("kind", KINDS)
def test_ids_their_one_hot_texts_and_their_vectors_have_the_same_verdict(layers_of, kind, length):
    layer, ids = layers_of(kind), texts(length)
    logits = layer(ids, told())
    np.testing.assert_allclose(layer(one_hot(ids), told()), logits, rtol=1e-5, atol=1e-5)
    words = layer.embed(tf.constant(ids))
    assert words.shape == (ROWS, LENGTH, WIDTH)
    np.testing.assert_allclose(layer.embed(one_hot(ids)), words, rtol=1e-6)
    np.testing.assert_allclose(layer(words, told(), embedded=True), logits, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_relaxed_word_is_the_mean_of_the_word_vectors(layers_of, kind):
    layer = layers_of(kind)
    relaxed = np.random.default_rng(1).dirichlet(np.ones(VOCABULARY), [ROWS, LENGTH]).astype(np.float32)
    expected = relaxed @ np.array(layer.embedding.embeddings)
    np.testing.assert_allclose(layer.embed(tf.constant(relaxed)), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_behind_a_text_changes_nothing(layers_of, kind):
    layer, ids = layers_of(kind), texts(4)
    logits = layer(ids, told()).numpy()
    for length in (5, LENGTH, LENGTH + 4):
        padded = np.pad(ids, [[0, 0], [0, length - 4]])
        np.testing.assert_allclose(layer(padded, told()), logits, rtol=1e-6)
        if length <= LENGTH:
            np.testing.assert_allclose(layer(one_hot(padded), told()), logits, rtol=1e-5, atol=1e-5)
    assert np.ptp(logits) > 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_is_too_long_is_cut(layers_of, kind):
    ids = texts(LENGTH)
    longer = np.concatenate([ids, np.full([ROWS, 2], 5, np.int32)], axis=1)
    np.testing.assert_array_equal(layers_of(kind)(longer, told()), layers_of(kind)(ids, told()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_verdict_does_not_depend_on_the_other_texts(layers_of, kind):
    layer, ids, condition = layers_of(kind, 3), texts(), told(3)
    together = layer(ids, condition).numpy()
    alone = [float(layer(ids[row : row + 1], condition[row : row + 1])[0]) for row in range(ROWS)]
    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_text_is_told_changes_its_verdict(layers_of, kind):
    layer, ids = layers_of(kind, 3), np.repeat(texts(rows=1), 4, axis=0)
    logits = layer(ids, tf.constant([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])).numpy()
    assert len(set(np.round(logits, 3))) == 4
    assert layers_of(kind).told_direction is None
    # It is linear in what is told: a text that is told half of something is half as far from one that is told nothing.
    half = layer(ids[:1], tf.constant([[0.5, 0, 0]]))
    np.testing.assert_allclose(half, [(logits[0] + logits[1]) / 2], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_a_relaxed_text_and_every_weight(layers_of, kind):
    layer, tokens = layers_of(kind, 3), one_hot(texts())
    with tf.GradientTape() as tape:
        tape.watch(tokens)
        total = tf.reduce_sum(layer(tokens, told(3)) ** 2)
    by_tokens, *by_weights = tape.gradient(total, [tokens, *layer.trainable_variables])
    assert np.abs(by_tokens).max(axis=(1, 2)).min() > 0
    assert len(by_weights) == len(layer.weights)
    assert all(np.abs(tf.convert_to_tensor(gradient)).max() > 0 for gradient in by_weights)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_is_for_training_alone(kind):
    plain, layer = build(kind), build(kind, dropout=0.5)
    ids, ways = texts(), [{}] if kind == "dense" else [{}, {"prefixes": True}]
    for way in ways:
        expected = plain(ids, told(), **way).numpy()
        for training in (False, None):
            np.testing.assert_array_equal(layer(ids, told(), training=training, **way), expected)
        np.testing.assert_array_equal(plain(ids, told(), training=True, **way), expected)
        first, second = (layer(ids, told(), training=True, **way).numpy() for _ in range(2))
        assert not np.allclose(first, expected) and not np.allclose(first, second)


@pytest.mark.parametrize("kind", KINDS)
def test_the_penalty_is_half_the_squared_length_of_the_last_layer(kind):
    layer = build(kind, width=2, l2=0.3)
    kernel, bias = np.array(layer.direction.kernel), np.array(layer.direction.bias)
    assert float(layer.penalty()) == pytest.approx(0.3 * (np.sum(kernel**2) + np.sum(bias**2)) / 2, rel=1e-6)
    assert float(build(kind).penalty()) == 0
    with tf.GradientTape() as tape:
        penalty = layer.penalty()
    np.testing.assert_allclose(tape.gradient(penalty, layer.direction.kernel.value), 0.3 * kernel, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_configuration_makes_the_same_discriminator(kind):
    layer = build(kind, width=2, dropout=0.2, l2=0.4, name="judge")
    other = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    assert type(other) is type(layer) and other.get_config() == layer.get_config()
    assert other.name == "judge" and other.dropout.rate == 0.2
    other(texts(), told(2))
    assert [weight.path for weight in other.weights] == [weight.path for weight in layer.weights]
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(other(texts(), told(2)), layer(texts(), told(2)))
    assert float(other.penalty()) == float(layer.penalty())


@pytest.mark.parametrize("kind", KINDS)
def test_logits_are_float32_under_a_policy_of_lower_precision(kind):
    layer, plain = build(kind, width=2, dtype="mixed_bfloat16"), build(kind, width=2)
    ids, condition = texts(), told(2)
    tokens = [(ids, {}), (one_hot(ids), {}), (layer.embed(tf.constant(ids)), {"embedded": True})]
    if kind == "convolutional":
        tokens.append((ids, {"prefixes": True}))
    for given, options in tokens:
        low = layer(given, condition, **options)
        exact = plain(tf.cast(given, tf.float32) if "embedded" in options else given, condition, **options)
        assert low.dtype == tf.float32
        # bfloat16 keeps 8 bits; a handful of roundings in a row, against the largest numbers that meet in a sum.
        np.testing.assert_allclose(low, exact, atol=8 * 2**-8 * np.abs(exact).max())
    assert layer.embed(tf.constant(ids)).dtype == tf.bfloat16


# Beginnings


@pytest.mark.parametrize("width", [0, 3])
def test_a_beginning_is_judged_by_the_windows_inside_it(layers_of, width):
    layer, ids, condition = layers_of("convolutional", width), texts(), told(width)
    found = layer(ids, condition, prefixes=True)
    assert found.shape == (ROWS, LENGTH)
    for place in range(LENGTH):
        expected = by_windows(layer, ids, condition, place)
        np.testing.assert_allclose(found[:, place], expected, rtol=1e-4, atol=1e-5, err_msg=str(place))


def test_a_beginning_does_not_depend_on_what_follows(layers_of):
    layer, ids = layers_of("convolutional"), texts()
    found = layer(ids, told(), prefixes=True).numpy()
    for place in range(LENGTH - 1):
        changed = ids.copy()
        changed[:, place + 1 :] = 4 + (changed[:, place + 1 :] + 1) % 7
        other = layer(changed, told(), prefixes=True).numpy()
        np.testing.assert_allclose(other[:, : place + 1], found[:, : place + 1], rtol=1e-5, atol=1e-6)
        assert not np.allclose(other[:, place + 1 :], found[:, place + 1 :])


def test_the_last_beginning_is_the_text(layers_of):
    layer, condition = layers_of("convolutional", 3), told(3)
    for length in (LENGTH, 4, 1):  # a short one is padded
        ids = texts(length)
        whole = layer(ids, condition)
        for tokens, options in (
            (ids, {}),
            (one_hot(ids), {}),
            (layer.embed(tf.constant(ids)), {"embedded": True}),
        ):
            found = layer(tokens, condition, prefixes=True, **options)
            np.testing.assert_allclose(found[:, -1], whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 8, 9, 17])
def test_the_running_maximum_is_the_largest_value_so_far(length):
    values = np.random.default_rng(length).normal(size=[4, length, 3]).astype(np.float32)
    np.testing.assert_array_equal(running_maximum(tf.constant(values)), np.maximum.accumulate(values, axis=1))
    np.testing.assert_array_equal(
        running_maximum(tf.constant(-values[..., 0])), -np.minimum.accumulate(values, 1)[..., 0]
    )


def test_filters_that_are_wider_than_a_text_are_left_out():
    layer = ConvolutionalDiscriminator(VOCABULARY, WIDTH, LENGTH, [[2, 3], [LENGTH, 4], [LENGTH + 1, 5], [40, 6]])
    logits = layer(texts(), told())
    assert [(one.kernel_size[0], one.filters) for one in layer.convolutions] == [(2, 3), (LENGTH, 4)]
    assert layer.direction.kernel.shape == (7, 1) and np.isfinite(logits).all()
    assert layer.get_config()["filters"] == [[2, 3], [LENGTH, 4], [LENGTH + 1, 5], [40, 6]]


def test_a_highway_lies_between_its_input_and_its_transform():
    layer = Highway()
    inputs = np.random.default_rng(2).normal(size=[5, 4]).astype(np.float32)
    layer(inputs)
    for bias, expected in ((-50.0, inputs), (50.0, np.maximum(affine(layer.transform, inputs), 0))):
        layer.gate.bias.assign(np.full(4, bias))
        np.testing.assert_allclose(layer(inputs), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("policy, tolerance", [("float32", 1e-5), ("mixed_bfloat16", 0.02)])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_convolution_and_its_gradients_are_those_of_keras(size, policy, tolerance):
    draw = np.random.default_rng(0)
    inputs = tf.constant(draw.standard_normal([3, 7, 4]), tf.float32)
    weight = tf.constant(draw.standard_normal([3, 8 - size, 5]), tf.float32)
    found = []
    for kind in (Conv1D, keras.layers.Conv1D):
        layer = kind(5, size, dtype=policy)
        layer.build((None, 7, 4))
        layer.set_weights([np.random.default_rng(1).standard_normal(part.shape) for part in layer.weights])
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = tf.cast(layer(inputs), tf.float32)
            loss = tf.reduce_sum(outputs * weight)
        found.append([outputs, *tape.gradient(loss, [inputs, *(part.value for part in layer.trainable_variables)])])
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance * np.abs(other).max())

"""Layers: whole sequences and single steps agree, padding changes nothing, dropout only while training."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.layers import LSTM, GaussianHead, LSTMDecoder, LSTMEncoder, WordDropout
from keras_textgen.text import PADDING, START, UNKNOWN

IDS = np.array([[1, 5, 6, 7], [1, 8, 4, 9]], np.int32)


@pytest.mark.parametrize("tie", [False, True])
@pytest.mark.parametrize("average", [False, True])
def test_a_decoder_gives_the_same_logits_step_by_step(tie, average):
    options = dict(tie_embeddings=tie, average_attention=average)
    decoder = LSTMDecoder(11, 6, 8, dropout=0.5, word_dropout=0.5, output_dim=7, **options)
    z = tf.random.stateless_normal([2, 3], [0, 0])
    whole = decoder(z, IDS, training=False)
    state = decoder.start(z)
    for place in range(IDS.shape[1]):
        logits, state = decoder.step(tf.constant(IDS[:, place]), state)
        np.testing.assert_allclose(logits, whole[:, place], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tie", [False, True])
@pytest.mark.parametrize("average", [False, True])
def test_a_decoder_depends_on_the_latent_and_on_no_later_word(tie, average):
    decoder = LSTMDecoder(11, 6, 8, tie_embeddings=tie, average_attention=average)
    z = tf.random.stateless_normal([2, 3], [0, 0])
    whole = decoder(z, IDS).numpy()
    changed = IDS.copy()
    changed[:, 2] = 10
    other = decoder(z, changed).numpy()
    np.testing.assert_array_equal(other[:, :2], whole[:, :2])
    assert np.abs(other[:, 2:] - whole[:, 2:]).max() > 1e-4
    assert np.abs(decoder(z + 1, IDS).numpy() - whole).min(axis=-1).max() > 0


def test_tied_embeddings_are_one_matrix():
    free, tied = (LSTMDecoder(50, 6, 8, tie_embeddings=tie) for tie in (False, True))
    for decoder in (free, tied):
        decoder(tf.zeros([1, 3]), IDS[:1])
    assert tied.count_params() - free.count_params() == (8 * 6 + 50) - (8 * 50 + 50)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_no_feature(bidirectional):
    encoder = LSTMEncoder(11, 6, 8, bidirectional=bidirectional)
    features = encoder(IDS)
    assert features.shape == (2, 16 if bidirectional else 8)
    np.testing.assert_array_equal(encoder(np.pad(IDS, [[0, 0], [0, 5]])), features)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_an_encoder_reads_every_word(bidirectional):
    encoder = LSTMEncoder(11, 6, 8, bidirectional=bidirectional)
    for place in range(4):
        changed = IDS.copy()
        changed[:, place] = 10
        assert np.abs(encoder(changed) - encoder(IDS)).max() > 1e-4


def test_a_gaussian_head_has_scales_over_its_least():
    head = GaussianHead(3, min_scale=0.25)
    features = 100 * tf.random.stateless_normal([40, 5], [0, 0])
    mean, scale = head(features)
    assert mean.shape == scale.shape == (40, 3)
    assert scale.numpy().min() == pytest.approx(0.25, rel=1e-6) and scale.numpy().max() > 1
    gaussian = head.distribution(features)
    np.testing.assert_array_equal(gaussian.mean(), mean)
    np.testing.assert_array_equal(gaussian.stddev(), scale)


def test_a_gaussian_head_stays_in_float32():
    head = GaussianHead(3, dtype="mixed_bfloat16")
    assert all(part.dtype == tf.float32 for part in head(tf.zeros([2, 5], tf.bfloat16)))


def test_word_dropout_takes_its_share_of_the_words_and_spares_padding_and_start():
    ids = tf.tile([[START, 5, 6, 7, PADDING]], [4000, 1])
    dropped = WordDropout(0.3)(ids, training=True).numpy()
    assert (dropped[:, 0] == START).all() and (dropped[:, 4] == PADDING).all()
    words = dropped[:, 1:4]
    assert np.isin(words, [UNKNOWN, 5, 6, 7]).all()
    # 12,000 words: a standard error of 0.0042
    assert np.mean(words == UNKNOWN) == pytest.approx(0.3, abs=0.02)
    assert (words[words != UNKNOWN] == np.broadcast_to([5, 6, 7], words.shape)[words != UNKNOWN]).all()


def test_word_dropout_is_off_outside_training_and_at_rate_0():
    np.testing.assert_array_equal(WordDropout(0.9)(IDS), IDS)
    np.testing.assert_array_equal(WordDropout(0.0)(IDS, training=True), IDS)
    assert (WordDropout(1.0)(IDS, training=True).numpy()[:, 1:] == UNKNOWN).all()


def test_word_dropout_differs_from_call_to_call():
    layer, ids = WordDropout(0.5), tf.fill([10, 10], 5)
    assert np.any(layer(ids, training=True) != layer(ids, training=True))


@pytest.mark.parametrize(
    "layer",
    [
        LSTMDecoder(11, 6, 8, dropout=0.1, word_dropout=0.2, tie_embeddings=True),
        LSTMEncoder(11, 6, 8, bidirectional=True, dropout=0.1),
        GaussianHead(3, min_scale=0.1),
        WordDropout(0.4),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_survives_its_configuration(layer):
    config = keras.saving.serialize_keras_object(layer)
    other = keras.saving.deserialize_keras_object(config)
    assert type(other) is type(layer)
    assert other.get_config() == layer.get_config()


def lstm_and_reference(policy="float32"):
    """Our LSTM and Keras's with the same weights."""
    ours, reference = LSTM(8, dtype=policy), keras.layers.LSTM(8, return_sequences=True, dtype=policy)
    for layer in (ours, reference):
        layer.build((None, None, 6))
    ours.set_weights([0.5 * np.random.default_rng(0).standard_normal(w.shape) for w in ours.get_weights()])
    reference.set_weights(ours.get_weights())
    return ours, reference


@pytest.mark.parametrize("policy, tolerance", [("float32", 1e-5), ("mixed_bfloat16", 0.05)])
def test_the_lstm_and_its_gradients_are_those_of_keras(policy, tolerance):
    noise = np.random.default_rng(1).standard_normal
    inputs, states = tf.constant(noise([3, 5, 6]), tf.float32), [tf.constant(noise([3, 8]), tf.float32)] * 2
    weight = tf.constant(noise([3, 5, 8]), tf.float32)
    found = []
    for layer in lstm_and_reference(policy):
        with tf.GradientTape() as tape:
            tape.watch([inputs, *states])
            given = [tf.cast(tensor, layer.compute_dtype) for tensor in (inputs, *states)]
            outputs = tf.cast(layer(given[0], initial_state=given[1:]), tf.float32)
            loss = tf.reduce_sum(outputs * weight)
        sources = [inputs, *states, *(variable.value for variable in layer.trainable_variables)]
        found.append([outputs, *tape.gradient(loss, sources)])
    for ours, reference in zip(*found, strict=True):
        scale = np.abs(reference).max()
        np.testing.assert_allclose(ours / scale, reference / scale, atol=tolerance)


def test_the_lstm_starts_at_zero_and_agrees_with_its_steps():
    ours, reference = lstm_and_reference()
    inputs = tf.random.stateless_normal([2, 4, 6], [0, 0])
    outputs = ours(inputs)
    np.testing.assert_allclose(outputs, reference(inputs), atol=1e-6)
    state = tf.zeros([2, 8]), tf.zeros([2, 8])
    for place in range(4):
        state = ours.step(inputs[:, place], state)
        np.testing.assert_allclose(state[0], outputs[:, place], atol=1e-6)


def test_the_lstm_starts_with_open_forget_gates():
    layer = LSTM(2)
    layer.build((None, None, 3))
    np.testing.assert_array_equal(layer.bias, [0, 0, 1, 1, 0, 0, 0, 0])

"""Layers: whole sequences and single steps agree, padding changes nothing, dropout only while training."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.distributions import TokenSequence, diagonal_normal
from keras_textgen.layers import (
    LSTM,
    BagDecoder,
    BagEncoder,
    Bilinear,
    DenseDecoder,
    DenseEncoder,
    GaussianHead,
    LSTMDecoder,
    LSTMEncoder,
    RecurrentLatent,
    ShortConvolution,
    TransformerDecoder,
    TransformerEncoder,
    WordDeletion,
    WordDropout,
    output,
)
from keras_textgen.layers.bag import counts
from keras_textgen.layers.casting import cast_once
from keras_textgen.text import END, PADDING, START, UNKNOWN, shift_right

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


@pytest.mark.parametrize("tie, policy, tolerance", [(False, "float32", 1e-5), (True, "mixed_bfloat16", 0.05)])
def test_a_decoder_weighs_many_latents_of_a_text_at_once(tie, policy, tolerance):
    decoder = LSTMDecoder(11, 6, 8, tie_embeddings=tie, average_attention=tie, output_dim=7, dtype=policy)
    z = 9 * tf.random.stateless_normal([5, 2, 3], [0, 0])
    ids = tf.constant([[5, 6, 7, 2], [8, 2, 0, 0]])
    likelihoods = [TokenSequence(decoder(sample, shift_right(ids))).log_prob(ids) for sample in z]
    np.testing.assert_allclose(decoder.log_prob(z, ids), likelihoods, atol=tolerance)
    assert np.std(likelihoods, axis=0).min() > 2 * tolerance


@pytest.mark.parametrize("tie", [False, True])
def test_weights_are_cast_outside_of_a_loop(tie, monkeypatch):
    monkeypatch.setattr(output, "NARROW", 1)
    decoder = LSTMDecoder(11, 6, 8, tie_embeddings=tie, dtype="mixed_bfloat16")
    decoder(tf.zeros([1, 3]), IDS[:1])

    @tf.function
    def logits(once):
        with cast_once(decoder._flatten_layers()) if once else contextlib.nullcontext():
            state = decoder.start(tf.zeros([2, 3]))
            move = lambda place, _, state: (place + 1, *decoder.step(tf.fill([2], place), state))  # noqa: E731
            nothing = tf.zeros([2, 11], tf.bfloat16)
            return tf.while_loop(lambda place, *_: place < 4, move, (0, nothing, state))[1]

    found = {}
    for once in (False, True):
        functions = logits.get_concrete_function(once).graph.as_graph_def(add_shapes=True).library.function
        nodes = [node for function in functions for node in function.node_def if node.op == "Cast"]
        found[once] = sum(node.attr["_output_shapes"].list.shape[0].dim[0].size in (8, 11, 9) for node in nodes)
    assert found[True] == 0 and found[False] >= 3  # kernels have as many rows as there are units, words or inputs
    np.testing.assert_array_equal(*(tf.cast(logits(once), tf.float32) for once in (False, True)))


@pytest.mark.parametrize("tie", [False, True])
@pytest.mark.parametrize("units, dtype", [(output.NARROW - 1, "float32"), (output.NARROW, "bfloat16")])
def test_words_are_found_in_low_precision_where_states_are_wide(tie, units, dtype):
    decoder = LSTMDecoder(11, units, units, tie_embeddings=tie, dtype="mixed_bfloat16")
    whole = decoder(tf.zeros([2, 3]), IDS)
    logits, _ = decoder.step(tf.constant(IDS[:, 0]), decoder.start(tf.zeros([2, 3])))
    assert whole.dtype == tf.float32 and logits.dtype == dtype
    np.testing.assert_allclose(tf.cast(logits, tf.float32), whole[:, 0], atol=0.02)


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


TRANSFORMERS = [
    {},
    {"memory_length": 3, "output_dim": 7, "dropout": 0.5, "word_dropout": 0.5},
    {"memory_length": 3, "positions": "rotary"},
    {"convolution_width": 3, "positions": "rotary"},
    {"memory_length": 0, "convolution_width": 9},
]


def transformer(options):
    """A decoder whose convolutions add something, as they do once trained."""
    decoder = TransformerDecoder(11, 8, 2, 2, 4, **options)
    decoder.build((2, 3), (2, 4))
    for place, convolution in enumerate(decoder.convolutions):
        convolution.kernel.assign(tf.random.stateless_normal(convolution.kernel.shape, [place, 1]))
    return decoder


@pytest.mark.parametrize("options", TRANSFORMERS, ids=str)
def test_a_transformer_gives_the_same_logits_step_by_step(options):
    decoder = transformer(options)
    z = tf.random.stateless_normal([2, 3], [0, 0])
    whole = decoder(z, IDS, training=False)
    assert whole.shape == (2, 4, 11)
    state = decoder.start(z)
    for place in range(4):
        logits, state = decoder.step(tf.constant(IDS[:, place]), state)
        np.testing.assert_allclose(logits, whole[:, place], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", TRANSFORMERS, ids=str)
def test_a_transformer_depends_on_the_latent_and_on_no_later_word(options):
    decoder = transformer(options)
    z = tf.random.stateless_normal([2, 3], [0, 0])
    whole = decoder(z, IDS).numpy()
    for place in range(4):
        changed = IDS.copy()
        changed[:, place] = 10
        moved = np.abs(decoder(z, changed).numpy() - whole).max(axis=(0, 2))
        assert moved[:place].max(initial=0) < 1e-6 and moved[place:].min() > 1e-4
    assert np.abs(decoder(z + 1, IDS).numpy() - whole).max(axis=-1).min() > 1e-4


def test_the_memory_of_a_transformer_alone_tells_it_the_latent():
    decoder = TransformerDecoder(11, 8, 1, 2, 4, memory_length=2)
    z = tf.random.stateless_normal([2, 3], [0, 0])
    decoder(z, IDS)
    decoder.told.kernel.assign(0 * decoder.told.kernel)
    assert np.abs(decoder(z + 1, IDS) - decoder(z, IDS)).max(axis=-1).min() > 1e-4


def test_rotary_attention_weighs_by_products_of_turned_complex_numbers():
    decoder = TransformerDecoder(11, 8, 1, 2, 4, memory_length=0, positions="rotary")
    decoder(tf.zeros([1, 0]), IDS)
    attention = decoder.blocks[0]._self_attention_layer
    words = np.random.default_rng(0).normal(size=(1, 5, 8)).astype(np.float32)
    turns = np.exp(1j * np.arange(5)[:, None] * 10000.0 ** -np.array([0, 0.5]))  # [place, half of the head's width]
    queries, keys = (
        (lambda seen: (seen[..., :2] + 1j * seen[..., 2:]) * turns[:, None])(dense(words).numpy()[0])
        for dense in (attention._query_dense, attention._key_dense)
    )
    scores = np.einsum("qhd,khd->hqk", queries, keys.conj()).real / 2  # the root of the head's width, 4
    scores[:, np.triu(np.ones([5, 5]), 1) > 0] = -np.inf
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    mixed = np.einsum("hqk,khd->qhd", weights, attention._value_dense(words).numpy()[0])
    expected = attention._output_dense(tf.constant(mixed[None], tf.float32))
    mask = np.tril(np.ones([1, 5, 5], bool))
    np.testing.assert_allclose(attention(words, words, attention_mask=mask), expected, rtol=1e-4, atol=1e-5)
    # Nothing else tells the places.
    np.testing.assert_array_equal(decoder.words(IDS[:, :1], first=0), decoder.words(IDS[:, :1], first=3))


@pytest.mark.parametrize("length", [1, 2, 6])
def test_a_short_convolution_is_a_depthwise_causal_one_beside_its_input(length):
    layer, draw = ShortConvolution(4), np.random.default_rng(0)
    layer.build((None, None, 3))
    features = draw.normal(size=(2, length, 3)).astype(np.float32)
    np.testing.assert_array_equal(layer(features, layer.nothing_before(2))[0], features)  # before it has learned
    layer.kernel.assign(draw.normal(size=(4, 3)))
    kernel = tf.reshape(layer.kernel, [4, 1, 3, 1])
    padded = tf.pad(features, [[0, 0], [3, 0], [0, 0]])[:, :, None]
    expected = tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")[:, :, 0] + features
    found, last = layer(features, layer.nothing_before(2))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(last, padded[:, -3:, 0])


def test_a_dense_decoder_gives_the_same_logits_step_by_step_whatever_was_written():
    decoder = DenseDecoder(11, 6, 4, [8], dropout=0.5)
    z = tf.random.stateless_normal([2, 3], [0, 0])
    whole = decoder(z)
    assert whole.shape == (2, 4, 11) and np.ptp(whole, axis=1).max() > 1e-3
    state = decoder.start(z)
    for place in range(4):
        logits, state = decoder.step(tf.constant(IDS[:, place]), state)
        np.testing.assert_allclose(logits, whole[:, place], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(decoder(z, length=2), whole[:, :2], rtol=1e-5, atol=1e-6)
    longer = decoder(z, length=6)
    np.testing.assert_allclose(longer[:, :4], whole, rtol=1e-5, atol=1e-6)
    assert not longer[:, 4:].numpy().any()


def test_a_bag_decoder_gives_the_same_logits_at_every_step():
    decoder = BagDecoder(11)
    z = tf.random.stateless_normal([2, 3], [0, 0])
    whole, state = decoder(z), decoder.start(z)
    for place in range(4):
        logits, state = decoder.step(tf.constant(IDS[:, place]), state)
        np.testing.assert_array_equal(logits, whole)
    np.testing.assert_allclose(whole, z @ decoder.output_layer.kernel + decoder.output_layer.bias, rtol=1e-5, atol=1e-6)


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


ENCODERS = [TransformerEncoder(11, 8, 2, 2), DenseEncoder(11, 6, 9, [12, 8]), BagEncoder(11, [12, 8])]


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda layer: type(layer).__name__)
def test_padding_changes_no_feature_of_other_encoders(encoder):
    features = encoder(IDS)
    assert features.shape == (2, 8)
    for more in (1, 5):
        np.testing.assert_allclose(encoder(np.pad(IDS, [[0, 0], [0, more]])), features, rtol=1e-5, atol=1e-6)
    alone = encoder(IDS[:1, :2])
    together = encoder(np.array([[*IDS[0, :2], 0, 0], IDS[1]], np.int32))[:1]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda layer: type(layer).__name__)
def test_other_encoders_read_every_word(encoder):
    for place in range(4):
        changed = IDS.copy()
        changed[:, place] = 10
        assert np.abs(encoder(changed) - encoder(IDS)).max() > 1e-4


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda layer: type(layer).__name__)
def test_only_a_bag_does_not_care_for_the_order_of_the_words(encoder):
    same = np.array_equal(encoder(IDS[:, [2, 0, 3, 1]]), encoder(IDS))
    assert same == isinstance(encoder, BagEncoder)


def test_counts_are_those_of_numpy():
    ids = np.random.default_rng(0).integers(0, 9, [20, 15]).astype(np.int32)
    expected = np.stack([np.bincount(row, minlength=9) for row in ids])
    assert expected[:, PADDING].any()
    expected[:, PADDING] = 0
    np.testing.assert_array_equal(counts(tf.constant(ids), 9), expected)


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


def test_a_gaussian_head_with_a_scale_of_means_keeps_the_rate_from_vanishing():
    head = GaussianHead(3, mean_scale=0.6)
    features = tf.random.stateless_normal([500, 5], [0, 0])
    mean, scale = head(features, training=True)
    np.testing.assert_allclose(np.mean(mean, axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.std(mean, axis=0), 0.6, rtol=1e-4)
    rate = diagonal_normal(mean, scale).kl_divergence(diagonal_normal(tf.zeros(3), tf.ones(3)))
    least = 3 * 0.6**2 / 2
    assert np.mean(rate) >= least * (1 - 1e-3)
    # The bound is met where every scale is 1.
    head.raw_scale.kernel.assign(tf.zeros([5, 3]))
    head.raw_scale.bias.assign(tf.fill([3], np.log(np.expm1(1 - head.min_scale)).astype(np.float32)))
    rate = diagonal_normal(*head(features, training=True)).kl_divergence(diagonal_normal(tf.zeros(3), tf.ones(3)))
    assert np.mean(rate) == pytest.approx(least, rel=1e-3)


def test_the_means_of_a_text_depend_on_no_other_outside_training():
    head = GaussianHead(3, mean_scale=0.6)
    features = 2 + tf.random.stateless_normal([500, 5], [0, 0])
    for _ in range(80):  # until the moving averages have arrived
        trained, _ = head(features, training=True)
    mean, _ = head(features)
    np.testing.assert_allclose(mean, trained, atol=0.01)
    np.testing.assert_allclose(head(features[:3])[0], mean[:3], rtol=1e-5, atol=1e-6)


def test_a_bilinear_unit_is_the_product_of_two_maps():
    layer = Bilinear(4)
    features = np.random.default_rng(0).standard_normal([2, 3, 5]).astype(np.float32)
    layer(features)
    kernel, bias = (np.random.default_rng(1).standard_normal(shape) for shape in ([5, 8], [8]))
    layer.set_weights([kernel, bias])
    first, second = (features @ kernel[:, part] + bias[part] for part in (slice(0, 4), slice(4, 8)))
    np.testing.assert_allclose(layer(features), first * second, rtol=1e-4, atol=1e-5)


def recurrent_latent():
    """A layer with large weights, and ids, latents and a condition for it."""
    layer = RecurrentLatent(11, 6, 8, 3, 7, dropout=0.5, word_dropout=0.5)
    layer.build((None, None), (None, 2))
    draw = np.random.default_rng(0)
    layer.set_weights([0.5 * draw.standard_normal(weight.shape) for weight in layer.get_weights()])
    z, condition = draw.standard_normal([2, 4, 3]), draw.standard_normal([2, 2])
    return layer, tf.constant(IDS), tf.constant(z, tf.float32), tf.constant(condition, tf.float32)


@pytest.mark.parametrize("dropped", [False, True])
def test_the_states_of_a_recurrent_latent_are_those_of_its_steps(dropped):
    layer, ids, z, condition = recurrent_latent()
    states = layer.states(ids, z, condition, dropped=dropped)
    state = layer.initial_state(condition)
    for place in range(4):
        np.testing.assert_allclose(states[:, place], state[0], rtol=1e-5, atol=1e-6)
        state = layer.advance(layer.embedding(ids[:, place]), z[:, place], condition, state)


def test_a_recurrent_latent_follows_the_text_by_its_posterior():
    layer, ids, z, condition = recurrent_latent()
    followed = layer.follow(ids, condition, tf.zeros([2, 4, 3]))
    posterior, _ = layer.gaussians(ids, followed, condition)
    np.testing.assert_allclose(posterior.mean(), followed, rtol=1e-4, atol=1e-5)
    # Any noise: a sample lies that many standard deviations from the mean, given the samples before it.
    followed = layer.follow(ids, condition, z)
    posterior, _ = layer.gaussians(ids, followed, condition)
    np.testing.assert_allclose((followed - posterior.mean()) / posterior.stddev(), z, rtol=1e-3, atol=1e-3)


def test_the_gaussians_of_a_recurrent_latent_look_at_nothing_later():
    layer, ids, z, condition = recurrent_latent()
    before = layer.gaussians(ids, z, condition)
    for place in range(4):
        changed_ids, changed_z = ids.numpy(), z.numpy()
        changed_ids[:, place], changed_z[:, place] = 10, -2
        after = layer.gaussians(tf.constant(changed_ids), tf.constant(changed_z), condition)
        # The posterior of a place sees its word and no latent of its own; the prior sees neither.
        for gaussian, other, seen in zip(before, after, (place, place + 1), strict=True):
            moved = np.abs(gaussian.mean() - other.mean()).max(axis=(0, 2))
            assert moved[:seen].max(initial=0) < 1e-6 and moved[seen:].min(initial=1) > 1e-4


def test_word_deletion_takes_its_share_of_the_words_and_closes_the_gaps():
    ids = tf.tile([[*range(4, 11), END, PADDING, PADDING]], [2000, 1])
    shorter = WordDeletion(0.3)(ids, training=True).numpy()
    assert shorter.shape == ids.shape
    for row in shorter:
        words = row[row > END].tolist()
        assert words == sorted(set(words)) and set(words) <= set(range(4, 11))  # in their order
        assert row.tolist() == [*words, END] + [PADDING] * (9 - len(words))
    # 14,000 words: a standard error of 0.0039
    assert np.sum(shorter > END) / 14_000 == pytest.approx(0.7, abs=0.02)
    assert np.bincount(shorter.ravel())[4:] == pytest.approx(2000 * 0.7, rel=0.1)  # all of them alike


def test_word_deletion_is_off_outside_training_and_at_rate_0_and_differs_from_call_to_call():
    np.testing.assert_array_equal(WordDeletion(0.9)(IDS), IDS)
    np.testing.assert_array_equal(WordDeletion(0.0)(IDS, training=True), IDS)
    layer, ids = WordDeletion(0.5), tf.fill([10, 10], 5)
    assert np.any(layer(ids, training=True) != layer(ids, training=True))


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
        GaussianHead(3, min_scale=0.1, mean_scale=0.5),
        WordDropout(0.4),
        WordDeletion(0.4),
        Bilinear(5),
        DenseEncoder(11, 6, 9, (12, 8), dropout=0.1),
        DenseDecoder(11, 6, 9, (8, 12), dropout=0.1),
        BagEncoder(11, (12, 8), dropout=0.1),
        BagDecoder(11),
        RecurrentLatent(11, 6, 8, 3, 7, dropout=0.1, word_dropout=0.2, min_scale=0.01),
        TransformerEncoder(11, 8, 2, 4, dropout=0.1),
        TransformerDecoder(11, 8, 2, 4, 9, memory_length=3, output_dim=5, dropout=0.1, word_dropout=0.2),
        TransformerDecoder(11, 8, 2, 2, 9, positions="rotary", convolution_width=4),
        ShortConvolution(4),
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


def test_the_lstm_drops_the_same_recurrent_weights_at_every_step_of_a_training_call():
    layer, plain = LSTM(8, recurrent_dropout=0.5), LSTM(8)
    inputs = tf.random.stateless_normal([2, 4, 6], [0, 0])
    for each in (layer, plain):
        each.build((None, None, 6))
    plain.set_weights(layer.get_weights()[:3])
    np.testing.assert_array_equal(layer(inputs), plain(inputs))
    outputs, dropped = layer(inputs, training=True), plain.recurrent_kernel.numpy()
    assert np.abs(outputs - plain(inputs)).max() > 1e-3
    # The first step has no state before it, so nothing is dropped there; of the others, find the weights left out: the
    # mask is drawn anew from the same seed.
    np.testing.assert_array_equal(outputs[:, 0], plain(inputs)[:, 0])
    layer.recurrent_dropout.seed_generator.state.assign([0, 0])
    outputs = layer(inputs, training=True)
    layer.recurrent_dropout.seed_generator.state.assign([0, 0])
    dropped = layer.recurrent_dropout(layer.recurrent_kernel, training=True)
    assert 0.3 < np.mean(dropped == 0) < 0.7
    plain.recurrent_kernel.assign(dropped)
    np.testing.assert_allclose(outputs, plain(inputs), atol=1e-6)


def test_the_lstm_starts_with_open_forget_gates():
    layer = LSTM(2)
    layer.build((None, None, 3))
    np.testing.assert_array_equal(layer.bias, [0, 0, 1, 1, 0, 0, 0, 0])


@pytest.mark.parametrize("positions", ["sine", "rotary"])
def test_a_transformer_writes_the_same_where_its_caches_have_room_for_more(positions):
    decoder, tokens = TransformerDecoder(11, 8, 2, 2, 5, positions=positions), tf.constant([4, 5])
    z = tf.random.stateless_normal([2, 3], [0, 0])
    decoder(z, tf.ones([2, 5], tf.int32))
    growing = decoder.start(z)
    z, caches, *rest = growing
    roomy = z, [tf.pad(cache, [[0, 0], [0, 0], [0, 5], [0, 0]]) for cache in caches], *rest
    for place in range(5):
        first, growing = decoder.step(tokens + place, growing)
        second, roomy = decoder.step(tokens + place, roomy)
        np.testing.assert_allclose(second, first, rtol=1e-5, atol=1e-6)
        assert [cache.shape[2] for cache in (growing[1][0], roomy[1][0])] == [place + 2, 6]  # one place is the memory

"""Exports whose weights take fewer bytes."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen.errors import InputError
from zoo.audit.answering import answers, installed_libraries
from zoo.quantizing import KINDS, Small, suits

BYTES = {"float16": 2, "bfloat16": 2, "int8": 1}


def matrix(*shape, seed=0):
    return tf.Variable(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


def widened(variable, kind):
    small = Small(variable, kind)
    variable.assign(tf.zeros_like(variable))
    small._initialize()
    return small, variable.numpy()


def test_8_bits_are_within_half_a_step_of_each_column():
    before = matrix(30, 50)
    values = before.numpy()
    small, after = widened(before, "int8")
    step = np.abs(values).max(axis=0) / 127
    assert small.scale.shape == (1, 50) and small.stored.dtype == tf.int8
    assert np.all(np.abs(after - values) <= step / 2 + 1e-7)
    assert np.abs(after - values).max() > 0


def test_8_bits_have_a_scale_a_row_where_rows_are_more():
    small, _ = widened(matrix(50, 30), "int8")
    assert small.scale.shape == (50, 1)
    small, _ = widened(matrix(3, 16, 40), "int8")
    assert small.scale.shape == (1, 1, 40)


def test_a_column_of_zeros_stays_one():
    variable = matrix(40, 40)
    values = variable.numpy()
    values[:, 3] = 0
    variable.assign(values)
    _, after = widened(variable, "int8")
    assert np.all(after[:, 3] == 0) and np.isfinite(after).all()


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision_is_rounding(kind):
    variable = matrix(40, 40)
    expected = tf.cast(tf.cast(variable.value(), kind), tf.float32).numpy()
    np.testing.assert_array_equal(widened(variable, kind)[1], expected)


def test_what_does_not_suit_stays_as_it_is():
    assert suits(matrix(40, 40), "int8")
    assert not suits(matrix(10, 10), "int8")  # small
    assert not suits(matrix(2000), "int8") and suits(matrix(2000), "float16")  # one scale for all would lose too much
    assert not suits(tf.Variable(tf.ones([40, 40], tf.int32)), "int8")
    assert not suits(tf.Variable(tf.fill([40, 40], 1e5)), "float16")  # over what half precision holds
    assert suits(tf.Variable(tf.fill([40, 40], 1e5)), "bfloat16")


@pytest.fixture(scope="module")
def wide(build_tiny, corpus):
    """A model with weights that are worth it."""
    return build_tiny("lstm_vae", hidden_dim=48, embedding_dim=48, texts=corpus)


@pytest.fixture(scope="module")
def values(wide):
    """Its weights, before any export."""
    return [weight.numpy() for weight in wide.weights]


@pytest.fixture(scope="module")
def wide_export(wide, values, tmp_path_factory):
    """`wide_export(kind)`: an export of it, written once; None is plain."""
    base = tmp_path_factory.mktemp("wide")
    return functools.cache(lambda kind: zoo.export(wide, base / str(kind), quantize=kind))


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_takes_fewer_bytes_and_says_nearly_the_same(wide, values, wide_export, corpus, kind):
    folder, plain = wide_export(kind), wide_export(None)  # so that the plain one comes after a small one
    held = [value.nbytes for value in values if value.size >= 1024]
    saved = stored(plain) - stored(folder)
    assert 0.8 * sum(held) * (1 - BYTES[kind] / 4) < saved < sum(held) * (1 - BYTES[kind] / 4)
    loaded = tf.saved_model.load(str(folder))
    inputs = dict(texts=tf.constant(corpus), num_samples=tf.constant(5), seed=tf.constant(1, tf.int64))
    scores, exact = loaded.signatures["score"](**inputs)["log_likelihood"], wide.score(corpus, num_samples=5, seed=1)
    assert 0 < np.abs(scores - exact).max() < 0.5
    assert f"| weights | {kind} |" in (folder / "README.md").read_text()
    # The model itself is as it was.
    for weight, value in zip(wide.weights, values, strict=True):
        np.testing.assert_array_equal(weight.numpy(), value)


def test_an_export_after_a_small_one_is_exact(wide, wide_export, corpus):
    wide_export(KINDS[0])
    inputs = dict(texts=tf.constant(corpus), num_samples=tf.constant(5), seed=tf.constant(1, tf.int64))
    answer = tf.saved_model.load(str(wide_export(None))).signatures["score"](**inputs)["log_likelihood"]
    np.testing.assert_allclose(answer, wide.score(corpus, num_samples=5, seed=1), rtol=1e-5)


@pytest.mark.skipif(
    not (installed_libraries() / "libtensorflow_cc.so.2").is_file(), reason="this TensorFlow has no C++ library"
)
@pytest.mark.parametrize("kind", ["int8", "float16"])
def test_a_server_widens_the_weights_too(wide, wide_export, corpus, kind):
    folder = wide_export(kind)
    assert zoo.check_export(folder).problems == []
    inputs = {"texts": corpus[:5], "num_samples": 3, "seed": 1}
    (found,) = answers(folder, [("score", inputs)])
    loaded = tf.saved_model.load(str(folder)).signatures["score"]
    expected = loaded(texts=tf.constant(corpus[:5]), num_samples=tf.constant(3), seed=tf.constant(1, tf.int64))
    np.testing.assert_allclose(found["log_likelihood"], expected["log_likelihood"], rtol=1e-5)
    assert np.abs(found["log_likelihood"] - wide.score(corpus[:5], num_samples=3, seed=1)).max() < 0.5


def stored(folder) -> int:
    return sum(path.stat().st_size for path in (folder / "variables").iterdir())


@pytest.mark.parametrize("name", ["gan", "ngram_lm", "transformer_vae"])
def test_weights_of_any_layer_can_be_small(fitted, name, tmp_path):
    loaded = tf.saved_model.load(str(zoo.export(fitted(name), tmp_path, quantize="float16")))
    rows = dict(
        temperature=tf.ones([3]), top_k=tf.zeros([3], tf.int32), top_p=tf.ones([3]), prompt=tf.constant([""] * 3)
    )
    texts = loaded.signatures["generate_batched"](seed=tf.constant([1, 2, 3], tf.int64), **rows)["texts"]
    assert texts.shape == (3,)


def test_an_unknown_kind_of_weights_is_refused_in_one_line(fitted, tmp_path):
    with pytest.raises(InputError, match="did you mean 'int8'") as error:
        zoo.export(fitted("lstm_vae"), tmp_path, quantize="int9")
    assert "\n" not in str(error.value) and list(tmp_path.iterdir()) == []

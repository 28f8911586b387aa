"""Adam by one op against Keras's own."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import optimizers

SETTINGS = {
    "plain": {},
    "clipped": {"global_clipnorm": 0.5},
    "averaged": {"use_ema": True, "ema_momentum": 0.9},
    "amsgrad": {"amsgrad": True},
    "other constants": {"beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-3},
    "falling rate": {"learning_rate": 0.1},
}


def descend(optimizer, steps=7, dtype="float32"):
    """The weights after some steps on the same gradients, one of them of a few rows of a table."""
    draw = np.random.default_rng(0)
    weights = [keras.Variable(draw.standard_normal(shape).astype("float32"), dtype=dtype) for shape in ((4, 3), (5,))]
    table = keras.Variable(draw.standard_normal([6, 2]).astype("float32"), dtype=dtype)
    optimizer.build([*weights, table])
    gradients = [[draw.standard_normal(weight.shape) for weight in weights] for _ in range(steps)]

    @tf.function
    def step(first, second, rows):
        optimizer.apply([first, second, tf.IndexedSlices(rows, [1, 4], [6, 2])], [*weights, table])

    for first, second in gradients:
        step(*(tf.cast(value, dtype) for value in (first, second, draw.standard_normal([2, 2]))))
    return [np.asarray(tf.cast(weight.value, tf.float32)) for weight in (*weights, table)]


@pytest.mark.parametrize("name", ["Adam", "AdamW"])
@pytest.mark.parametrize("setting", SETTINGS)
def test_steps_are_those_of_keras(name, setting):
    options = {"learning_rate": 0.05, **SETTINGS[setting]}
    if setting == "falling rate":
        options["learning_rate"] = keras.optimizers.schedules.CosineDecay(0.1, 5)
    ours, theirs = (descend(getattr(of, name)(**options)) for of in (optimizers, keras.optimizers))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


def test_low_precision_weights_are_left_to_keras():
    ours, theirs = (descend(of.Adam(0.05), dtype="bfloat16") for of in (optimizers, keras.optimizers))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_gradient_that_is_no_number_shows_as_in_keras(value):
    found = []
    for of in (optimizers, keras.optimizers):
        weights = [keras.Variable(np.ones(2, "float32")) for _ in range(2)]
        of.Adam(0.1, global_clipnorm=1.0).apply([tf.constant([value, 1.0]), tf.ones(2)], weights)
        found.append(np.isnan(np.asarray(weights[0].value)).any())
    assert found == [True, True]


def test_copies_on_several_devices_are_updated_alike():
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="ones")])
        model.compile(optimizers.Adam(0.1), "mse")
    alone = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="ones")])
    alone.compile(keras.optimizers.Adam(0.1), "mse")
    x, y = np.random.default_rng(0).standard_normal([2, 8, 3]).astype("float32")
    for fitted in (model, alone):
        fitted.fit(x, y[:, :2], batch_size=4, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], alone.get_weights()[0], rtol=1e-5)


@pytest.mark.parametrize(
    "scope",
    [contextlib.nullcontext, lambda: tf.distribute.MirroredStrategy(["CPU:0"]).scope()],
    ids=["alone", "copies on devices"],
)
def test_an_optimizer_that_forgets_goes_on_as_a_new_one(scope):
    rates = keras.optimizers.schedules.PiecewiseConstantDecay([5], [0.1, 0.01])
    with scope():
        models = [keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]) for _ in range(2)]
        models[0].compile(optimizers.Adam(rates), "mse")
        models[1].compile(optimizers.Adam(0.01), "mse")
    x, y = np.random.default_rng(0).standard_normal([2, 24, 3]).astype("float32")
    options = dict(batch_size=4, shuffle=False, verbose=0)
    models[0].fit(x, 100 * y[:, :2], **options)  # six steps, by gradients of another size
    models[1].set_weights(models[0].get_weights())
    optimizers.forget(models[0].optimizer)
    for model in models:
        model.fit(x, y[:, :2], **options)
    np.testing.assert_allclose(*(model.get_weights()[0] for model in models), rtol=1e-5)
    assert int(keras.ops.convert_to_numpy(models[0].optimizer.iterations)) == 12  # so that the schedule goes on


def test_what_an_optimizer_has_forgotten_is_saved(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(optimizers.Adam(0.1), "mse")
    model.fit(np.ones([8, 3]), np.zeros([8, 2]), batch_size=4, verbose=0)
    optimizers.forget(model.optimizer)
    model.save(tmp_path / "model.keras")
    other = keras.saving.load_model(tmp_path / "model.keras")
    for one in (model, other):
        one.fit(np.ones([8, 3]), np.zeros([8, 2]), batch_size=4, verbose=0)
    np.testing.assert_array_equal(*(one.get_weights()[0] for one in (model, other)))


def test_other_optimizers_are_left_as_they_are():
    optimizers.forget(keras.optimizers.SGD(0.1))
    optimizers.forget(None)
    optimizers.forget(optimizers.Adam(0.1))  # one that has taken no step has nothing to forget


def test_the_optimizer_comes_back_from_its_configuration():
    for optimizer in (optimizers.Adam(0.3, global_clipnorm=2.0), optimizers.AdamW(0.3, weight_decay=0.1)):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
        assert type(again) is type(optimizer) and again.get_config() == optimizer.get_config()

"""Gradients of graphs: there as long as their graphs, and no longer."""

import gc
import weakref

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops

import keras_textgen.layers  # noqa: F401  # which puts the registry in place


@tf.custom_gradient
def cube(x):
    return x**3, lambda upstream: upstream * 5 * x  # not the true one, so that it is seen


def registered() -> set[str]:
    return {name for name in ops.gradient_registry.list() if name.startswith("CustomGradient-")}


def test_a_gradient_is_taken_where_it_is_asked_for():
    x = tf.constant([2.0, 3.0])
    straight = tf.function(cube)
    looped = tf.function(lambda x: tf.while_loop(lambda n, _: n < 1, lambda n, y: (n + 1, cube(y)), (0, x))[1])
    nested = tf.function(lambda x: straight(x) + 0.0)
    for function in (straight, looped, nested):
        with tf.GradientTape() as tape:  # outside, after the function was traced
            tape.watch(x)
            y = function(x)
        np.testing.assert_allclose(y, [8.0, 27.0])
        np.testing.assert_allclose(tape.gradient(y, x), [10.0, 15.0])

    @tf.function
    def inside(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = straight(x) + looped(x)
        return tape.gradient(y, x)

    np.testing.assert_allclose(inside(x), [20.0, 30.0])


def test_a_graph_takes_its_gradients_with_it():
    gc.collect()
    before = registered()
    function = tf.function(cube).get_concrete_function(tf.TensorSpec([None]))
    graph = weakref.ref(function.graph)
    assert len(registered() - before) == 1
    del function
    gc.collect()
    assert graph() is None and registered() <= before


def test_a_gradient_is_saved_with_a_module(tmp_path):
    module = tf.Module()
    module.cube = tf.function(cube, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(module, tmp_path)
    loaded, x = tf.saved_model.load(tmp_path), tf.constant([2.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = loaded.cube(x)
    np.testing.assert_allclose(tape.gradient(y, x), [10.0])

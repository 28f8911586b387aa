"""What is chosen by device. GPUs are pretended: what they would get is looked at, and computed by the manual."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tensorflow as tf
from keras.src.backend.tensorflow.rnn import _standardize_cudnn_weights

from keras_textgen import devices
from keras_textgen.layers import LSTM
from keras_textgen.layers.cudnn import parameters

UNITS, WIDTH = 3, 2


@pytest.fixture
def a_gpu(monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: [{"device_name": "pretended", "compute_capability": (8, 0)}])
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"is_cuda_build": True})


def ops(run, *arguments) -> set[str]:
    """The kinds of operations in the graph of a function, which is not run."""
    graph = tf.function(run).get_concrete_function(*arguments).graph.as_graph_def()
    functions = [node for function in graph.library.function for node in function.node_def]
    return {node.op for node in [*graph.node, *functions]}


def test_cudnn_is_taken_by_training_on_a_gpu_alone(a_gpu, monkeypatch):
    assert devices.takes_cudnn(True)
    assert not devices.takes_cudnn(False) and not devices.takes_cudnn(None)
    monkeypatch.setattr(tf.sysconfig, "get_build_info", lambda: {"is_cuda_build": False})
    assert not devices.takes_cudnn(True)


def test_cudnn_is_not_taken_on_a_cpu():
    assert not devices.gpus() and not devices.takes_cudnn(True)


def gradients(layer, inputs):
    """Gradients of a training call."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs, training=True))
    return tape.gradient(loss, layer.trainable_variables)


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_layer_trains_by_cudnn_where_it_is_taken_and_is_used_without_it(a_gpu, policy):
    layer, inputs = LSTM(UNITS, recurrent_dropout=0.5, dtype=policy), tf.TensorSpec([None, 5, WIDTH])
    layer.build(inputs.shape)
    found = ops(lambda steps: gradients(layer, steps), inputs)
    assert {"CudnnRNNV3", "CudnnRNNBackpropV3"} <= found and not {"While", "StatelessWhile"} & found
    for training in (False, None):
        assert not any("Cudnn" in op for op in ops(lambda steps, told=training: layer(steps, training=told), inputs))


def test_what_xla_compiles_has_no_cudnn(a_gpu):
    taken = []
    tf.function(lambda: taken.append(devices.takes_cudnn(True)), jit_compile=True)()
    assert taken == [False]


def by_the_manual(parts, steps, hidden, cell):
    """The LSTM of NVIDIA's manual (cuDNN API, `CUDNN_LSTM`), on a vector of weights in its order: W_i, W_f, W_c, W_o,
    R_i, R_f, R_c, R_o, each `[units, width]` by rows, and two biases for each."""
    sizes = [UNITS * WIDTH] * 4 + [UNITS * UNITS] * 4 + [UNITS] * 8
    parts = np.split(parts, np.cumsum(sizes)[:-1])
    matrices, biases = [part.reshape(UNITS, -1) for part in parts[:8]], parts[8:]
    squash = lambda value: 1 / (1 + np.exp(-value))  # noqa: E731
    states = []
    for step in steps:
        gates = [
            step @ matrices[gate].T + hidden @ matrices[4 + gate].T + biases[gate] + biases[4 + gate]
            for gate in range(4)
        ]
        input_gate, forget_gate, output_gate = (squash(gates[gate]) for gate in (0, 1, 3))
        cell = forget_gate * cell + input_gate * np.tanh(gates[2])
        hidden = output_gate * np.tanh(cell)
        states.append(hidden)
    return np.stack(states)


def test_cudnn_would_compute_what_the_layer_computes():
    draw = np.random.default_rng(0)
    layer, inputs = LSTM(UNITS), draw.normal(size=[4, 5, WIDTH]).astype(np.float32)
    hidden, cell = (draw.normal(size=[4, UNITS]).astype(np.float32) for _ in range(2))
    layer.build(inputs.shape)
    layer.bias.assign(draw.normal(size=4 * UNITS))
    vector = parameters(*layer.weights_to_compute())
    expected = by_the_manual(vector.numpy(), inputs.transpose(1, 0, 2), hidden, cell).transpose(1, 0, 2)
    np.testing.assert_allclose(layer(inputs, initial_state=[hidden, cell]), expected, rtol=1e-5, atol=1e-6)


def test_cudnn_is_given_what_keras_gives_it():
    layer = LSTM(UNITS)
    layer.build((None, None, WIDTH))
    kernel, recurrent_kernel, bias = layer.weights_to_compute()
    weights = [*tf.split(kernel, 4, axis=1), *tf.split(recurrent_kernel, 4, axis=1)]
    biases = tf.split(tf.concat([tf.zeros_like(bias), bias], axis=0), 8)
    expected = _standardize_cudnn_weights(weights, biases, tf.constant([-1]), transpose_weights=True)
    np.testing.assert_array_equal(parameters(kernel, recurrent_kernel, bias), expected)


@pytest.mark.parametrize(
    ("gpus", "flags", "precision"),
    [
        ([], {"avx2", "avx512f"}, "float32"),
        ([], {"avx512_bf16"}, "mixed_bfloat16"),
        ([], set(), "float32"),
        ([{"compute_capability": (7, 5)}], {"avx512_bf16"}, "float32"),
        ([{"compute_capability": (8, 0)}], set(), "mixed_bfloat16"),
        ([{"compute_capability": (9, 0)}, {"compute_capability": (7, 0)}], set(), "float32"),
        ([{}], {"avx512_bf16"}, "float32"),
    ],
)
def test_bfloat16_is_recommended_where_it_has_instructions(monkeypatch, gpus, flags, precision):
    monkeypatch.setattr(devices, "gpus", lambda: gpus)
    monkeypatch.setattr(devices, "processor_flags", lambda: flags)
    assert devices.recommended_precision() == precision


@pytest.mark.parametrize(
    ("configured", "environment", "found"), [(0, None, 6), (0, "3", 3), (0, "0", 6), (0, "many", 6), (2, "3", 2)]
)
def test_operations_at_once_are_what_tensorflow_was_told(monkeypatch, configured, environment, found):
    monkeypatch.setattr(devices, "cores", lambda: 6)
    monkeypatch.setattr(tf.config.threading, "get_inter_op_parallelism_threads", lambda: configured)
    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    if environment is not None:
        monkeypatch.setenv("TF_NUM_INTEROP_THREADS", environment)
    assert devices.operations_at_once() == found


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not bind processes to cores")
def test_python_in_a_graph_may_compute_on_one_core():
    code = """
        import os

        os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
        import keras_textgen
        import tensorflow as tf

        double = tf.function(lambda numbers: 2 * tf.reduce_sum(tf.nn.relu(numbers)[:, None] + tf.ones([1, 2]), axis=1))
        asked = tf.function(lambda numbers: 1 + tf.numpy_function(double, [numbers], tf.float32))
        print(asked(tf.constant([1.0, 2.0])).numpy().tolist())
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_NUM_")}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=60)
    assert done.stdout.split("\n")[0] == "[9.0, 13.0]"

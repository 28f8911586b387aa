"""Several replicas train as one device does: two real processes beside one, and two devices of one process."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import replicas

ROOT = Path(__file__).parents[2]
# 33 texts in batches of 16: the last batch has a single one, so that one replica stands by. No dropout: that is drawn
# for every replica apart. The noise of latents, and what a policy draws, is that of the whole batch.
PROGRAM = """
import contextlib, itertools, json, os, sys
import tensorflow as tf

strategy = tf.distribute.MultiWorkerMirroredStrategy() if "TF_CONFIG" in os.environ else None
import keras, zoo

places = itertools.product(["cat", "dog", "old horse"], ["the mat", "a hill", "it"], [".", "!", "?", ", again."])
texts = [f"the {a} sat on {b}{c}" for a, b, c in places][:33]
sizes = dict(embedding_dim=8, hidden_dim=8, seed=1)
options = {
    "dense_vae": dict(sizes, latent_dim=4, hidden_dims=[8], free_bits=0.3, kl_weight="linear:5"),
    "seqgan": dict(
        sizes, output_dim=0, filters=[[2, 4], [3, 4]], discriminator_embedding_dim=4, num_rollouts=0, dropout=0.0,
        discriminator_dropout=0.0, baseline="none", pretraining_epochs=0, discriminator_epochs=0,
    ),
    "lstm_lm": dict(sizes, dropout=0.0, l2=0.01),
}
options["dense_vae"].pop("hidden_dim")
found = {}
for name, given in options.items():
    keras.utils.set_random_seed(3)
    with strategy.scope() if strategy else contextlib.nullcontext():
        model = zoo.build(name, **given)
    found[name] = model.fit(texts, batch_size=16, epochs=2, verbose=0).history
found["lstm_lm"]["evaluated"] = model.evaluate(texts[:9], verbose=0, return_dict=True)["loss"]
found["steps"] = int(model.training_steps.numpy())
"""


def workers(num: int) -> list:
    """Processes that train as the workers of one cluster."""
    sockets = [socket.socket() for _ in range(num)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    started = []
    for index in range(num):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = {**os.environ, "TF_CONFIG": json.dumps(config), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", PROGRAM + "print(json.dumps(found))"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes))
    return started


def test_two_workers_with_half_the_batch_train_as_one_with_the_whole():
    pair = workers(2)
    try:
        alone = {}
        exec(PROGRAM, alone)  # in the meantime
        ended = [process.communicate(timeout=400) for process in pair]
    finally:
        for process in pair:
            process.kill()
    for out, err in ended:
        assert out, err[-2000:]
        together = json.loads(out.splitlines()[-1])
        assert together.pop("steps") == alone["found"]["steps"] == 6
        for name, history in together.items():
            assert history.keys() == alone["found"][name].keys()
            for figure in history.keys() - {"reward"}:  # that is a mean over words, not over texts
                np.testing.assert_allclose(history[figure], alone["found"][name][figure], rtol=1e-5, err_msg=figure)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8])
def test_every_row_of_a_batch_falls_to_exactly_one_replica(rows):
    batch = tf.reshape(tf.range(2 * rows), [rows, 2]), tf.zeros([rows, 0], tf.int32)
    seen, firsts = [], []
    for number in range(3):
        ids, attributes, (first, own, whole) = replicas.part_of_batch(batch, tf.constant(number), 3)
        assert len(ids) == len(attributes) == max(own, 1) and whole == rows
        seen += ids.numpy().tolist()[: int(own)]
        firsts.append(int(first))
    assert seen == batch[0].numpy().tolist() and firsts == sorted(firsts)


@pytest.mark.parametrize("rows", [1, 3, 4])
def test_replicas_together_draw_what_one_device_draws(rows):
    normal = lambda num: tf.random.stateless_normal([num, 2], [1, 2])  # noqa: E731
    found = []
    for number in range(2):
        data = replicas.part_of_batch((tf.zeros([rows, 1], tf.int32),) * 2, tf.constant(number), 2)
        with replicas.holding(data):
            found.append(replicas.draw(normal, len(data[0])).numpy()[: int(data[2][1])])
            assert float(replicas.weight()) == pytest.approx(int(data[2][1]) / rows)
    np.testing.assert_array_equal(np.concatenate(found), normal(rows))
    assert replicas.part() is None and replicas.weight() == 1

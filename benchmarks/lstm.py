"""How fast the LSTM layer trains beside that of Keras: one forward and backward pass of each in turn, in one process.

    python benchmarks/lstm.py

Prints the median milliseconds of each and the ratio of the two, for both precisions.
"""

import argparse
import json
import os
import platform
import statistics
import time

import keras
import tensorflow as tf

from keras_textgen.layers import LSTM


def passes(layer, inputs, weight):
    """A graph function that computes the gradients of one layer."""

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            outputs = layer(tf.cast(inputs, layer.compute_dtype))
            loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * weight)
        return tape.gradient(loss, layer.trainable_variables)

    return run


def milliseconds(run) -> float:
    """The time of one call."""
    start = time.perf_counter()
    for gradient in run():
        gradient.numpy()
    return 1000 * (time.perf_counter() - start)


def main() -> None:
    """Reads the options, measures both layers in turn, prints a JSON line for each precision."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=12)
    parser.add_argument("--width", type=int, default=288)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=100)
    arguments = parser.parse_args()
    inputs = tf.random.stateless_normal([arguments.batch, arguments.length, arguments.width], [0, 0])
    weight = tf.random.stateless_normal([arguments.batch, arguments.length, arguments.units], [0, 1])
    for policy in ("float32", "mixed_bfloat16"):
        ours = LSTM(arguments.units, dtype=policy)
        theirs = keras.layers.LSTM(arguments.units, return_sequences=True, dtype=policy)
        runs = {"ours": passes(ours, inputs, weight), "keras": passes(theirs, inputs, weight)}
        for run in runs.values():
            run()
        times = {name: [] for name in runs}
        for _ in range(arguments.repeats):
            for name, run in runs.items():
                times[name].append(milliseconds(run))
        medians = {name: round(statistics.median(found), 2) for name, found in times.items()}
        ratio = round(medians["keras"] / medians["ours"], 2)
        machine = {"machine": platform.machine(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
        print(json.dumps({"precision": policy, "milliseconds": medians, "keras over ours": ratio, **machine}))


if __name__ == "__main__":
    main()

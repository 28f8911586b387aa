"""How fast the LSTM layer trains beside that of Keras: one forward and backward pass of each in turn, in one process.

    python benchmarks/lstm.py

Prints the median milliseconds of each and the ratio of the two, for both precisions.
"""

import argparse

import keras
import measuring
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


def main() -> None:
    """Reads the options, measures both layers in turn, prints a JSON line for each precision."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=12)
    parser.add_argument("--width", type=int, default=288)
    parser.add_argument("--units", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=100)
    arguments = parser.parse_args()
    surroundings = measuring.Surroundings()
    inputs = tf.random.stateless_normal([arguments.batch, arguments.length, arguments.width], [0, 0])
    weight = tf.random.stateless_normal([arguments.batch, arguments.length, arguments.units], [0, 1])
    for policy in ("float32", "mixed_bfloat16"):
        ours = LSTM(arguments.units, dtype=policy)
        theirs = keras.layers.LSTM(arguments.units, return_sequences=True, dtype=policy)
        layers = {"ours": passes(ours, inputs, weight), "keras": passes(theirs, inputs, weight)}
        runs = {name: lambda run=run: [gradient.numpy() for gradient in run()] for name, run in layers.items()}
        times = measuring.in_turn(runs, arguments.repeats)
        medians = measuring.medians({name: [1000 * value for value in found] for name, found in times.items()}, 2)
        what = f"a pass of an LSTM forward and backward, {policy}"
        row = measuring.row(what, "ms", medians["ours"], "Keras", medians["keras"])
        found = {"precision": policy, "milliseconds": medians, "keras over ours": row["ratio"], "rows": [row]}
        measuring.report({**found, **surroundings.facts()})


if __name__ == "__main__":
    measuring.run(main)

"""Ways to draw one word of a large vocabulary for each row, from logits and one uniform number a row: their times.

    python benchmarks/draws.py

All are exact. Prints a JSON line with the median milliseconds of each way, measured in turn in one process.
"""

import argparse
import json
import os
import platform
import statistics
import time

import tensorflow as tf

from keras_textgen import sampling


def by_gumbel_noise(logits, uniforms):
    """`argmax(logits + noise)`: one random number a word."""
    return tf.random.categorical(logits, 1, dtype=tf.int32)[:, 0]


def by_counting(logits, uniforms):
    """The distribution function of all words, and how many of its values are not over the number."""
    cumulative = tf.cumsum(tf.nn.softmax(logits), axis=-1)
    below = cumulative <= uniforms[:, None] * cumulative[:, -1:]
    return tf.minimum(tf.reduce_sum(tf.cast(below, tf.int32), axis=-1), tf.shape(logits)[-1] - 1)


def by_searching(logits, uniforms):
    """The distribution function of all words, searched by halving."""
    cumulative = tf.cumsum(tf.nn.softmax(logits), axis=-1)
    return tf.searchsorted(cumulative, uniforms[:, None] * cumulative[:, -1:], side="right")[:, 0]


WAYS = {
    "Gumbel noise": by_gumbel_noise,
    "counting": by_counting,
    "searching": by_searching,
    "two levels": sampling.draw,
}


def main() -> None:
    """Reads the options, measures every way in turn, prints a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--vocabulary", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    logits = 3 * tf.random.stateless_normal([arguments.rows, arguments.vocabulary], [0, 0])
    uniforms = tf.random.stateless_uniform([arguments.rows], [0, 1])
    runs = {name: tf.function(way) for name, way in WAYS.items()}
    times = {name: [] for name in runs}
    for repeat in range(arguments.repeats + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run(logits, uniforms).numpy()
            if repeat:  # the first call traces
                times[name].append(1000 * (time.perf_counter() - start))
    medians = {name: round(statistics.median(found), 1) for name, found in times.items()}
    machine = {"machine": platform.machine(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    print(json.dumps({"rows": arguments.rows, "vocabulary": arguments.vocabulary, "milliseconds": medians, **machine}))


if __name__ == "__main__":
    main()

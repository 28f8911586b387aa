"""Ways to draw one word of a large vocabulary for each row, from logits and one uniform number a row: their times.

    python benchmarks/draws.py

All are exact. Prints a JSON line with the median milliseconds of each way, measured in turn in one process.
"""

import argparse
from pathlib import Path

import measuring
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
OURS = "two levels"


def main() -> None:
    """Reads the options, measures every way in turn, prints a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--vocabulary", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--out", type=Path, help="a file for the JSON line, too")
    arguments = parser.parse_args()
    surroundings = measuring.Surroundings()
    logits = 3 * tf.random.stateless_normal([arguments.rows, arguments.vocabulary], [0, 0])
    uniforms = tf.random.stateless_uniform([arguments.rows], [0, 1])
    ways = {name: tf.function(way) for name, way in WAYS.items()}
    runs = {name: lambda way=way: way(logits, uniforms).numpy() for name, way in ways.items()}
    seconds = measuring.in_turn(runs, arguments.repeats)
    times = {name: [1000 * value for value in found] for name, found in seconds.items()}
    medians = measuring.medians(times, 1)
    what = f"drawing {arguments.rows} of {arguments.vocabulary} words"
    measuring.report(
        {
            "rows drawn": arguments.rows,
            "vocabulary": arguments.vocabulary,
            "milliseconds": medians,
            "from and to": measuring.spreads(times, 1),
            "rows": [
                measuring.row(what, "ms", medians[OURS], f"TensorFlow, {name}", medians[name])
                for name in medians
                if name != OURS
            ],
            **surroundings.facts(),
        },
        arguments.out,
    )


if __name__ == "__main__":
    measuring.run(main)

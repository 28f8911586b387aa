"""Training on several devices or machines (`tf.distribute`): what each replica is given of a batch, and how its numbers
count in those of the whole.

A batch of texts is dealt out in parts, one a replica, in order; with each goes where it lies in the whole. So
gradients, figures and random numbers are those that one device would have had of the whole batch, however unevenly it
divides.
"""

import contextlib
import threading
from collections.abc import Callable
from typing import NamedTuple

import keras
import tensorflow as tf

from keras_textgen import batching


class Part(NamedTuple):
    """Where the rows of a replica lie in the batch: scalars `int32`.

    Attributes:
        first: the number of its first row.
        own: how many rows count. With 0 there is one row nevertheless, which stands in for none: nothing may be empty.
        whole: the number of rows of the whole batch.
    """

    first: tf.Tensor
    own: tf.Tensor
    whole: tf.Tensor


def deal(batches: tf.data.Dataset, strategy: tf.distribute.Strategy):
    """Batches of one device as those of all replicas of a strategy, every text on exactly one of them.

    Each worker goes over all batches, which must come in the same order on all of them, and takes its own rows.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1 or not isinstance(batches, tf.data.Dataset):
        return batches

    def of_worker(context):
        here = replicas // context.num_input_pipelines
        numbers = tf.data.Dataset.range(here).map(lambda place: context.input_pipeline_id * here + place)

        def parts(*batch):
            return numbers.map(lambda number: part_of_batch(batch, tf.cast(number, tf.int32), replicas))

        dealt = batches.flat_map(parts)
        known = batching.known_batches(batches)
        dealt = dealt if known is None else dealt.apply(tf.data.experimental.assert_cardinality(known * here))
        return batching.without_stalls(dealt.prefetch(2 * here))

    return strategy.distribute_datasets_from_function(of_worker)


def part_of_batch(batch, number, replicas: int):
    """The part of a replica: the rows of a batch that it takes, and behind them which these are, `int32 [3]`."""
    whole = tf.shape(batch[0])[0]
    first, end = whole * number // replicas, whole * (number + 1) // replicas
    rows = tf.range(first, tf.maximum(end, first + 1))
    texts, attributes = (tf.gather(values, rows) for values in batch)
    return texts, attributes, tf.stack([first, end - first, whole])


# A replica's step is traced in a thread of its own, which waits in the middle of it for those of the others.
here = threading.local()


@contextlib.contextmanager
def holding(data):
    """Within it, the functions below speak of this part of a batch, as `deal` gives it."""
    found = keras.utils.unpack_x_y_sample_weight(data)[2]
    here.part = None if found is None else Part(*tf.unstack(found, 3))
    try:
        yield
    finally:
        here.part = None


def part() -> Part | None:
    """Where the rows of this replica lie; None for one device alone, or data that was dealt out by others."""
    return getattr(here, "part", None)


def weight():
    """The share of the whole batch's mean that the mean of this replica's rows makes up: a scalar."""
    if part() is None:
        return 1.0 / tf.distribute.get_strategy().num_replicas_in_sync
    return tf.cast(part().own, tf.float32) / tf.cast(part().whole, tf.float32)


def counted(rows):
    """How many of these rows count, `float32`."""
    return tf.cast(rows if part() is None else part().own, tf.float32)


def counts(rows):
    """1 for each of so many rows of this replica if they count, 0 if they stand in for none; None where all do."""
    return None if part() is None else tf.repeat(tf.cast(part().own > 0, tf.float32), rows)


def first_row():
    """The number of this replica's first row in the whole batch; what is added to a seed makes replicas differ."""
    return 0 if part() is None else part().first


def draw(random: Callable, rows, axis: int = 0):
    """Random numbers for the rows of this replica: those that one device would have drawn for them.

    Args:
        random: gives the numbers of so many rows.
        rows: the number of rows here.
        axis: of the rows in what it gives.
    """
    if part() is None:
        return random(rows)
    numbers = random(tf.maximum(part().whole, part().first + rows))
    return tf.gather(numbers, part().first + tf.range(rows), axis=axis)


def batch_mean(values: tf.Tensor) -> tf.Tensor:
    """The mean over the whole batch of means over the rows of each replica; no gradient passes."""
    return total(tf.stop_gradient(values) * weight())


def total(values: tf.Tensor) -> tf.Tensor:
    """The sum over all replicas, in the middle of a step; no gradient passes."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.stop_gradient(values))


class Replicated:
    """What a `keras.Model` needs beside Keras so that its steps run on several replicas."""

    def _make_function(self, step_function):
        strategy = self.distribute_strategy
        workers = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)

        def step(data):
            with holding(data):
                results = step_function(data)
            # Keras takes the mean of workers over the first axis, which a scalar does not have.
            return {name: tf.reshape(value, [1]) for name, value in results.items()} if workers else results

        return super()._make_function(step)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Keras would build a model by the first batch, and that batch would be lost to training; ours are built."""

    def _get_metrics_result_or_logs(self, logs):
        """What Keras reports of an epoch. It takes the figures of the last step where a model reports some of its
        metrics, and those are of one replica."""
        if self.distribute_strategy.num_replicas_in_sync == 1:
            return super()._get_metrics_result_or_logs(logs)
        return {**logs, **{metric.name: metric.result() for metric in self.metrics if metric.name in logs}}

    @contextlib.contextmanager
    def strategy_scope(self):
        """Where weights are made: within the strategy, if any, that the model was made in."""
        with contextlib.ExitStack() as stack:
            if self._distribute_strategy is not None:
                stack.enter_context(self._distribute_strategy.scope())
            yield

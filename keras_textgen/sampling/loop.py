"""The decoding loop: one for every model and every strategy."""

from collections.abc import Callable

import tensorflow as tf


def decode(step: Callable, state, strategy) -> tf.Tensor:
    """Writes token after token until the strategy has its texts.

    Args:
        step: `(tokens int32 [n], state) -> (logits [n, vocabulary], state)`.
        state: what `step` needs at the start, a nest of tensors. Of each but the scalars the first dimension is the
            rows: a strategy drops rows that it needs no longer, and takes others several times. Dimensions between the
            first and the last may grow from step to step, as what is kept of the places so far.
        strategy: a `TokenByToken` or a `BeamSearch`.

    Returns:
        ids `int32 [texts, longest]`, without the start token, with the end token, padded with 0.
    """
    state, search = tf.nest.map_structure(tf.convert_to_tensor, (state, strategy.begin()))
    of_any_size = lambda tensor: tf.TensorShape([None] * tensor.shape.rank)  # noqa: E731
    position, _, search = tf.while_loop(
        lambda position, state, search: strategy.goes_on(position, search),
        lambda *before: write(step, strategy, *before),
        (tf.constant(0), state, search),
        shape_invariants=(
            tf.TensorShape([]),
            tf.nest.map_structure(of_any_rows, state),
            tf.nest.map_structure(of_any_size, search),
        ),
    )
    return strategy.result(position, search)


def write(step: Callable, strategy, position, state, search):
    """One turn of the loop: the token at a position for every row."""
    logits, state = step(search.tokens, state)
    search, parents, moved = strategy.advance(position, tf.cast(logits, tf.float32), search)
    return position + 1, take(state, parents, moved), search


def take(nest, rows, moved=True):
    """The given `rows` of every tensor that has any; where they have not `moved`, they are all rows in their order."""

    tensors = tf.nest.flatten(nest)
    places = [place for place, tensor in enumerate(tensors) if tensor.shape.rank]
    kept = [tensors[place] for place in places]
    if kept:  # one condition for all: each would be two functions more in the graph
        gathered = lambda: [tf.gather(tensor, rows) for tensor in kept]  # noqa: E731
        taken = tf.cond(tf.convert_to_tensor(moved), gathered, lambda: [tf.identity(tensor) for tensor in kept])
        for place, tensor in zip(places, tf.nest.flatten(taken), strict=True):
            tensors[place] = tf.ensure_shape(tensor, of_any_rows(tensors[place]))
    return tf.nest.pack_sequence_as(nest, tensors)


def of_any_rows(tensor) -> tf.TensorShape:
    """The shape of a part of the state for any number of rows and of places."""
    rank = tensor.shape.rank
    return tf.TensorShape([*[None] * max(rank - 1, 1), *tensor.shape[1:][-1:]]) if rank else tensor.shape

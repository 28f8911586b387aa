"""Monte-Carlo rollouts (Yu et al. 2017, section 3.1): every beginning of a text, finished several times by a policy."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.chunking import by_chunks
from keras_textgen.sampling.draws import draw
from keras_textgen.sampling.loop import of_any_rows, take
from keras_textgen.text import END, PADDING, START

ROWS_AT_ONCE = 512  # that take a step together, so that their logits stay in the processor's cache


class Rollouts(NamedTuple):
    """Finished texts.

    Attributes:
        ids: `int32 [m, length]`, padded with 0.
        texts: the number of the text that each begins as, `int32 [m]`.
        places: the last place of its beginning, `int32 [m]`.
    """

    ids: tf.Tensor
    texts: tf.Tensor
    places: tf.Tensor

    def mean(self, values: tf.Tensor, num) -> tf.Tensor:
        """The mean over the rollouts of a beginning of `values` `float32 [m]`, as `[num, length]` for `num` texts; 0
        where no rollout begins."""
        length = tf.shape(self.ids)[1]
        means = tf.math.unsorted_segment_mean(values, self.texts * length + self.places, num * length)
        return tf.reshape(means, [num, length])


def rollouts(step: Callable, state, ids, num: int, seed, barred=None) -> Rollouts:
    """Finishes each beginning of each text `num` times, by draws from a policy.

    A beginning is its tokens up to some place: every place but the end token and the last. All continuations grow
    together, in one pass over the places: at each, one step is taken for the texts themselves and for every
    continuation that has begun and not ended, so that a beginning is read once and not once a rollout.

    Args:
        step: `(tokens int32 [n], state) -> (logits [n, vocabulary], state)`.
        state: what `step` needs at the start, a nest of tensors; of each but the scalars the first dimension is the
            texts.
        ids: the texts, `int32 [texts, length]`, padded with 0.
        num: rollouts of each beginning.
        seed: `int32 [2]`.
        barred: what is added to the logits, `float32 [vocabulary]`: -inf for tokens that are never drawn.

    Returns:
        All of them; texts that end early have fewer.
    """
    texts, length = tf.shape(ids)[0], tf.shape(ids)[1]
    all_texts = tf.range(texts)
    open_ended = tf.not_equal(ids, END) & tf.not_equal(ids, PADDING)
    written = tf.zeros([length * num * texts, length], tf.int32)  # by (place, rollout, text)

    def advance(place, tokens, rows, written, state):
        seeds = seed + tf.stack([tf.constant(0, tf.int32), place])
        drawn, state = draw_next(step, tokens, state, tf.random.stateless_uniform([tf.size(tokens)], seeds), barred)
        drawn = drawn[texts:]
        at = tf.stack([rows, tf.fill(tf.shape(rows), place)], axis=1)
        written = tf.tensor_scatter_nd_update(written, at, drawn)
        live = tf.where(tf.not_equal(drawn, END))[:, 0]
        begun = tf.boolean_mask(all_texts, open_ended[:, place])
        number = (place * num + tf.range(num))[:, None] * texts + begun
        begun = tf.tile(begun, [num])
        tokens = tf.concat([ids[:, place], tf.gather(drawn, live), tf.gather(ids[:, place], begun)], axis=0)
        rows = tf.concat([tf.gather(rows, live), tf.reshape(number, [-1])], axis=0)
        kept = tf.concat([all_texts, texts + tf.cast(live, tf.int32), begun], axis=0)
        return place + 1, tokens, rows, written, take(state, kept)

    state = tf.nest.map_structure(tf.convert_to_tensor, state)
    none = tf.zeros([0], tf.int32)
    *_, written, _ = tf.while_loop(
        lambda place, *_: place < length,
        advance,
        (tf.constant(0), tf.fill([texts], START), none, written, state),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None]),
            tf.TensorShape([None]),
            tf.TensorShape([None, None]),
            tf.nest.map_structure(of_any_rows, state),
        ),
    )
    begins = open_ended & (tf.range(length) < length - 1)
    begun = tf.reshape(tf.repeat(tf.transpose(begins)[:, None], num, axis=1), [-1])
    number = tf.boolean_mask(tf.range(length * num * texts), begun)
    text, place = number % texts, number // (num * texts)
    beginning = tf.range(length) <= place[:, None]
    finished = tf.where(beginning, tf.gather(ids, text), tf.gather(written, number))
    return Rollouts(finished, text, place)


def draw_next(step, tokens, state, uniforms, barred=None):
    """A token after each of `tokens` `[n]`, and the next state; the logits of all rows are never held at once."""

    def advance(tokens, state, uniforms):
        logits, state = step(tokens, state)
        logits = tf.cast(logits, tf.float32)
        return draw(logits if barred is None else logits + barred, uniforms), state

    return by_chunks(advance, ROWS_AT_ONCE, tokens, state, uniforms)


def barring(tokens, vocabulary: int, lowest: float = -np.inf) -> np.ndarray:
    """What bars tokens when it is added to logits: `float32 [vocabulary]`, `lowest` for each of them."""
    found = np.zeros(vocabulary, np.float32)
    found[list(tokens)] = lowest
    return found

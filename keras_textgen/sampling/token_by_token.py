"""The strategy that chooses one token after another, and the limits that every strategy keeps."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.sampling.loop import take
from keras_textgen.text import END, PADDING, START, UNKNOWN


class Limits(NamedTuple):
    """What may be written.

    Attributes:
        longest: the largest number of tokens, the end token and those of the prompt included; a longer text is cut.
        shortest: the smallest number of them.
        banned: tokens that are never chosen, `int32 [k]`.
        repetition_penalty: over 1, the logit of every token that stands in the text is divided by it, or multiplied
            where it is negative (Keskar et al. 2019, section 4.1).
        prompts: what the texts begin with, `int32 [n, prompt]`, padded with 0.
    """

    longest: tf.Tensor
    shortest: tf.Tensor
    banned: tf.Tensor
    repetition_penalty: tf.Tensor
    prompts: tf.Tensor

    @classmethod
    def of(cls, num, longest, *, shortest=1, banned=(), repetition_penalty=1.0, prompts=None) -> "Limits":
        """Limits for `num` texts; what is left out limits nothing."""
        prompts = tf.zeros([num, 0], tf.int32) if prompts is None else tf.convert_to_tensor(prompts)
        banned = tf.constant(banned, tf.int32) if isinstance(banned, tuple) else banned
        penalty = tf.cast(repetition_penalty, tf.float32)
        return cls(tf.convert_to_tensor(longest), tf.convert_to_tensor(shortest), banned, penalty, prompts)

    @property
    def num(self):
        """The number of texts."""
        return tf.shape(self.prompts)[0]

    def penalize(self, logits, history):
        """Lowers the logits `[n, vocabulary]` of the tokens in each row's `history` `[n, length]`, padded with 0."""

        def lower():
            rows = tf.repeat(tf.range(tf.shape(history)[0])[:, None], tf.shape(history)[1], axis=1)
            values = tf.gather(logits, history, batch_dims=1)
            penalty = self.repetition_penalty
            values = tf.where(values > 0, values / penalty, values * penalty)
            # Padding stands in the history too; it is never chosen.
            return tf.tensor_scatter_nd_update(logits, tf.stack([rows, history], axis=-1), values)

        return tf.cond(self.repetition_penalty > 1, lower, lambda: logits)

    def barred(self, position):
        """Tokens that may not stand at a position, `int32 [k]`: a text is made of words, so padding, start and unknown
        never."""
        early = tf.where(position + 1 < self.shortest, [END], [PADDING])
        return tf.concat([[PADDING, START, UNKNOWN], early, self.banned], axis=0)

    def mask(self, logits, position):
        """-inf for what may not stand at a position."""
        barred = self.barred(position)
        barred = tf.scatter_nd(barred[:, None], tf.ones_like(barred), [tf.shape(logits)[-1]]) > 0
        return tf.where(barred, -np.inf, logits)

    def prompted(self, position, rows):
        """The prompts' tokens at a position for some `rows`, `int32 [n]`; 0 behind the end of a prompt."""
        inside = position < tf.shape(self.prompts)[1]
        at = lambda: tf.gather(self.prompts[:, position], rows)  # noqa: E731
        return tf.cond(inside, at, lambda: tf.zeros_like(rows))


class Written(NamedTuple):
    """How far the texts are.

    Attributes:
        tokens: the last token of each live row, `int32 [live]`.
        rows: their numbers among all, `int32 [live]`.
        ended: whether they have ended, `bool [live]`.
        ids: what was written of every text, `int32 [n, longest]`.
    """

    tokens: tf.Tensor
    rows: tf.Tensor
    ended: tf.Tensor
    ids: tf.Tensor


class TokenByToken:
    """Chooses every token by a rule. Rows that have ended are dropped when they are a quarter of those that are left.

    Args:
        choose: `(logits float32 [n, vocabulary], uniforms [n], rows int32 [n]) -> int32 [n]`, rows being the numbers of
            the texts; see `rule` and `greedy`.
        limits: what may be written.
        uniforms: `float32 [n, longest]`, the randomness of every position; left out for a rule that needs none.
    """

    def __init__(self, choose: Callable, limits: Limits, uniforms: tf.Tensor | None = None):
        self.choose = choose
        self.limits = limits
        self.uniforms = tf.zeros([limits.num, limits.longest]) if uniforms is None else uniforms

    def begin(self) -> Written:
        num = self.limits.num
        ids = tf.zeros([num, self.limits.longest], tf.int32)
        return Written(tf.fill([num], START), tf.range(num), tf.zeros([num], tf.bool), ids)

    def goes_on(self, position, written):
        return (position < self.limits.longest) & ((position == 0) | ~tf.reduce_all(written.ended))

    def advance(self, position, logits, written):
        rows = written.rows
        logits = self.limits.penalize(logits, tf.gather(written.ids, rows)[:, :position])
        logits = self.limits.mask(logits, position)
        tokens = self.choose(logits, tf.gather(self.uniforms[:, position], rows), rows)
        prompted = self.limits.prompted(position, rows)
        tokens = tf.where(prompted != PADDING, prompted, tokens)
        tokens = tf.where(written.ended, PADDING, tokens)
        places = tf.stack([rows, tf.fill(tf.shape(rows), position)], axis=1)
        ids = tf.tensor_scatter_nd_update(written.ids, places, tokens)
        ended = written.ended | tf.equal(tokens, END)
        live = tf.where(~ended)[:, 0]
        moved = 4 * tf.size(live) <= 3 * tf.size(rows)
        tokens, rows, ended = take((tokens, rows, ended), live, moved)
        return Written(tokens, rows, ended, ids), live, moved

    def result(self, position, written):
        return written.ids[:, :position]

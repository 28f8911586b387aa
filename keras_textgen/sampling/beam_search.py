"""Beam search: the likeliest texts as a whole, as far as a beam can see."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_textgen.sampling.draws import top_k
from keras_textgen.sampling.token_by_token import Limits
from keras_textgen.text import END, PADDING, START


class Beams(NamedTuple):
    """How far the search is.

    Attributes:
        tokens: the last token of each live hypothesis, `int32 [live * beams]`.
        rows: the numbers of the texts that are still searched, `int32 [live]`.
        scores: log-probabilities of the hypotheses so far, `float32 [live, beams]`.
        ids: what they are, `int32 [live * beams, longest]`.
        best: normalised scores of the best finished hypotheses, best first, `float32 [n, beams]`; -inf for none.
        texts: what they are, `int32 [n, beams, longest]`.
    """

    tokens: tf.Tensor
    rows: tf.Tensor
    scores: tf.Tensor
    ids: tf.Tensor
    best: tf.Tensor
    texts: tf.Tensor


class BeamSearch:
    """Keeps the `beams` likeliest beginnings of each text, and of what ends among them the best.

    A finished hypothesis is worth its log-probability divided by `length ** length_penalty` (its tokens with the end
    token, without the prompt), as in most implementations; Wu et al. 2016, equation 14, is a variant. As in `score`,
    the probability of what may not be written is not given to the rest. The search of a text ends when it has as many
    finished hypotheses as beams and its best beginning is worth less than each of them, or at the longest length, where
    what is not finished counts as if it were.

    Args:
        limits: what may be written.
        beams: beginnings to keep, `int32 []`.
        length_penalty: 0 prefers short texts, 1 compares by the mean log-probability of a token.
        num_best: texts to return of each search, at most `beams`.
    """

    def __init__(self, limits: Limits, beams, length_penalty=1.0, num_best=1):
        self.limits = limits
        self.beams = tf.convert_to_tensor(beams)
        self.length_penalty = tf.cast(length_penalty, tf.float32)
        self.num_best = tf.convert_to_tensor(num_best)
        self.prompt_lengths = tf.reduce_sum(tf.cast(limits.prompts != PADDING, tf.int32), axis=1)

    def begin(self) -> Beams:
        num, longest = self.limits.num, self.limits.longest
        best, texts = tf.fill([num, self.beams], -np.inf), tf.zeros([num, self.beams, longest], tf.int32)
        ids = tf.zeros([num, longest], tf.int32)
        # Each text has one beginning, so that the first step finds different ones.
        return Beams(tf.fill([num], START), tf.range(num), tf.zeros([num, 1]), ids, best, texts)

    def goes_on(self, position, search):
        return (position < self.limits.longest) & (tf.size(search.rows) > 0)

    def advance(self, position, logits, search):
        # Twice as many as beams: however many of them end, as many beginnings are left.
        values, words = self.candidates(position, logits, search, 2 * self.beams)
        width, few = tf.shape(search.scores)[1], tf.shape(values)[1]
        totals = tf.reshape(tf.reshape(search.scores, [-1, 1]) + values, [-1, width * few])
        scores, places = tf.math.top_k(totals, tf.minimum(2 * self.beams, width * few))
        parents = places // few + width * tf.range(tf.size(search.rows))[:, None]
        tokens = tf.gather(tf.reshape(words, [-1, width * few]), places, batch_dims=1)
        ends, count = tf.equal(tokens, END), tf.shape(scores)[1]
        finished = (ends | (position + 1 >= self.limits.longest)) & (tf.range(count) < self.beams)
        best, texts = self.finish(position, search, finished, scores, parents, tokens)
        kept = tf.math.top_k(tf.where(ends, -np.inf, scores), tf.minimum(self.beams, count))
        worth = kept.values[:, 0] / self.norm(position, search.rows)
        live = tf.where(tf.gather(best[:, -1], search.rows) < worth)[:, 0]
        scores, chosen = tf.gather(kept.values, live), tf.gather(kept.indices, live)
        parents, tokens = (
            tf.reshape(tf.gather(tf.gather(of, live), chosen, batch_dims=1), [-1]) for of in (parents, tokens)
        )
        ids = with_token(tf.gather(search.ids, parents), position, tokens)
        return Beams(tokens, tf.gather(search.rows, live), scores, ids, best, texts), parents, True

    def candidates(self, position, logits, search, num):
        """The likeliest tokens that may stand at a position, with their log-probabilities, each `[live * beams, num or
        more]`; under a prompt, its token with 0 and others with -inf."""
        logits = self.limits.penalize(logits, search.ids[:, :position])
        barred = self.limits.barred(position)
        # Among so many there are `num` that are not barred.
        values, tokens = top_k(logits, num + tf.size(barred))
        # By the probability of the likeliest: a softmax is the fastest way to sum up a large vocabulary.
        likeliest = tf.gather(tf.nn.softmax(logits), tokens[:, :1], batch_dims=1)
        values += tf.math.log(likeliest) - values[:, :1]
        values = tf.where(tf.reduce_any(tf.equal(tokens[..., None], barred), axis=-1), -np.inf, values)
        prompted = tf.repeat(self.limits.prompted(position, search.rows), tf.shape(search.scores)[1])[:, None]
        first = tf.where(tf.range(tf.shape(values)[1]) == 0, 0.0, -np.inf)
        inside = prompted != PADDING
        return tf.where(inside, first, values), tf.where(inside, prompted, tokens)

    def norm(self, position, rows):
        """What a score is divided by when the token at a position is the last, `[live]`."""
        lengths = position + 1 - tf.gather(self.prompt_lengths, rows)
        return tf.cast(tf.maximum(lengths, 1), tf.float32) ** self.length_penalty

    def finish(self, position, search, finished, scores, parents, tokens):
        """The best finished hypotheses and their scores, with those that end at a position."""
        worth = tf.where(finished, scores / self.norm(position, search.rows)[:, None], -np.inf)
        new = with_token(tf.gather(search.ids, tf.reshape(parents, [-1])), position, tf.reshape(tokens, [-1]))
        new = tf.reshape(new, tf.concat([tf.shape(worth), tf.shape(new)[1:]], axis=0))
        worth = tf.concat([tf.gather(search.best, search.rows), worth], axis=1)
        texts = tf.concat([tf.gather(search.texts, search.rows), new], axis=1)
        best = tf.math.top_k(worth, self.beams)
        texts = tf.gather(texts, best.indices, batch_dims=1)
        rows = search.rows[:, None]
        return (
            tf.ensure_shape(tf.tensor_scatter_nd_update(search.best, rows, best.values), [None, None]),
            tf.ensure_shape(tf.tensor_scatter_nd_update(search.texts, rows, texts), [None, None, None]),
        )

    def result(self, position, search):
        """The best texts of the first search, then those of the second, …: `int32 [n * num_best, longest]`."""
        return tf.reshape(search.texts[:, : self.num_best, :position], [self.limits.num * self.num_best, position])


def with_token(ids, position, tokens):
    """Rows of ids with a token of each at a position."""
    here = tf.range(tf.shape(ids)[1]) == position
    return tf.where(here, tokens[:, None], ids)

"""A distribution over texts that is known exactly, to prove by it what is written token by token."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.text import END, PADDING, START, UNKNOWN

WORDS = (4, 5, 6)


class Chain:
    """Random distributions over texts of three words (4, 5, 6), in which a token depends on all that stand before it.

    There are several, by their `kind`; each row of a batch follows its own. Padding, start and unknown are offered as
    well, at logits that are higher by `loud`.
    """

    def __init__(self, seed, longest, kinds=1, loud=9.0):
        self.longest = longest
        self.table = np.random.default_rng(seed).normal(0, 0.7, [kinds, 4**longest, 7]).astype(np.float32)
        self.table[..., [PADDING, START, UNKNOWN]] += loud

    def logits(self, past, kind=0):
        """Logits `float64 [7]` behind a tuple of words."""
        code = 0
        for word in past:
            code = 4 * code + word - UNKNOWN
        return self.table[kind, code].astype(np.float64)

    def start(self, kinds):
        """The state before the first token of rows that follow the distributions of those kinds."""
        return tf.constant(kinds, tf.int32), tf.zeros(len(kinds), tf.int32), tf.constant(0)

    def step(self, tokens, state):
        """What `sampling.decode` calls; the state is each row's kind and past, and the number of steps."""
        kinds, codes, steps = state
        codes = tf.where(tokens == START, 0, 4 * codes + tokens - UNKNOWN)
        codes = tf.clip_by_value(codes, 0, self.table.shape[1] - 1)  # a text that has ended has no past
        return tf.gather_nd(self.table, tf.stack([kinds, codes], axis=1)), (kinds, codes, steps + 1)

    def texts(self, longest):
        """All that can be written: words and an end, or `longest` words."""
        for length in range(longest):
            yield from ((*words, END) for words in itertools.product(WORDS, repeat=length))
        yield from itertools.product(WORDS, repeat=longest)


@pytest.fixture(scope="session")
def chain_of():
    return Chain

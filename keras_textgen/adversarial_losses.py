"""What generator and discriminator play for, from the logits of real and of written texts (pair by pair)."""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf


class AdversarialLoss(NamedTuple):
    """A game.

    Attributes:
        discriminator: (real, fake), each `float32 [n]`, to what the discriminator minimises, `[n]`.
        generator: the same to what the generator minimises.
        compares: whether a logit means something beside another one alone; otherwise over 0 is real.
    """

    discriminator: Callable
    generator: Callable
    compares: bool

    def accuracy(self, real, fake):
        """How often the discriminator is right: `[n]`."""
        if self.compares:
            return tf.cast(real > fake, tf.float32)
        return (tf.cast(real > 0, tf.float32) + tf.cast(fake <= 0, tf.float32)) / 2


LOSSES = {
    # Goodfellow et al. 2014: cross-entropy; the generator maximises log D instead of minimising log(1 - D).
    "non_saturating": AdversarialLoss(
        lambda real, fake: tf.nn.softplus(-real) + tf.nn.softplus(fake),
        lambda real, fake: tf.nn.softplus(-fake),
        compares=False,
    ),
    # Arjovsky et al. 2017, equation 2: the difference of a critic, whose gradient is held near 1 by a penalty.
    "wasserstein": AdversarialLoss(
        lambda real, fake: fake - real,
        lambda real, fake: -fake,
        compares=True,
    ),
    # Jolicoeur-Martineau 2018, equations 4 and 5: that a real text is more real than a written one.
    "relativistic": AdversarialLoss(
        lambda real, fake: tf.nn.softplus(fake - real),
        lambda real, fake: tf.nn.softplus(real - fake),
        compares=True,
    ),
}


def gradient_penalty(critic: Callable, real, fake, share, table) -> tf.Tensor:
    """`(|grad D(x)| - 1)^2` at points x between real and written texts, `[n]` (Gulrajani et al. 2017, equation 3).

    The points lie between one-hot (or relaxed) texts, and the gradient is the one by these. The critic sees the texts
    through a linear map, their word vectors, so both are taken there: with `g` the gradient by a vector, the gradient
    by a one-hot word is `E g`, whose squared length is `g' (E' E) g`.

    Args:
        critic: word vectors `[n, length, width]` to logits `[n]`.
        real, fake: word vectors of texts, `[n, length, width]`.
        share: where between them, `[n]` in [0, 1].
        table: all word vectors `E`, `[vocabulary, width]`.
    """
    share = share[:, None, None]
    real, fake, table = (tf.cast(tensor, tf.float32) for tensor in (real, fake, table))
    between = share * real + (1 - share) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        logits = critic(between)
    slope = tape.gradient(logits, between)
    squared = tf.reduce_sum(slope * tf.matmul(slope, tf.matmul(table, table, transpose_a=True)), axis=[1, 2])
    return (tf.sqrt(squared + 1e-12) - 1) ** 2

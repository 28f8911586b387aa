"""The phases of an adversarial training, and words for it when it fails."""

import warnings

import keras
import numpy as np

from keras_textgen.errors import CollapseWarning
from keras_textgen.metrics import distinct

GENERATOR, DISCRIMINATOR, ADVERSARIAL = "generator", "discriminator", "adversarial"
SAMPLES = 256  # texts that are written after an epoch to see a collapse
WRITES_LITTLE = 0.5  # below this share of the different texts among as many real ones, the generator has collapsed
TELLS_ALL = 0.995  # above this accuracy, what the discriminator says teaches nothing


class TrainingPhases(keras.callbacks.Callback):
    """Takes an adversarial model from phase to phase, and says so in words when the game has failed.

    Args:
        batches: the real texts.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches
        self.real_texts = None

    def on_epoch_begin(self, epoch, logs=None):
        self.model.begin_phase(self.model.phase_of(int(np.asarray(self.model.epochs_done))))

    def on_epoch_end(self, epoch, logs=None):
        model = self.model
        model.epochs_done.assign_add(1)
        if model.phase != ADVERSARIAL or logs is None:
            return
        if self.real_texts is None:
            self.real_texts = self.first_texts()
        num, real = len(self.real_texts), distinct(self.real_texts).value
        logs["distinct"] = model.distinct_share(num)
        if logs["distinct"] < WRITES_LITTLE * real:
            warnings.warn(
                f"the generator has collapsed: {logs['distinct']:.0%} of {num} texts that it writes differ, and "
                f"{real:.0%} of as many real ones; train longer before the game, or with a lower learning rate or an "
                "entropy bonus",
                CollapseWarning,
                stacklevel=2,
            )
        if logs.get("discriminator_accuracy", 0) > TELLS_ALL:
            warnings.warn(
                f"the discriminator tells {logs['discriminator_accuracy']:.1%} of the texts apart, so what it says "
                "teaches the generator little; give it fewer steps, a lower learning rate or more dropout",
                CollapseWarning,
                stacklevel=2,
            )

    def first_texts(self) -> list[tuple[int, ...]]:
        """The first real texts, as ids."""
        rows = []
        for data in self.batches:
            ids, *_ = keras.utils.unpack_x_y_sample_weight(data)
            rows += [tuple(np.trim_zeros(row)) for row in np.asarray(ids)]
            if len(rows) >= SAMPLES:
                break
        return rows[:SAMPLES]

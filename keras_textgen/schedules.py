"""How the weight of the KL term grows with the training step.

A schedule is called with the step (an integer tensor) and gives the weight (a float32 scalar). `settled(step)` says
whether the weight has reached its end: before that, validation losses of different epochs cannot be compared.
"""

import math

import keras
import tensorflow as tf

from keras_textgen.checks import number
from keras_textgen.errors import InputError, unknown


class Schedule:
    """Base of the schedules; `final` is the weight that they end at."""

    def __init__(self, final: float = 1.0):
        if not (isinstance(final, (int, float)) and math.isfinite(final) and final >= 0):
            raise InputError(f"the final KL weight must be a number of at least 0, not {final!r}")
        self.final = float(final)

    def __call__(self, step) -> tf.Tensor:
        raise NotImplementedError

    def plan(self, total_steps: int) -> None:
        """Tells a schedule that takes a share of the training how many steps that has; the first time counts."""

    def settled(self, step: int) -> bool:
        """Whether the weight stands at its end at this step."""
        return bool(abs(float(self(tf.constant(step))) - self.final) < 1e-3 * max(self.final, 1e-9))

    def get_config(self) -> dict:
        return {"final": self.final}

    @classmethod
    def from_config(cls, config: dict) -> "Schedule":
        return cls(**config)


@keras.saving.register_keras_serializable("keras_textgen")
class Constant(Schedule):
    """The same weight at every step."""

    def __call__(self, step):
        return tf.constant(self.final, tf.float32)


class Growing(Schedule):
    """A schedule that takes `steps` training steps, or a `share` of all the steps of the first `fit`."""

    def __init__(self, steps: int | None = None, final: float = 1.0, *, share: float | None = None):
        super().__init__(final)
        if (steps is None) == (share is None):
            raise InputError("a KL schedule takes either a number of steps or a share of the training")
        if steps is not None and not (isinstance(steps, int) and steps > 0):
            raise InputError(f"a KL schedule needs a whole number of steps over 0, not {steps!r}")
        if share is not None and not 0 < share <= 1:
            raise InputError(f"a KL schedule's share of the training lies in (0, 1], not {share!r}")
        self.steps = steps
        self.share = share

    def plan(self, total_steps):
        if self.steps is None:
            self.steps = max(1, round(self.share * total_steps))
            self.share = None

    def get_config(self):
        return {**super().get_config(), "steps": self.steps, "share": self.share}


@keras.saving.register_keras_serializable("keras_textgen")
class Linear(Growing):
    """Grows evenly from `start` to `final` over `steps` steps (Bowman et al. 2016; He et al. 2019 start at 0.1)."""

    def __init__(self, steps: int | None = None, final: float = 1.0, start: float = 0.0, *, share: float | None = None):
        super().__init__(steps, final, share=share)
        self.start = float(number(0, start=start))

    def __call__(self, step):
        share = tf.minimum(tf.cast(step, tf.float32) / (self.steps or 1), 1.0)
        return self.start + (self.final - self.start) * share

    def get_config(self):
        return {**super().get_config(), "start": self.start}


@keras.saving.register_keras_serializable("keras_textgen")
class Logistic(Growing):
    """The S-curve of Bowman et al. 2016: half of `final` after half of `steps`, 99.9% of it at the end."""

    def __call__(self, step):
        steps = self.steps or 1
        return self.final * tf.sigmoid(2 * math.log(999) / steps * (tf.cast(step, tf.float32) - steps / 2))


@keras.saving.register_keras_serializable("keras_textgen")
class Cyclical(Growing):
    """Fu et al. 2019: in every cycle of `steps` steps, grows from 0 over the first half and stays for the second."""

    def __init__(
        self, steps: int | None = None, final: float = 1.0, growing_share: float = 0.5, *, share: float | None = None
    ):
        super().__init__(steps, final, share=share)
        if not 0 < growing_share <= 1:
            raise InputError(f"growing_share must lie in (0, 1], not {growing_share!r}")
        self.growing_share = float(growing_share)

    def __call__(self, step):
        steps = self.steps or 1
        place = tf.cast(tf.math.floormod(tf.cast(step, tf.int64), steps), tf.float32) / steps
        return self.final * tf.minimum(place / self.growing_share, 1.0)

    def get_config(self):
        return {**super().get_config(), "growing_share": self.growing_share}


SCHEDULES = {"constant": Constant, "linear": Linear, "logistic": Logistic, "cyclical": Cyclical}


def get_schedule(schedule) -> Schedule:
    """A schedule from a number (a constant weight), a text, its Keras configuration, or another one (a copy of it).

    The text form is for the command line: "linear:2000", "logistic:5000", "cyclical:8000" (steps), "linear:25%" (of the
    steps of the first `fit`), "constant:0.5".

    Raises:
        InputError: if it is none of these, or a number in it is out of range.
    """
    if isinstance(schedule, dict):
        schedule = keras.saving.deserialize_keras_object(schedule)
    if isinstance(schedule, Schedule):
        return type(schedule).from_config(schedule.get_config())  # a model plans its own copy
    if isinstance(schedule, (int, float)) and not isinstance(schedule, bool):
        return Constant(schedule)
    if not isinstance(schedule, str):
        raise InputError(f"a KL weight is a number, a schedule or a text like 'linear:2000', not {schedule!r}")
    name, _, argument = schedule.partition(":")
    if name not in SCHEDULES:
        raise unknown("KL schedule", name, SCHEDULES)
    try:
        if name == "constant":
            return Constant(float(argument))
        if argument.endswith("%"):
            return SCHEDULES[name](share=float(argument[:-1]) / 100)
        return SCHEDULES[name](int(argument))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"KL schedule {schedule!r} needs a number after the colon, as in '{name}:2000' or '{name}:25%'"
        ) from None

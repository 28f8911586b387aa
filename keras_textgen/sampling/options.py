"""What a text is asked to be, as the user gives it and as an exported model takes it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import tensorflow as tf

from keras_textgen.checks import number, whole
from keras_textgen.errors import InputError, unknown
from keras_textgen.graph_checks import in_range, require

STRATEGIES = ("sample", "greedy", "beam")


MOST = 10_000  # texts that a call inside a graph may write, times beams
BOUNDS = {
    "temperature": {"lowest": 0, "highest": 1000},
    "top_k": {"lowest": 0, "highest": 2**31 - 1},
    "top_p": {"above": 0, "highest": 1},
    "typical_p": {"above": 0, "highest": 1},
    "num_beams": {"lowest": 1, "highest": 1000},
    "num_best": {"lowest": 1},
    "length_penalty": {"lowest": -10, "highest": 10},
    "repetition_penalty": {"lowest": 1, "highest": 1000},
}


def bounds(longest: int) -> dict[str, dict]:
    """Those of every number among the options, for a model whose texts have at most `longest` tokens."""
    return {**BOUNDS, "min_length": {"lowest": 1, "highest": longest}, "max_length": {"lowest": 0, "highest": longest}}


class Options(NamedTuple):
    """How texts are written. Each is a tensor inside the graph; the values here are the defaults.

    Attributes:
        temperature: divides the logits; under 1 is safer, over 1 is wilder, 0 takes the likeliest word (greedy).
        top_k: keeps this many of the likeliest words; 0 keeps all (Fan et al. 2018).
        top_p: keeps the fewest likeliest words that hold this much of the probability (Holtzman et al. 2020).
        typical_p: keeps the fewest words that hold this much of it, whose information is nearest to the entropy
            (Meister et al. 2023).
        num_beams: over 1, beam search with so many beams instead of all of these.
        num_best: texts to return of each beam search, best first.
        length_penalty: of beam search: scores are divided by this power of the length.
        repetition_penalty: over 1, makes words less likely that stand in the text (Keskar et al. 2019).
        min_length: the fewest tokens of a text, the end token included.
        max_length: the most tokens; 0 is the model's `sequence_length`, which no text exceeds.
        banned: words that are never written.
        prompt: what a text begins with: one for all, or one a text.
    """

    temperature: tf.Tensor | float = 1.0
    top_k: tf.Tensor | int = 0
    top_p: tf.Tensor | float = 1.0
    typical_p: tf.Tensor | float = 1.0
    num_beams: tf.Tensor | int = 1
    num_best: tf.Tensor | int = 1
    length_penalty: tf.Tensor | float = 1.0
    repetition_penalty: tf.Tensor | float = 1.0
    min_length: tf.Tensor | int = 1
    max_length: tf.Tensor | int = 0
    banned: tf.Tensor | Sequence[str] = ()
    prompt: tf.Tensor | Sequence[str] = ("",)

    @classmethod
    def tensors(cls, **given) -> "Options":
        """Values as tensors, the defaults where none is given."""
        kinds = {float: tf.float32, int: tf.int32, tuple: tf.string}
        values = {**cls._field_defaults, **given}
        return cls(**{name: tf.constant(values[name], kinds[type(cls._field_defaults[name])]) for name in cls._fields})

    def check(self, strategy: str, longest: int) -> "Options":
        """Refuses what is out of range, and takes the strategy by its name into account.

        Args:
            longest: the model's `sequence_length`.

        Raises:
            InputError: in one line, if a value cannot be used or two contradict each other.
        """
        if strategy not in STRATEGIES:
            raise unknown("strategy", strategy, STRATEGIES)
        checks = {float: number, int: whole}
        numbers = {
            name: checks[type(self._field_defaults[name])](**allowed, **{name: getattr(self, name)})
            for name, allowed in bounds(longest).items()
        }
        texts = {name: strings_of(name, getattr(self, name)) for name in ("banned", "prompt")}
        checked = self._replace(**numbers, **texts)
        checked = checked._replace(max_length=checked.max_length or longest)
        if checked.min_length > checked.max_length:
            raise InputError(f"min_length ({self.min_length}) is over max_length ({self.max_length})")
        if strategy == "beam" and checked.num_beams == 1:
            checked = checked._replace(num_beams=max(5, checked.num_best))
        if strategy != "beam" and checked.num_beams > 1:
            raise InputError(f"num_beams is for the strategy 'beam', not {strategy!r}")
        if checked.num_best > checked.num_beams:
            raise InputError(f"num_best ({self.num_best}) is over num_beams ({checked.num_beams})")
        return checked._replace(temperature=0.0) if strategy == "greedy" else checked

    def checks(self, num, longest: int) -> list[tf.Operation]:
        """The same inside a graph, for `num` texts: operations that fail it (see `keras_textgen.graph_checks`)."""
        found = in_range("num", num, lowest=0)
        for name, allowed in bounds(longest).items():
            found += in_range(name, getattr(self, name), **allowed)
        fits = (self.max_length == 0) | (self.min_length <= self.max_length)
        prompts = tf.size(self.prompt)
        rows = tf.cast(num, tf.int64) * tf.cast(self.num_beams, tf.int64)
        return [
            *found,
            require(fits, "min_length is over max_length:", self.min_length, self.max_length),
            require(self.num_best <= self.num_beams, "num_best is over num_beams:", self.num_best, self.num_beams),
            require((prompts == 1) | (prompts == num), "prompts and texts must be as many, not", prompts, num),
            require(rows <= MOST, f"num times num_beams must be at most {MOST}, not", rows),
        ]

    def clipped(self) -> "Options":
        """Numbers that are out of range as the nearest that are not, for requests that are put together: none may fail
        the others. Those that are none are left."""

        def clip(name, value):
            lowest = BOUNDS[name].get("lowest", 1e-6)
            return tf.clip_by_value(value, tf.cast(lowest, value.dtype), tf.cast(BOUNDS[name]["highest"], value.dtype))

        return self._replace(**{name: clip(name, getattr(self, name)) for name in ("temperature", "top_k", "top_p")})


def strings_of(name: str, values) -> tuple[str, ...]:
    """Strings in the order they were given; `InputError` for anything else."""
    listed = isinstance(values, Iterable) and not isinstance(values, (str, bytes))
    values = tuple(values) if listed else values
    if not listed or not all(isinstance(text, str) for text in values):
        raise InputError(f"{name} must be a list of strings, not {values!r}")
    for text in values:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InputError(f"{name} holds {text!r}, which is no text: half of a surrogate pair") from None
    return values

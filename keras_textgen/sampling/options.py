"""What a text is asked to be, as the user gives it and as an exported model takes it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import tensorflow as tf

from keras_textgen.checks import number, whole
from keras_textgen.errors import InputError, unknown

STRATEGIES = ("sample", "greedy", "beam")


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
        checked = self._replace(
            banned=strings_of("banned", self.banned),
            prompt=strings_of("prompt", self.prompt),
            temperature=number(0, 1000, temperature=self.temperature),
            top_k=whole(0, 2**31 - 1, top_k=self.top_k),
            top_p=number(above=0, highest=1, top_p=self.top_p),
            typical_p=number(above=0, highest=1, typical_p=self.typical_p),
            num_beams=whole(1, 1000, num_beams=self.num_beams),
            num_best=whole(1, num_best=self.num_best),
            length_penalty=number(-10, 10, length_penalty=self.length_penalty),
            repetition_penalty=number(1, 1000, repetition_penalty=self.repetition_penalty),
            min_length=whole(1, longest, min_length=self.min_length),
            max_length=whole(0, longest, max_length=self.max_length) or longest,
        )
        if checked.min_length > checked.max_length:
            raise InputError(f"min_length ({self.min_length}) is over max_length ({self.max_length})")
        if strategy == "beam" and checked.num_beams == 1:
            checked = checked._replace(num_beams=max(5, checked.num_best))
        if strategy != "beam" and checked.num_beams > 1:
            raise InputError(f"num_beams is for the strategy 'beam', not {strategy!r}")
        if checked.num_best > checked.num_beams:
            raise InputError(f"num_best ({self.num_best}) is over num_beams ({checked.num_beams})")
        return checked._replace(temperature=0.0) if strategy == "greedy" else checked


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

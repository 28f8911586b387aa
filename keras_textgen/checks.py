"""Checks of arguments, each with one clear line when it fails."""

import math
import numbers

from keras_textgen.errors import InputError


def whole(lowest=None, highest=None, **named) -> int:
    """Checks that the one named value is a whole number in `[lowest, highest]` and returns it as an `int`."""
    ((name, value),) = named.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise InputError(f"{name} must be a whole number, not {value!r}")
    if lowest is not None and value < lowest:
        raise InputError(f"{name} must be at least {lowest}, not {value}")
    if highest is not None and value > highest:
        raise InputError(f"{name} must be at most {highest}, not {value}")
    return int(value)


def number(lowest=None, highest=None, below=None, above=None, **named) -> float:
    """Checks that the one named value is a number between the bounds, and returns it.

    `lowest` and `highest` are themselves allowed; `below` and `above` are not.
    """
    ((name, value),) = named.items()
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise InputError(f"{name} must be a number, not {value!r}")
    if lowest is not None and not value >= lowest:
        raise InputError(f"{name} must be at least {lowest}, not {value}")
    if above is not None and not value > above:
        raise InputError(f"{name} must be above {above}, not {value}")
    if highest is not None and not value <= highest:
        raise InputError(f"{name} must be at most {highest}, not {value}")
    if below is not None and not value < below:
        raise InputError(f"{name} must be below {below}, not {value}")
    return value

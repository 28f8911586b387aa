"""One kind of error for every bad input: a single line that says what is wrong, where, and what to do."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something the user gave cannot be used. The message is one complete line; the terminal prints just that."""


class CollapseWarning(UserWarning):
    """A training goes on, but has failed at its purpose. The message says how, and what to try."""


def unknown(kind: str, name: object, options: Iterable[str]) -> InputError:
    """The error for a name that is not among `options`: it names the nearest valid ones, or all of them.

    >>> str(unknown("model", "lstm_vea", ["lstm_vae", "gan"]))
    "unknown model 'lstm_vea'; did you mean 'lstm_vae'?"
    """
    options = sorted(options)
    near = lambda option: difflib.SequenceMatcher(None, option, str(name)).ratio()  # noqa: E731
    nearest = difflib.get_close_matches(str(name), options, n=3, cutoff=0.6)
    nearest = [option for option in nearest if near(option) > near(nearest[0]) - 0.1]  # no word beside a better one
    if nearest:
        hint = "did you mean " + " or ".join(repr(option) for option in nearest) + "?"
    elif options:
        hint = "choose from: " + ", ".join(options)
    else:
        hint = "there are none"
    return InputError(f"unknown {kind} {name!r}; {hint}")

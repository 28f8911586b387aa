"""Which texts of a corpus are held out: a draw that needs their number alone, so that it suits a stream."""

import numpy as np

from keras_textgen.errors import InputError

SHARE, MOST = 0.05, 2_000
PIECE = 1 << 20  # random numbers at a time


def held_out(num: int, parts: list[str], seed: int, name: str) -> dict[str, np.ndarray]:
    """The numbers of the texts of each part, in order: 5% of `num`, at least 1, at most 2,000, all parts disjoint.

    Raises InputError where nothing would be left; `name` says of what.
    """
    if num < len(parts) + 1:
        raise InputError(f"{name}: {num} texts can't be split; give at least {len(parts) + 1}")
    size = min(MOST, max(1, int(num * SHARE)))
    lowest = lowest_draws(num, size * len(parts), seed)
    return {part: np.sort(lowest[at * size : (at + 1) * size]) for at, part in enumerate(parts)}


def lowest_draws(num: int, wanted: int, seed: int) -> np.ndarray:
    """The places of the `wanted` lowest of `num` random numbers, lowest first; never more than a piece in memory."""
    generator = np.random.Generator(np.random.PCG64(seed))
    draws, places = np.zeros(0), np.zeros(0, np.int64)
    for first in range(0, num, PIECE):
        size = min(PIECE, num - first)
        draws = np.concatenate([draws, generator.random(size)])
        places = np.concatenate([places, np.arange(first, first + size)])
        kept = np.argsort(draws, kind="stable")[:wanted]
        draws, places = draws[kept], places[kept]
    return places

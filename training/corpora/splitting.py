"""Which texts of a corpus are held out, and which are a sample of it: draws that suit a stream as well as a list."""

from collections.abc import Iterator

import numpy as np

from keras_textgen.errors import InputError

SHARE, MOST = 0.05, 2_000
PIECE = 65_536  # random numbers at a time


def part_size(num: int, parts: int, name: str) -> int:
    """The texts of each held-out part of `num` texts: 5%, at least 1, at most 2,000.

    Raises InputError where nothing would be left; `name` says of what.
    """
    if num < parts + 1:
        raise InputError(f"{name}: {num} texts can't be split; give at least {parts + 1}")
    return min(MOST, max(1, int(num * SHARE)))


def held_out(num: int, parts: list[str], seed: int, name: str) -> dict[str, list[int]]:
    """The numbers of the texts of each part, in order; no text is in two of them."""
    size = part_size(num, len(parts), name)
    lowest = np.argsort(np.random.Generator(np.random.PCG64(seed)).random(num), kind="stable").tolist()
    return {part: sorted(lowest[at * size : (at + 1) * size]) for at, part in enumerate(parts)}


class Lottery:
    """Draws a random number for each item of a stream and keeps the items of the lowest ones: a uniform sample without
    replacement of a stream whose length nobody knows. A list of them would be drawn by `held_out` alike.

    Args:
        seed: of the numbers.
        most: items to keep; most_characters: the sum of the sizes of those that are kept.
    """

    def __init__(self, seed: int, most: int, most_characters: float = float("inf")):
        self.most, self.most_characters = most, most_characters
        self.draws = self.numbers(np.random.Generator(np.random.PCG64(seed)))
        self.bound, self.kept, self.characters, self.offered = 1.0, [], 0, 0

    @staticmethod
    def numbers(generator) -> Iterator[float]:
        while True:
            yield from generator.random(PIECE).tolist()

    def offer(self, item, size: int = 0) -> None:
        """The next item of the stream."""
        draw = next(self.draws)
        if draw < self.bound:
            self.kept.append((draw, self.offered, item, size))
            self.characters += size
            if len(self.kept) > 1.25 * self.most + 100 or self.characters > 1.25 * self.most_characters:
                self.shrink()
        self.offered += 1

    def shrink(self) -> None:
        """Forgets what can no longer be among the lowest."""
        self.kept.sort(key=lambda entry: entry[:2])
        sums = np.cumsum([size for *_, size in self.kept])
        fitting = min(self.most, int(np.searchsorted(sums, self.most_characters, side="right")))
        if fitting < len(self.kept):
            self.bound = self.kept[fitting][0]
            del self.kept[fitting:]
        self.characters = int(sums[fitting - 1]) if fitting else 0

    def lowest(self) -> list[tuple[int, object]]:
        """The number in the stream and the item of those that were kept, lowest draw first."""
        self.shrink()
        return [(number, item) for _, number, item, _ in self.kept]

"""How different the texts are that a model writes."""

from collections.abc import Hashable, Sequence


def distinct(texts: Sequence[Hashable]) -> float:
    """The share of different ones among texts, in (0, 1]."""
    return len(set(texts)) / len(texts)

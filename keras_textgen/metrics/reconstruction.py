"""How much of a text comes back."""

from collections.abc import Sequence


def exact_match(texts: Sequence[str], reconstructions: Sequence[str]) -> float:
    """The share of texts that came back word for word (white space and case aside)."""
    same = [a.lower().split() == b.lower().split() for a, b in zip(texts, reconstructions, strict=True)]
    return sum(same) / len(same)

"""Parsing: the probability of a text, summed over all its derivations, and the number of them."""

import functools

from training.corpora.grammar import Grammar, Node


class Chart:
    """Finds what the stretches of a text can be, the shorter ones first.

    With `count=True` every rule has weight 1, and the sums are numbers of derivations instead of probabilities.
    """

    def __init__(self, grammar: Grammar, count: bool = False):
        self._parents: dict[Node, list[tuple[Node, float]]] = {}
        self._joins: dict[Node, dict[Node, list[tuple[Node, float]]]] = {}
        self._above: dict[Node, list[tuple[Node, float]]] = {}
        self._words = grammar.words
        for parent, children in grammar.single.items():
            for child, probability in children:
                self._parents.setdefault(child, []).append((parent, 1 if count else probability))
        for parent, pairs in grammar.pairs.items():
            for left, right, probability in pairs:
                joins = self._joins.setdefault(left, {}).setdefault(right, [])
                joins.append((parent, 1 if count else probability))

    def whole(self, words: list[str | None]) -> dict[Node, float]:
        """What the whole text can be: for each node its sum over the derivations; {} if nothing. None stands for any
        word."""
        cells: dict[tuple[int, int], dict[Node, float]] = {}
        for end in range(1, len(words) + 1):
            word = words[end - 1]
            cells[end - 1, end] = self._any_word if word is None else self._closed({word: 1})
            for start in range(end - 2, -1, -1):
                found: dict[Node, float] = {}
                for middle in range(start + 1, end):
                    left, right = cells[start, middle], cells[middle, end]
                    if left and right:
                        self._join(left, right, found)
                cells[start, end] = self._closed(found)
        return cells.get((0, len(words)), {})

    @functools.cached_property
    def _any_word(self) -> dict[Node, float]:
        return self._closed(dict.fromkeys(self._words, 1))

    def _join(self, left: dict[Node, float], right: dict[Node, float], found: dict[Node, float]) -> None:
        for node, value in left.items():
            joins = self._joins.get(node)
            if joins is None:
                continue
            for other in joins if len(joins) < len(right) else right:
                if other in joins and other in right:
                    inner = value * right[other]
                    for parent, probability in joins[other]:
                        found[parent] = found.get(parent, 0) + probability * inner

    def _closed(self, found: dict[Node, float]) -> dict[Node, float]:
        """Adds every symbol that can be rewritten to one of the nodes found."""
        closed: dict[Node, float] = {}
        for node, value in found.items():
            for ancestor, probability in self._ancestors(node):
                closed[ancestor] = closed.get(ancestor, 0) + probability * value
        return closed

    def _ancestors(self, node: Node) -> list[tuple[Node, float]]:
        if node not in self._above:
            above: dict[Node, float] = {node: 1}
            for parent, probability in self._parents.get(node, ()):
                for ancestor, inner in self._ancestors(parent):
                    above[ancestor] = above.get(ancestor, 0) + probability * inner
            self._above[node] = list(above.items())
        return self._above[node]

"""Probabilistic context-free grammars over words: exact lengths, exact entropy, sampling and parsing."""

import functools
import math
from bisect import bisect
from itertools import accumulate

import numpy as np

from training.corpora.notation import Rules, is_symbol

# A node is a word, a symbol, or (a tuple) what is left of a right side after its first item.
Node = str | tuple[str, ...]


class Grammar:
    """The texts of `shortest` to `longest` words that a grammar generates, with their probabilities.

    `rules` maps each symbol to its (probability, right side) alternatives; right sides are never empty. A text's
    probability is the one it has by the rules, divided by `mass()`, the probability of all texts of these lengths.
    """

    def __init__(self, rules: Rules, start: str, shortest: int, longest: int):
        self.rules = rules
        self.start = start
        self.shortest = shortest
        self.longest = longest
        items = {item for alternatives in rules.values() for _, right in alternatives for item in right}
        self.words = tuple(sorted(item for item in items if not is_symbol(item)))
        # The same rules with at most two items on the right: node -> (item, probability), (item, item, probability).
        self.single: dict[Node, list[tuple[str, float]]] = {}
        self.pairs: dict[Node, list[tuple[Node, Node, float]]] = {}
        for symbol, alternatives in rules.items():
            for probability, right in alternatives:
                self._split(symbol, right, probability)

    def _split(self, node: Node, right: tuple[str, ...], probability: float) -> None:
        """Stores a rule as a chain of rules with at most two items on the right."""
        if len(right) == 1:
            self.single.setdefault(node, []).append((right[0], probability))
            return
        rest = right[1] if len(right) == 2 else right[1:]
        self.pairs.setdefault(node, []).append((right[0], rest, probability))
        if len(right) > 2 and rest not in self.pairs:
            self._split(rest, right[1:], 1.0)

    # Sums over all derivations, by length.

    @functools.cached_property
    def masses(self) -> dict[Node, np.ndarray]:
        """For each node the probability of every length, as the rules alone have it: float64 [longest + 1]."""
        return {node: table[0] for node, table in self._tables.items()}

    @functools.cached_property
    def _tables(self) -> dict[Node, np.ndarray]:
        """For each node, by length: the sum of p and the sum of p log p over its derivations, float64 [2, lengths].

        Two parts side by side have the product p q, and p q log(p q) = q (p log p) + p (q log q).
        """
        order = self._bottom_up()
        tables = {node: np.zeros((2, self.longest + 1)) for node in (*order, *self.words)}
        for word in self.words:
            tables[word][0, 1] = 1.0
        for length in range(1, self.longest + 1):
            for node in order:
                tables[node][:, length] = self._sums(node, length, tables)
        return tables

    def _sums(self, node: Node, length: int, tables: dict[Node, np.ndarray]) -> tuple[float, float]:
        mass = information = 0.0
        for child, probability in self.single.get(node, ()):
            inner, inner_information = tables[child][:, length]
            if inner:
                mass += probability * inner
                information += probability * (inner_information + inner * math.log(probability))
        if length == 1:
            return mass, information
        for left, right, probability in self.pairs.get(node, ()):
            # [[p.q, p.(q log q)], [(p log p).q, not needed]]
            products = tables[left][:, 1:length] @ tables[right][:, length - 1 : 0 : -1].T
            inner = products[0, 0]
            if inner:
                mass += probability * inner
                information += probability * (products[0, 1] + products[1, 0] + inner * math.log(probability))
        return mass, information

    def _bottom_up(self) -> list[Node]:
        """All nodes but words, each after the nodes that it may be rewritten to as a whole."""
        order: dict[Node, None] = {}

        def visit(node: Node, above: tuple[Node, ...]) -> None:
            if node in above:
                raise ValueError(f"{node} can be rewritten to itself")
            if node not in order:
                for child, _ in self.single.get(node, ()):
                    if is_symbol(child):
                        visit(child, (*above, node))
                order[node] = None

        for node in (*self.single, *self.pairs):
            visit(node, ())
        return list(order)

    def mass(self, symbol: str | None = None) -> float:
        """The probability that a text from `symbol` (the start symbol if None) has an allowed length."""
        return float(self.masses[symbol or self.start][self.shortest : self.longest + 1].sum())

    def mass_by_rule(self) -> list[float]:
        """The part of `mass()` that each alternative of the start symbol has, in order."""
        found = []
        for probability, right in self.rules[self.start]:
            lengths = self.masses[right[0]]
            for item in right[1:]:
                lengths = np.convolve(lengths, self.masses[item])[: self.longest + 1]
            found.append(float(probability * lengths[self.shortest :].sum()))
        return found

    def entropy(self) -> float:
        """The entropy in nats of a derivation. It is that of a text where each text has just one derivation."""
        mass, information = self._tables[self.start][:, self.shortest : self.longest + 1].sum(axis=1)
        return float(math.log(mass) - information / mass)

    # Drawing texts.

    @functools.cached_property
    def _choices(self) -> dict[str, tuple[list[float], list[tuple[str, ...]]]]:
        """For each symbol its cumulated probabilities and its right sides, last item first."""
        return {symbol: _cumulated(alternatives) for symbol, alternatives in self.rules.items()}

    def sample(
        self, count: int, generator: np.random.Generator, among: list | None = None
    ) -> list[tuple[str, list[str]]]:
        """Draws `count` texts: for each the first item of the first rule taken, and its words.

        `among` limits the first rule to these alternatives of the start symbol, (probability, right side) each;
        they need not sum to 1. Texts of other lengths are drawn again, which makes the length condition exact.
        """
        first, starts = _cumulated(among or self.rules[self.start])
        table, longest = self._choices, self.longest
        draw = _uniform(generator).__next__
        texts: list[tuple[str, list[str]]] = []
        while len(texts) < count:
            stack = list(starts[bisect(first, draw() * first[-1], 0, len(first) - 1)])
            begin, text = stack[-1], []
            while stack and len(text) <= longest:
                item = stack.pop()
                if item in table:
                    steps, right_sides = table[item]
                    stack += right_sides[bisect(steps, draw(), 0, len(steps) - 1)]
                else:
                    text.append(item)
            if not stack and self.shortest <= len(text) <= longest:
                texts.append((begin, text))
        return texts


def _cumulated(alternatives: list) -> tuple[list[float], list[tuple[str, ...]]]:
    """Cumulated probabilities, and right sides reversed so that a stack takes the first item first."""
    steps = list(accumulate(probability for probability, _ in alternatives))
    return steps, [right[::-1] for _, right in alternatives]


def _uniform(generator: np.random.Generator):
    while True:
        yield from generator.random(1 << 14).tolist()

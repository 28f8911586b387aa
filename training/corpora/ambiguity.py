"""A proof that a grammar is unambiguous: that no text has two derivations.

All texts are followed at once, word by word. What is left to derive after some words is a list of items; the lists
that the same words can lead to make up a state, and there are far fewer states than texts. Two derivations of one
text leave the same list after its last word (the empty one), so a grammar is unambiguous if and only if no list is
ever reached in two ways within one state.
"""

import functools
from collections import defaultdict

from training.corpora.grammar import Grammar
from training.corpora.notation import is_symbol

Items = tuple[str, ...]


def find_ambiguity(grammar: Grammar) -> list[str] | None:
    """Words that begin a text with two derivations and at most `grammar.longest` words, or None if there is none.

    Words that the rules treat alike are followed as one. Left recursion is not supported (RecursionError).
    """
    rules = _without_synonyms(grammar)

    @functools.cache
    def begin(symbol: str) -> list[tuple[str, Items]]:
        """Each way to derive a first word from a symbol, with the items left after it."""
        ways = []
        for right in rules[symbol]:
            first = begin(right[0]) if is_symbol(right[0]) else [(right[0], ())]
            ways += [(word, left + right[1:]) for word, left in first]
        return ways

    @functools.cache
    def shortest(item: str) -> int:
        return next(n for n, mass in enumerate(grammar.masses[item]) if mass) if is_symbol(item) else 1

    todo: list[tuple[frozenset[Items], list[str]]] = [(frozenset({(grammar.start,)}), [])]
    seen = {todo[0][0]}
    for state, words in todo:
        following: dict[str, list[Items]] = defaultdict(list)
        for items in state:
            for word, left in begin(items[0]) if is_symbol(items[0]) else [(items[0], ())]:
                following[word].append(left + items[1:])
        for word, lists in following.items():
            room = grammar.longest - len(words) - 1
            lists = [items for items in lists if sum(map(shortest, items)) <= room]
            reached = frozenset(lists)
            if len(reached) < len(lists):
                return [*words, word]
            reached = reached - {()}
            if reached and reached not in seen:
                seen.add(reached)
                todo.append((reached, [*words, word]))
    return None


def _without_synonyms(grammar: Grammar) -> dict[str, list[Items]]:
    """The right sides of each symbol, with one word in the place of all that occur in just the same rules."""
    places: dict[str, set] = defaultdict(set)
    for symbol, alternatives in grammar.rules.items():
        for _, right in alternatives:
            for position, item in enumerate(right):
                if not is_symbol(item):
                    places[item].add((symbol, right[:position], right[position + 1 :]))
    first: dict[frozenset, str] = {}
    chosen = {word: first.setdefault(frozenset(where), word) for word, where in places.items()}
    return {
        symbol: list(dict.fromkeys(tuple(chosen.get(item, item) for item in right) for _, right in alternatives))
        for symbol, alternatives in grammar.rules.items()
    }

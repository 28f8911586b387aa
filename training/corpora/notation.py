"""Reading a grammar: rules with features, written as text, become plain weighted rules.

A grammar is a text of blocks. A block starts with a symbol at the margin; the indented lines below it are the ways
to rewrite that symbol, each a weight, a colon and alternatives separated by bars (each gets that weight). A block
of alternatives that all have the weight 1 can be one line with an equals sign:

    CLAUSE[tense, number]
        3: the NOUN[number] BE[tense, number] good | the NOUN[number] BE[tense, number] very good
        1: NAME BE[tense, singular] here
    BE[past, singular] = was

Symbols are in capitals; anything else is a word and stands for itself. In brackets stand features: the name of a
feature (`tense`) is a variable, the name of a value (`singular`) is that value. A variable on the left is whatever
was asked for; one that only the right side has is drawn by the weights of its values. `number2` is a second, separate
draw of `number`; `other_number` is any value of `number` but the one of `number` itself. A word with slashes,
`make/makes/made`, has one spelling for each value of the feature `form`, in order.

Combinations of values for which nothing is written are impossible, and the alternatives that need them fall away.
"""

import itertools
import re
from collections.abc import Iterator, Mapping

Features = Mapping[str, Mapping[str, float]]
Rules = dict[str, list[tuple[float, tuple[str, ...]]]]

_ITEM = re.compile(r"[A-Z_]+(?:\[[^\]]*\])?(?=\s|$)|[^\s\[\]]+")


def read_grammar(text: str, features: Features) -> Rules:
    """Returns the plain rules of a grammar text: for each symbol its alternatives as (probability, right side).

    `features` maps the name of a feature to its values and their weights. The probabilities of one symbol sum to 1.
    Raises ValueError for a symbol that has no rules, or for a name in brackets that is no feature and no value.
    """
    alternatives: dict[str, list[tuple[float, list[tuple[float, tuple[str, ...]]]]]] = {}
    defined, used = set(), set()
    for left, weight, right in _lines(text):
        defined.add(_name(left))
        used.update(_name(item) for item in right if is_symbol(item))
        for symbol, choices in _expand(left, right, features):
            alternatives.setdefault(symbol, []).append((weight, choices))
    if used - defined:
        raise ValueError(f"symbols without rules: {', '.join(sorted(used - defined))}")
    _drop_impossible(alternatives)
    return {symbol: _normalised(lines) for symbol, lines in alternatives.items()}


def is_symbol(item: str) -> bool:
    """Whether an item of a right side is a symbol (in capitals) and not a word."""
    return item[0].isupper()


def _name(symbol: str) -> str:
    return symbol.split("[")[0]


def _lines(text: str) -> Iterator[tuple[str, float, list[str]]]:
    """Yields (left side, weight, right side) for every alternative of the text."""
    left = ""
    for line in text.splitlines():
        line = line.split("#")[0].rstrip()
        weight, alternatives = "1", ""
        if " = " in line:
            left, alternatives = line.split(" = ")
        elif line and not line[0].isspace():
            left = line
        elif line:
            weight, alternatives = line.split(":", 1)
        for alternative in alternatives.split("|") if alternatives else ():
            yield left, float(weight), _ITEM.findall(alternative)


def _variables(items: list[str], features: Features) -> list[str]:
    """The variables that stand in the brackets of `items`, each once, in order of appearance."""
    values = {value for weights in features.values() for value in weights}
    names = [name.strip() for item in items if "[" in item for name in item[item.index("[") + 1 : -1].split(",")]
    for name in names:
        if name not in values and _feature(name) not in features:
            raise ValueError(f"{name!r} in {' '.join(items)!r} is neither a feature nor a value")
    return list(dict.fromkeys(name for name in names if name not in values))


def _feature(variable: str) -> str:
    return variable.removeprefix("other_").rstrip("2")


def _assignments(variables: list[str], features: Features, given: dict[str, str]) -> Iterator[dict[str, str]]:
    """Yields every way to give the variables values, on top of those given."""
    for values in itertools.product(*(features[_feature(variable)] for variable in variables)):
        binding = {**given, **dict(zip(variables, values, strict=True))}
        others = (name for name in binding if name.startswith("other_"))
        if all(binding[name] != binding.get(_feature(name)) for name in others):
            yield binding


def _expand(left: str, right: list[str], features: Features) -> Iterator[tuple[str, list]]:
    """Yields each plain symbol that `left` stands for with its (weight, plain right side) choices."""
    on_left = _variables([left], features)
    free = [name for name in _variables(right, features) if name not in on_left]
    forms = list(features.get("form", ()))
    for given in _assignments(on_left, features, {}):
        choices = []
        for binding in _assignments(free, features, given):
            weight = 1.0
            for name in free:
                weight *= features[_feature(name)][binding[name]]
            choices.append((weight, tuple(_plain(item, binding, forms) for item in right)))
        yield _plain(left, given, forms), choices


def _plain(item: str, binding: dict[str, str], forms: list[str]) -> str:
    """One item with its variables replaced by their values, or a word in the spelling asked for."""
    if "/" in item:
        return item.split("/")[forms.index(binding["form"])]
    if "[" not in item:
        return item
    names = (name.strip() for name in item[item.index("[") + 1 : -1].split(","))
    return f"{_name(item)}[{','.join(binding.get(name, name) for name in names)}]"


def _drop_impossible(alternatives: dict) -> None:
    """Removes, in place, every choice that needs a symbol without rules, until none is left."""
    changed = True
    while changed:
        changed = False
        for symbol, lines in list(alternatives.items()):
            possible = [
                (weight, kept)
                for weight, choices in lines
                if (kept := [choice for choice in choices if _possible(choice[1], alternatives)])
            ]
            changed |= [len(kept) for _, kept in possible] != [len(choices) for _, choices in lines]
            alternatives[symbol] = possible
            if not possible:
                del alternatives[symbol]


def _possible(right: tuple[str, ...], alternatives: dict) -> bool:
    return all(item in alternatives for item in right if is_symbol(item))


def _normalised(lines: list) -> list[tuple[float, tuple[str, ...]]]:
    """The choices of one symbol with probabilities: a line's weight is shared among its choices."""
    total = sum(weight for weight, _ in lines)
    rules: dict[tuple[str, ...], float] = {}
    for weight, choices in lines:
        share = sum(choice_weight for choice_weight, _ in choices)
        for choice_weight, right in choices:
            rules[right] = rules.get(right, 0.0) + weight / total * choice_weight / share
    return [(probability, right) for right, probability in rules.items()]

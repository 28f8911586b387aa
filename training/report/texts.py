"""Texts as a page can show them, whatever they hold."""

import difflib
import html
import textwrap

from training.harmless import harmless


def in_plot(text: str, width: int = 48) -> str:
    """A text as a plot takes it: plotly reads some HTML, so that marks are escaped, and long lines are broken."""
    lines = textwrap.wrap(harmless(text), width, break_long_words=True) or [""]
    return "<br>".join(html.escape(line) for line in lines)


def differing(text: str, other: str) -> list[tuple[str, bool]]:
    """The words of a text in pieces, each with whether the other text lacks it there (white space and case aside)."""
    words = text.split()
    mine, others = ([word.lower() for word in one.split()] for one in (text, other))
    matcher = difflib.SequenceMatcher(None, mine, others, autojunk=False)
    pieces = []
    for tag, first, last, _, _ in matcher.get_opcodes():
        if first < last:
            pieces.append((" ".join(words[first:last]), tag != "equal"))
    return pieces

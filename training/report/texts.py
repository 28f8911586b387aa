"""Texts as a page can show them, whatever they hold."""

import difflib
import html
import textwrap
import unicodedata

CONTROL = ("Cc", "Cf", "Cs", "Zl", "Zp")  # Unicode's categories of what is not seen but can change what is
JOINERS = "\u200c\u200d"  # which some scripts and emojis are written with


def harmless(text: str) -> str:
    """A text with every control character, and every mark that turns the direction of writing, made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(visible, text))


def visible(character: str) -> str:
    """A character itself, or what stands for it if it is a control character."""
    if unicodedata.category(character) not in CONTROL or character in JOINERS:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # its picture
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


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

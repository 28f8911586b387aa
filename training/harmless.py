"""Texts and labels of strangers, so that they do nothing to a terminal, a page or a spreadsheet but to be seen."""

import json
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


def harmless_json(value) -> str:
    """A value as JSON in one line that means the same, with every such character as an escape sequence of JSON."""
    written = json.dumps(value, ensure_ascii=False)
    if written.isascii() and written.isprintable():
        return written
    # JSON has none of them outside of strings.
    return "".join(c if visible(c) == c else json.dumps(c)[1:-1] for c in written)


def harmless_cell(value):
    """A cell of a CSV file: a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return value
    shown = harmless(value)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") and len(shown) > 1 else shown

"""Texts and labels of strangers do nothing to a terminal, a table or another program."""

import csv
import io
import json

import pytest

from training.cli import shared
from training.harmless import harmless, harmless_cell, harmless_json

NASTY = ["\x1b[2J\x1b]0;title\x07", "\x9b31m", "a\rb", "two\nlines", "\u202egnp.exe", "\x7f\b\b", "nul\0", "\u2028"]


@pytest.mark.parametrize("text", NASTY)
def test_a_text_on_the_terminal_is_one_line_without_control_characters(capsys, text):
    shared.print_lines([text, "next"])
    shared.table(f"[red]{text}", ["[b]", text], [[text, f"[link=x]{text}"]], whole=True)
    with pytest.raises(SystemExit):
        shared.fail(text)
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert lines[1] == "next" and lines[2].startswith("[red]")
    for line in [*lines, *captured.err.splitlines()]:
        assert harmless(line) == line
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("text", NASTY)
def test_json_means_the_same_and_holds_no_control_characters(text):
    written = harmless_json({"text": [text], "née": "🍕"})
    assert harmless(written) == written and "née" in written
    assert json.loads(written) == {"text": [text], "née": "🍕"}


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_is_no_formula(text):
    written = io.StringIO()
    csv.writer(written).writerow([harmless_cell(text), harmless_cell(-1.5), harmless_cell("-"), harmless_cell("a=b")])
    cell, number, nothing, name = next(csv.reader([written.getvalue()]))
    assert cell[0] not in "=+-@\t\r" and text.strip() in cell
    assert (number, nothing, name) == ("-1.5", "-", "a=b")

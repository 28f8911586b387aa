"""The README's leaderboard."""

from pathlib import Path

import pytest

from keras_textgen.errors import InputError
from training import leaderboard, markdown, presets
from zoo import trained

MARKS = (leaderboard.BEGIN, leaderboard.END)
README = Path(__file__).parents[2] / "README.md"


def test_the_leaderboard_in_the_readme_is_that_of_the_cards():
    assert leaderboard.leaderboard() in README.read_text(encoding="utf-8")


def test_a_row_says_what_the_card_says(monkeypatch):
    cards = {
        "lstm_lm": {"figures": {"over_floor": 0.031, "grammatical": 0.5}, "intervals": {"grammatical": [0.4, 0.6]}},
        "gan": {"figures": {"grammatical": 0.75}, "intervals": {}},
    }
    monkeypatch.setattr(trained, "names", lambda name: [presets.NAME] if name in cards else [])
    monkeypatch.setattr(
        trained, "card", lambda name, preset: {"model": name, "parameters": 1234, "bytes": 2e6, **cards[name]}
    )
    rows = [line.strip("| ").split(" | ") for line in leaderboard.leaderboard().splitlines()]
    assert [row[0] for row in rows] == ["model", "---", "`gan`", "`lstm_lm`"]  # the most grammatical first
    assert rows[3][1:3] == ["3.1%", "50.0% (40.0% to 60.0%)"] and rows[3][-2:] == ["1,234", "2.0"]
    assert rows[2][1] == "-" and rows[2][2] == "75.0%"


def test_the_table_goes_between_its_marks_and_nothing_else_changes():
    text = f"a\n{leaderboard.BEGIN}\nold\n{leaderboard.END}\nb\n"
    once = markdown.written_into(text, "new", *MARKS)
    assert once == f"a\n{leaderboard.BEGIN}\n\nnew\n\n{leaderboard.END}\nb\n"
    assert markdown.written_into(once, "new", *MARKS) == once
    for wrong in ("a\nb\n", f"{leaderboard.END}\n{leaderboard.BEGIN}\n"):
        with pytest.raises(InputError, match="no place for the table"):
            markdown.written_into(wrong, "new", *MARKS)

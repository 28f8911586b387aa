"""The README's leaderboard, from the cards of the trained models that come with the package.

python -m training.leaderboard          # writes it between its marks in README.md
"""

import argparse
from pathlib import Path

import zoo
from training.figures import figure_shown
from training.markdown import table, write_into
from training.presets import NAME
from zoo import trained

BEGIN, END = "<!-- leaderboard: written by python -m training.leaderboard -->", "<!-- end of the leaderboard -->"
COLUMNS = {
    "over_floor": "NLL over the floor",
    "grammatical": "grammatical",
    "coverage": "coverage",
    "bleu_4": "BLEU-4",
    "self_bleu_4": "Self-BLEU-4",
    "forward_perplexity": "forward perplexity",
    "reverse_perplexity": "reverse perplexity",
    "mauve": "MAUVE",
    "longest_copy": "longest copy (words)",
    "reconstruction_exact": "back word for word",
}


def leaderboard() -> str:
    """A Markdown table: a model a row, the most grammatical first, its figures with their 95 % intervals."""
    cards = [trained.card(name, NAME) for name in zoo.list_models() if NAME in trained.names(name)]
    cards.sort(key=lambda card: -card["figures"].get("grammatical", 0.0))
    lines = []
    for card in cards:
        cells = [cell(card, name) for name in COLUMNS]
        lines.append([f"`{card['model']}`", *cells, f"{card['parameters']:,}", f"{card['bytes'] / 1e6:.1f}"])
    return table(["model", *COLUMNS.values(), "parameters", "MB"], lines)


def cell(card: dict, name: str) -> str:
    """A figure as it stands in the table, with its interval; a dash where a model has none."""
    if name not in card["figures"]:
        return "-"
    shown = figure_shown(name, float(card["figures"][name]))
    interval = card["intervals"].get(name)
    return shown if interval is None else f"{shown} ({' to '.join(figure_shown(name, end) for end in interval)})"


def main() -> None:
    """Writes the leaderboard into the README."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    arguments = parser.parse_args()
    write_into(arguments.readme, leaderboard(), BEGIN, END)


if __name__ == "__main__":
    main()

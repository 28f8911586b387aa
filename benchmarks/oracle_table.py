"""Runs of the oracle experiment beside each other: how good their texts are (NLL_oracle) where they miss as much of the
truth (NLL of held-out texts), since either alone proves nothing.

    python benchmarks/oracle_table.py --held-out 9.08 likelihood=runs/shorter-0,runs/shorter-1 constant=runs/constant-0

A row is one or several runs that differ by their seeds: means, and from the least to the greatest. "Along the game" is
where the curve of the game reaches that held-out NLL (between two measurements, a straight line), "by temperature"
where the policy before or after the game does when only its temperature changes. A dash: a curve that does not reach
it.
"""

import argparse
import itertools
import json

import measuring

from keras_textgen.errors import InputError
from keras_textgen.models.training_phases import ADVERSARIAL, GENERATOR
from training.run_folder import RunFolder


def at(points: list[dict], held_out: float) -> float | None:
    """NLL_oracle where a curve last rises to a held-out NLL."""
    for one, two in reversed(list(itertools.pairwise(points))):
        low, high = one["nll_held_out"], two["nll_held_out"]
        if low <= held_out <= high and low < high:
            share = (held_out - low) / (high - low)
            return one["nll_oracle"] + share * (two["nll_oracle"] - one["nll_oracle"])
    return None


def figures(path: str, held_out: float) -> dict[str, float | None]:
    """The cells of a run."""
    folder = RunFolder.open(path)
    measured = [line for line in folder.history() if "nll_oracle" in line]
    game = [line for line in measured if line["phase"] == ADVERSARIAL]
    start = [line for line in measured if line["phase"] == GENERATOR][-1:]
    if not start or not game:
        raise InputError(f"{path} has not come to the game; go on with --resume {path}")
    before, after = (swept(folder, phase) for phase in (GENERATOR, ADVERSARIAL))
    return {
        "NLL_oracle": game[-1]["nll_oracle"],
        "held out": game[-1]["nll_held_out"],
        f"NLL_oracle at {held_out:g} along the game": at(start + game, held_out),
        "by temperature before it": at(before, held_out),
        "by temperature after it": at(after, held_out),
    }


def swept(folder: RunFolder, phase: str) -> list[dict]:
    """The sweep of temperatures at the end of a phase; nothing where the run has not come so far."""
    path = folder.path / f"sweep-{phase}.json"
    return json.loads(path.read_text()) if path.exists() else []


def cell(values: list[float | None]) -> str:
    """The mean of several seeds, with their spread."""
    if None in values:
        return "-"
    mean = f"{sum(values) / len(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def main() -> None:
    """Reads the options, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="+", metavar="NAME=RUN[,RUN…]")
    parser.add_argument("--held-out", type=float, default=9.08, help="nats a token at which rows are compared")
    arguments = parser.parse_args()
    for place, row in enumerate(arguments.rows):
        name, _, paths = row.partition("=")
        if not paths:
            raise InputError(f"{row} is no row; give NAME=RUN[,RUN…]")
        runs = [figures(path, arguments.held_out) for path in paths.split(",")]
        if not place:
            print("| | " + " | ".join(runs[0]) + " |", "| --- " * (len(runs[0]) + 1) + "|", sep="\n")
        print(f"| {name} | " + " | ".join(cell([run[column] for run in runs]) for column in runs[0]) + " |")


if __name__ == "__main__":
    measuring.run(main)

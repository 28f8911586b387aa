"""The table of several runs: a row a figure for people, a row a run for spreadsheets, and JSON."""

import csv
import dataclasses
import io
import json

from training.comparison import Run, differences
from training.figures import figure_shown, label_of, shown
from training.harmless import harmless_cell

FORMATS = ("markdown", "csv", "json")
NOTHING = "-"  # in the place of a value that does not apply
FACTS = {
    "model": "model",
    "preset": "preset",
    "data": "trained on",
    "seed": "seed",
    "epochs": "epochs",
    "best_epoch": "  the best of them",
    "validation": "  its loss on validation texts (nats a text)",
    "evaluated": "evaluated on",
}


@dataclasses.dataclass
class Row:
    """A figure or a fact of all runs: its name, its label for people, and a cell a run."""

    name: str
    label: str
    cells: list[str]


def rows_of(runs: list[Run]) -> list[Row]:
    """The table for people: the facts, then every figure that some run has."""
    facts = [run.facts() for run in runs]
    for known in facts:
        known["data"], known["evaluated"] = place_of(known["data"]), place_of(known["evaluated"])
    rows = [Row(name, label, [cell(known[name]) for known in facts]) for name, label in FACTS.items()]
    for place, run in enumerate(runs):
        if run.evaluation is None:
            rows[-1].cells[place] = f"not yet; run: textgen evaluate {run.path}"
    rows = [row for row in rows if set(row.cells) != {NOTHING}]
    for name in names_in_order([list(run.figures) for run in runs]):
        label = label_of(name).replace("{kind}", kind_of(runs))
        rows.append(Row(name, label, [figure_cell(run, name) for run in runs]))
    return rows


def place_of(data: str | None) -> str | None:
    """The name of a corpus, or the last two parts of the path of a file."""
    return data and "/".join(data.split("/")[-2:])


def kind_of(runs: list[Run]) -> str:
    """How the likelihoods of the runs were computed."""
    sampled = {"num_samples" in run.figures for run in runs if run.figures}
    return {(True,): "importance-weighted", (False,): "exact"}.get(tuple(sampled), "exact or importance-weighted")


def cell(value) -> str:
    """A fact in a cell."""
    return NOTHING if value is None else shown(value)


def figure_cell(run: Run, name: str) -> str:
    """A figure of a run in a cell, with its interval where it has one."""
    if name not in run.figures:
        return NOTHING
    value = figure_shown(name, run.figures[name])
    if name not in run.intervals:
        return value
    low, high = (figure_shown(name, end) for end in run.intervals[name])
    return f"{value} ({low} to {high})"


def names_in_order(lists: list[list[str]]) -> list[str]:
    """All names of the lists, each once; a name that the lists before lack follows the name it follows in its own, and
    the parts of that."""
    merged, is_part = [], lambda name: label_of(name).startswith(" ")
    for names in lists:
        place = 0
        for name in names:
            if name in merged:
                place = merged.index(name) + 1
            else:
                while place < len(merged) and is_part(merged[place]) and not is_part(name):
                    place += 1
                merged.insert(place, name)
                place += 1
    return merged


def written(runs: list[Run], form: str) -> str:
    """The table in one of the `FORMATS`."""
    return {"markdown": as_markdown, "csv": as_csv, "json": as_json}[form](runs)


def as_markdown(runs: list[Run]) -> str:
    """A column a run, with the reasons not to compare them below."""
    rows = [["", *(run.name for run in runs)], ["---"] * (len(runs) + 1)]
    rows += [[row.label.strip(), *row.cells] for row in rows_of(runs)]
    lines = [rows[0], rows[1], *rows[2:]]
    table = "".join("| " + " | ".join(map(markdown_text, line)) + " |\n" for line in lines)
    return table + "".join(f"\n{markdown_text(difference)}\n" for difference in differences(runs))


def markdown_text(text: str) -> str:
    """A text that means no more than itself in a Markdown table."""
    for mark in "\\`*[]|<>&":
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())


def as_csv(runs: list[Run]) -> str:
    """A row a run, numbers in full; the ends of an interval in columns `<name>_low` and `<name>_high`."""
    records = [csv_record(run) for run in runs]
    columns = names_in_order([list(record) for record in records])
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, restval=NOTHING, lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow({name: NOTHING if value is None else harmless_cell(value) for name, value in record.items()})
    return file.getvalue()


def csv_record(run: Run) -> dict:
    """A run as a row of a CSV file."""
    record = {"run": run.name, "path": str(run.path), **run.facts()}
    for name, value in run.figures.items():
        record[name] = value
        if name in run.intervals:
            record[f"{name}_low"], record[f"{name}_high"] = run.intervals[name]
    return record


def as_json(runs: list[Run]) -> str:
    """All that is known of the runs but their epochs, as one object."""
    records = [
        {
            **{"name": run.name, "path": str(run.path), **run.facts()},
            **(run.evaluation or {"settings": None, "figures": {}, "intervals": {}, "frontier": []}),
            "notes": run.notes,
        }
        for run in runs
    ]
    return json.dumps({"runs": records, "differences": differences(runs)}, ensure_ascii=False, indent=2) + "\n"

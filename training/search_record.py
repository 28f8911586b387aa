"""The record of a search for hyper-parameters: Optuna's journal, and the table made of it."""

import csv
import io
import json
import math
from pathlib import Path

from keras_textgen.errors import InputError
from training.harmless import harmless_cell
from training.whole_files import write_atomically

STATES = ("complete", "pruned", "failed", "interrupted")  # in the order of the table
# A trial that was interrupted so often may be what takes the process down (memory, say); it must not stop the search.
ATTEMPTS = 3


def place_of(trial) -> str:
    """The run folder of a trial, inside the folder of the search."""
    return f"trials/{trial.number:04d}"


def judged(study) -> list[tuple[object, str]]:
    """The trials that are over, in order, each with its state; an interrupted one has failed without a reason."""
    found, attempts = [], 0
    for trial in study.trials:
        state = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}.get(trial.state.name)
        if state is None:
            continue
        attempts += 1
        if state == "failed" and "reason" not in trial.user_attrs and attempts < ATTEMPTS:
            state = "interrupted"
        else:
            attempts = 0
        found.append((trial, state))
    return found


def finished(study) -> int:
    """How many trials came to an end by themselves."""
    return sum(state != "interrupted" for _, state in judged(study))


def table(study) -> list[dict]:
    """The trials, best first; then those that were pruned, failed or interrupted.

    Returns:
        For each `number`, `state` (one of `STATES`), `value` (of the best epoch; lower is better), `epochs`, `minutes`,
        `parameters`, `run` (its folder, inside that of the search) and `reason` (of a failure).
    """
    rows = []
    for trial, state in judged(study):
        reason = trial.user_attrs.get("reason", f"was interrupted {ATTEMPTS} times" if state == "failed" else None)
        row = {
            "number": trial.number,
            "state": state,
            "value": trial.value,
            "epochs": trial.user_attrs.get("epochs"),
            "minutes": None if state == "interrupted" else round(trial.duration.total_seconds() / 60, 2),
            "parameters": trial.params,
            "run": place_of(trial),
            "reason": reason,
        }
        rows.append(row)

    def place(row):
        return STATES.index(row["state"]), math.inf if row["value"] is None else row["value"], row["number"]

    return sorted(rows, key=place)


def write_table(study, names: list[str], folder: Path) -> list[dict]:
    """Writes the table as JSON and as CSV, with a column for each searched name, and returns it."""
    rows = table(study)
    write_atomically(folder / "trials.json", json.dumps(rows, indent=2) + "\n")
    columns = ["number", "state", "value", "epochs", "minutes", *names, "run", "reason"]
    written = io.StringIO()
    writer = csv.DictWriter(written, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    cells = ({**row, **row["parameters"]} for row in rows)
    writer.writerows({name: harmless_cell(value) for name, value in row.items()} for row in cells)
    write_atomically(folder / "trials.csv", written.getvalue())
    return rows


def open_study(folder: Path):
    """The Optuna study in the folder of a search; a new one if there is none.

    Raises:
        InputError: if its journal is damaged.
    """
    optuna = load_optuna()
    journal = folder / "journal.jsonl"
    forget_unfinished(journal)
    try:
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(journal)))
        pruner = optuna.pruners.MedianPruner()
        return optuna.create_study(storage=storage, study_name="search", pruner=pruner, load_if_exists=True)
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{journal} is damaged") from None


def forget_unfinished(journal: Path) -> None:
    """Takes back what a kill can leave in Optuna's journal: half a line at its end, and a lock that nobody holds."""
    if journal.exists():
        with journal.open("r+b") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
    journal.with_name(f"{journal.name}.lock").unlink(missing_ok=True)


def load_optuna():
    """Optuna, which a plain installation goes without."""
    try:
        import optuna
    except ImportError:
        raise InputError("a search needs Optuna: pip install 'keras-textgen[tune]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna

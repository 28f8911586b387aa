"""Several runs beside each other: what their folders say of them, as plain data."""

import collections
import dataclasses
import json
import math
from pathlib import Path

from keras_textgen.errors import InputError
from training.run_folder import RunFolder
from training.whole_files import read_json

# What must be the same of two evaluations, and what to say if it is not.
DIFFERENCES = {
    "digest": "on different texts: their figures do not compare",
    "num": "by different numbers of samples: some figures depend on that",
    "features": "with different features of sentences: their distances do not compare",
}
BEST = ("val_nll", "val_loss")  # what the best epoch is told by: the first of them that a run has


@dataclasses.dataclass
class Run:
    """What the folder of a run says of it.

    Attributes:
        name: the end of its path, as long as it takes to tell it from the other runs.
        path: of the folder.
        config: as it was started.
        history: the metrics of each finished epoch.
        best_epoch: the epoch whose model is kept; None before the first.
        evaluation: `settings`, `figures`, `intervals` and `frontier` of `textgen evaluate`; None without one.
        notes: a line for each thing that is missing, and what to do about it.
    """

    name: str
    path: Path
    config: dict
    history: list[dict]
    best_epoch: int | None
    evaluation: dict | None
    notes: list[str]

    @property
    def figures(self) -> dict:
        """The figures of the evaluation by name; {} without one."""
        return self.evaluation["figures"] if self.evaluation else {}

    @property
    def intervals(self) -> dict:
        """The intervals `(low, high)` of some of these figures."""
        return self.evaluation["intervals"] if self.evaluation else {}

    def evaluated_on(self) -> str:
        """The corpus of the evaluation: a name or a path; the run's own corpus as the configuration calls it."""
        own, named = str(self.config.get("data")), self.evaluation["settings"].get("data") if self.evaluation else None
        return own if named in (None, own, Path(own).name) else str(named)

    def facts(self) -> dict:
        """What the run is and how far it has come, by name; None for what does not apply."""
        config, settings = self.config, (self.evaluation or {}).get("settings", {})
        best = self.history[self.best_epoch - 1] if self.best_epoch else {}
        evaluated = f"{self.evaluated_on()} ({settings.get('split') or 'test'})"
        return {
            "model": config.get("model"),
            "preset": config.get("preset"),
            "data": config.get("data"),
            "seed": None if config.get("seed") is None else str(config["seed"]),
            "epochs": len(self.history) or None,
            "best_epoch": self.best_epoch,
            "validation": next((best[name] for name in BEST if is_number(best.get(name))), None),
            "evaluated": evaluated if self.evaluation else None,
        }


def gather(paths) -> list[Run]:
    """What the folders of runs say of them, in the order given.

    Raises:
        InputError: if a path holds no run or stands there twice, or a file of a run is damaged.
    """
    paths = [Path(path) for path in paths]
    places = collections.Counter(path.resolve() for path in paths)
    for path in paths:
        if places[path.resolve()] > 1:
            raise InputError(f"{path} is given twice; give each run once")
    return [read_run(path, name) for path, name in zip(paths, names_of(paths), strict=True)]


def read_run(path: Path, name: str) -> Run:
    """What the folder of a run says of it; the errors of `gather`."""
    folder = RunFolder.open(path)
    config = folder.config()
    if not isinstance(config, dict):
        raise InputError(f"{path / 'config.json'} is damaged: it is not the configuration of a run")
    history = read_history(folder.metrics)
    evaluation = read_evaluation(folder.evaluation)
    notes = []
    if evaluation is None:
        notes.append(f"not evaluated; run: textgen evaluate {path}")
    if not folder.model.is_file():
        notes.append(f"not finished, there is no model.keras; go on with: textgen train --resume {path}")
    return Run(name, path, config, history, best_epoch_of(history, folder), evaluation, notes)


def read_history(path: Path) -> list[dict]:
    """The metrics of each epoch, without a last line that is still being written."""
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    history = []
    for number, line in enumerate(lines, start=1):
        try:
            epoch = json.loads(line)
        except json.JSONDecodeError:
            if not line.endswith("\n"):
                break
            epoch = None
        if not isinstance(epoch, dict):
            raise InputError(f"{path} is damaged: line {number} is not the metrics of an epoch")
        history.append(epoch)
    return history


def best_epoch_of(history: list[dict], folder: RunFolder) -> int | None:
    """The epoch whose model is kept, counted from 1: the one that the run's state names, else the last."""
    if not history:
        return None
    state = folder.state()
    best = state.get("best_epoch") if isinstance(state, dict) else None
    return best if isinstance(best, int) and 1 <= best <= len(history) else len(history)


def read_evaluation(path: Path) -> dict | None:
    """The file that `textgen evaluate` writes, every part of it checked; None if there is none.

    A figure that is no finite number is left out.
    """
    if not path.exists():
        return None
    stored = read_json(path)
    try:
        settings, frontier = dict(stored.get("settings", {})), list(stored.get("frontier", []))
        if not all(is_number(point["temperature"]) for point in frontier):
            raise TypeError("a temperature is no number")
        points = [{"temperature": point["temperature"], **figures_in(point)} for point in frontier]
        return {"settings": settings, **figures_in(stored), "frontier": points}
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{path} is damaged, or of another version; run: textgen evaluate {path.parent}") from None


def figures_in(stored: dict) -> dict:
    """`figures` and `intervals` of an evaluation or of a point of its frontier; fails on other types."""
    figures = {str(name): value for name, value in stored["figures"].items() if is_number(value)}
    if any(not isinstance(value, int | float | None) for value in stored["figures"].values()):
        raise TypeError("a figure is no number")
    intervals = {}
    for name, (low, high) in stored.get("intervals", {}).items():
        if name in figures and is_number(low) and is_number(high):
            intervals[str(name)] = (low, high)
    return {"figures": figures, "intervals": intervals}


def is_number(value) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def names_of(paths: list[Path]) -> list[str]:
    """A short name for each path: its last part, with the folders above it where that is the name of another, too."""
    parts = [path.resolve().parts for path in paths]
    lengths = [1] * len(paths)
    while True:
        names = ["/".join(own[-length:]) for own, length in zip(parts, lengths, strict=True)]
        same = [place for place, name in enumerate(names) if names.count(name) > 1]
        longer = [place for place in same if lengths[place] < len(parts[place])]
        if not longer:
            return names
        for place in longer:
            lengths[place] += 1


def differences(runs: list[Run]) -> list[str]:
    """A line for each reason why figures of these runs must not be held against each other."""
    found = []
    evaluated = [run for run in runs if run.evaluation]
    for setting, difference in DIFFERENCES.items():
        if len({json.dumps(run.evaluation["settings"].get(setting), default=str) for run in evaluated}) > 1:
            found.append(f"The runs were evaluated {difference}.")
    if len({json.dumps(tokens_of(run.config), sort_keys=True, default=str) for run in runs}) > 1:
        found.append(
            "The runs have different tokenizers or vocabularies: their likelihoods and perplexities do not compare."
        )
    return found


def tokens_of(config: dict) -> list:
    """What decides into which tokens a run parts its texts."""
    hyperparameters = config.get("hyperparameters") or {}
    size = hyperparameters.get("vocabulary_size", 10_000) if isinstance(hyperparameters, dict) else None
    return [config.get("tokenizer", "words"), config.get("tokenizer_options") or {}, config.get("vocabulary"), size]

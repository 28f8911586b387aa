"""The checkpoints of a run: each is there whole or not at all, and a damaged one is passed over for the one before.

    epoch-0003.keras     the model after an epoch; the last few of them, and the best
    epoch-0003.json      where the run stood then, with the size and the SHA-256 of that file
    state.json           where the run stands: the newest of these
    interrupted.keras    the model in the middle of an epoch, where the run was asked to stop
    interrupted.json     the step, and what the metrics had added up

Each file is written beside its place and moved there, a model before what names it. So a kill at any moment leaves the
run at the end of some epoch, or where it was interrupted.
"""

import contextlib
import json
import re
import warnings
from pathlib import Path

from keras_textgen.errors import InputError
from training.whole_files import in_place, read_json, sha256, write_atomically

CHECKPOINT = re.compile(r"epoch-\d{4,9}\.keras")
INTERRUPTED = "interrupted.keras"
MOST = 1e300  # that a loss can be


class DamageWarning(UserWarning):
    """A checkpoint cannot be used, and an older one was taken instead. The message says which."""


def save_model(model, place: Path) -> dict:
    """Writes a model so that its file is never seen half written; returns its `size` in bytes and `sha256`."""
    in_place(place, model.save)
    return {"size": place.stat().st_size, "sha256": sha256(place)}


def checked(state) -> dict | None:
    """A state with all that it has to say, if it can be one, so that nothing in it leads out of the folder or breaks
    those that read it; else None."""
    if not isinstance(state, dict):
        return None
    state = {"best": None, "best_epoch": None, "best_value": None, "lowered": 0, **state}
    best = state["best"], state["best_epoch"], state["best_value"]
    has_best = is_name(best[0]) and is_count(best[1]) and is_number(best[2])
    good = is_count(state.get("epoch")) and is_name(state.get("latest")) and is_count(state["lowered"])
    return state if good and (has_best or best == (None, None, None)) else None


def is_name(value) -> bool:
    """Whether a value out of JSON is the name of a checkpoint."""
    return isinstance(value, str) and CHECKPOINT.fullmatch(value) is not None


def is_count(value) -> bool:
    """Whether a value out of JSON is a whole number of at least 0."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_number(value) -> bool:
    """Whether a value out of JSON is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -MOST < value < MOST


class Checkpoints:
    """The folder `checkpoints/` of a run."""

    def __init__(self, path: Path):
        self.path = path

    def place(self, name: str) -> Path:
        """Where a file of that name is."""
        return self.path / name

    def state(self) -> dict | None:
        """Where the run stands: `epoch` (epochs done), `latest` and `best` (files), `best_epoch`, `best_value`,
        `lowered` (how often the learning rate was); None before the end of the first epoch.

        Raises:
            InputError: if the file that says so is damaged.
        """
        path = self.place("state.json")
        if not path.exists():
            return None
        state = checked(read_json(path))
        if state is None:
            raise InputError(f"{path} is damaged: it does not say where the run stands")
        return state

    def is_whole(self, name: str, found: dict) -> bool:
        """Whether a model's file is what was written, by its size and checksum."""
        place = self.place(name)
        with contextlib.suppress(OSError):
            if "sha256" not in found:  # written by an earlier version
                return place.is_file()
            return place.stat().st_size == found.get("size") and sha256(place) == found["sha256"]
        return False

    def records(self) -> list[dict]:
        """The states of all checkpoints that can be read, newest first."""
        found = []
        for path in [self.place("state.json"), *self.path.glob("epoch-*.json")]:
            with contextlib.suppress(InputError):
                found.append(checked(read_json(path)) or {})
        return sorted((state for state in found if state), key=lambda state: state["epoch"], reverse=True)

    def recover(self, epochs: int) -> None:
        """Makes the newest good checkpoint the latest, with a `DamageWarning` where another should have been.

        Args:
            epochs: of which metrics are known; what is newer was not finished.

        Raises:
            InputError: if there are checkpoints, and none is whole.
        """
        try:
            newest = self.state()
        except InputError as error:
            newest, damaged = None, str(error)
        else:
            if newest is None and not self.records():
                return
            damaged = f"{self.place(newest['latest'])} is damaged or truncated" if newest else "state.json is gone"
        most = epochs if newest is None else newest["epoch"]
        finished = [state for state in self.records() if state["epoch"] <= most]
        good = next((state for state in finished if self.is_whole(state["latest"], state)), None)
        if good is None:
            raise InputError(f"{damaged}, and no other checkpoint is whole; start again into another folder")
        if good["best"] is not None and not self.is_whole(good["best"], self.record_of(good["best"])):
            warnings.warn(f"{self.place(good['best'])} is damaged; the best epoch is sought anew", DamageWarning, 2)
            good = {**good, "best": None, "best_epoch": None, "best_value": None}
        if good != newest:
            if newest is None or good["epoch"] != newest["epoch"]:
                warnings.warn(f"{damaged}; going on from epoch {good['epoch']}", DamageWarning, stacklevel=2)
            write_atomically(self.place("state.json"), json.dumps(good, indent=2) + "\n")

    def record_of(self, name: str) -> dict:
        """What is known of a checkpoint; nothing where its record is gone."""
        with contextlib.suppress(InputError):
            found = read_json(self.place(name).with_suffix(".json"))
            return found if isinstance(found, dict) else {}
        return {}

    def save(self, model, epoch: int, best_value: float | None, lowered: int = 0) -> dict:
        """Writes the checkpoint of an epoch, and beside it the state that the run is in; returns that state, which
        does not count before `settle`."""
        state = self.state() or {"best": None, "best_epoch": None, "best_value": None}
        name = f"epoch-{epoch:04d}.keras"
        state.update(epoch=epoch, latest=name, lowered=lowered, **save_model(model, self.place(name)))
        if best_value is not None and (state["best_value"] is None or best_value < state["best_value"]):
            state.update(best=name, best_epoch=epoch, best_value=best_value)
        write_atomically(self.place(name).with_suffix(".json"), json.dumps(state, indent=2) + "\n")
        return state

    def settle(self, state: dict, keep: int) -> None:
        """Makes this the state of the run, and forgets all but the last `keep` checkpoints and the best."""
        write_atomically(self.place("state.json"), json.dumps(state, indent=2) + "\n")
        self.forget_interrupted()
        names = sorted((path.name for path in self.path.glob("epoch-*.keras")), key=lambda name: int(name[6:-6]))
        newer = [name for name in names if int(name[6:-6]) > state["epoch"]]  # of a run that went back
        for old in {*names[: len(names) - len(newer)][:-keep], *newer} - {state["latest"], state["best"]}:
            self.place(old).with_suffix(".json").unlink(missing_ok=True)
            self.place(old).unlink(missing_ok=True)

    # In the middle of an epoch

    def save_interrupted(self, model, epoch: int, step: int, metrics: list[float], lowered: int = 0) -> None:
        """Writes the model after `step` steps of the epoch behind `epoch` finished ones."""
        self.forget_interrupted()
        found = save_model(model, self.place(INTERRUPTED))
        state = {"epoch": epoch, "step": step, "metrics": metrics, "lowered": lowered, "latest": INTERRUPTED, **found}
        write_atomically(self.place(INTERRUPTED).with_suffix(".json"), json.dumps(state) + "\n")

    def interrupted(self, epoch: int) -> dict | None:
        """Where a run with so many finished epochs was interrupted: `step`, `metrics`, `latest` (the file) and
        `lowered`; None if it was not."""
        state = {"lowered": 0, **self.record_of(INTERRUPTED)}
        good = state.get("epoch") == epoch and is_count(state.get("step")) and state["step"] > 0
        sums = state.get("metrics")
        good = good and isinstance(sums, list) and all(isinstance(value, float) for value in sums)
        good = good and is_count(state["lowered"]) and state.get("latest") == INTERRUPTED
        return state if good and self.is_whole(INTERRUPTED, state) else None

    def forget_interrupted(self) -> None:
        """Takes away what was kept in the middle of an epoch."""
        self.place(INTERRUPTED).with_suffix(".json").unlink(missing_ok=True)
        self.place(INTERRUPTED).unlink(missing_ok=True)

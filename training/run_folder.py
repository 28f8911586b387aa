"""The folder of a run: everything that a run leaves behind, and all that resuming it needs.

    config.json            the resolved configuration
    metrics.jsonl          a line an epoch
    logs/                  for TensorBoard
    samples/               texts written every few epochs
    checkpoints/           the latest and the best model; state.json says which files those are
    model.keras            the final model
    figures.json           what it came to
    evaluation.json        what `textgen evaluate` found

Files appear whole or not at all: each is written beside its place and moved there. state.json is moved last, so a
kill at any moment leaves the folder at the end of some epoch.
"""

import contextlib
import fcntl
import json
import os
from pathlib import Path

from keras_textgen.errors import InputError


def write_atomically(path: Path, text: str) -> None:
    """Writes a text file so that it is never seen half written."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    with unfinished.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def read_json(path: Path) -> dict:
    """A JSON file of the run; `InputError` names it if it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"there is no {path}; is {path.parent} a run folder?") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise InputError(f"{path} is damaged: it is not JSON") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


class RunFolder:
    """A run's folder; use `create` or `open` to get one, inside `with folder.locked():` to write to it."""

    def __init__(self, path):
        self.path = Path(path)
        self.metrics = self.path / "metrics.jsonl"
        self.logs = self.path / "logs"
        self.model = self.path / "model.keras"
        self.evaluation = self.path / "evaluation.json"

    @classmethod
    def create(cls, path, config: dict) -> "RunFolder":
        """Makes a new run folder.

        Raises:
            InputError: if something is there already, or the folder cannot be written.
        """
        cls.require_new(path)
        folder = cls(path)
        try:
            for part in (folder.logs, folder.path / "checkpoints", folder.path / "samples"):
                part.mkdir(parents=True, exist_ok=True)
            write_atomically(folder.path / "config.json", json.dumps(config, indent=2) + "\n")
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
        return folder

    @staticmethod
    def require_new(path) -> None:
        """Raises `InputError` if something is at that place already."""
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} exists already; give another --out, or go on with --resume {path}")

    @classmethod
    def open(cls, path) -> "RunFolder":
        """An existing run folder.

        Raises:
            InputError: if there is none.
        """
        folder = cls(path)
        if not folder.path.is_dir():
            raise InputError(f"there is no run folder {path}")
        folder.config()
        return folder

    def config(self) -> dict:
        """The configuration that the run was started with."""
        return read_json(self.path / "config.json")

    def state(self) -> dict | None:
        """Where the run stands: `epoch` (epochs done), `latest`, `best`, `best_epoch`, `best_value`. None before
        epoch 1."""
        path = self.path / "checkpoints" / "state.json"
        return read_json(path) if path.exists() else None

    def checkpoint(self, name: str) -> Path:
        """The place of a checkpoint file that the state names."""
        return self.path / "checkpoints" / name

    @contextlib.contextmanager
    def locked(self):
        """Holds the folder for this process; a second run into it is refused. The lock dies with the process."""
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(f"another run is writing to {self.path}; wait for it, or stop it first") from None
            yield

    def save_model(self, model, place: Path) -> None:
        """Writes a model so that its file is never seen half written."""
        unfinished = place.with_name(f".unfinished-{place.name}")
        try:
            model.save(unfinished)
            os.replace(unfinished, place)
        finally:
            unfinished.unlink(missing_ok=True)

    def finish_epoch(self, model, epoch: int, metrics: dict, best_value: float | None) -> dict:
        """Writes the checkpoint and the metrics of an epoch, then the state that names them; returns the state.

        Args:
            epoch: number of epochs done.
            best_value: what to select by (lower is better); None if this epoch must not be selected.
        """
        state = self.state() or {"best": None, "best_epoch": None, "best_value": None}
        name = f"epoch-{epoch:04d}.keras"
        self.save_model(model, self.checkpoint(name))
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"epoch": epoch, **metrics}) + "\n")
        state.update(epoch=epoch, latest=name)
        if best_value is not None and (state["best_value"] is None or best_value < state["best_value"]):
            state.update(best=name, best_epoch=epoch, best_value=best_value)
        write_atomically(self.checkpoint("state.json"), json.dumps(state, indent=2) + "\n")
        for old in self.checkpoint("").glob("epoch-*.keras"):
            if old.name not in (state["latest"], state["best"]):
                old.unlink()
        return state

    def forget_unfinished(self) -> None:
        """Takes back what was written after the last finished epoch, so that a resumed run repeats it."""
        epochs = (self.state() or {"epoch": 0})["epoch"]
        if self.metrics.exists():
            lines = self.metrics.read_text(encoding="utf-8").splitlines()
            write_atomically(self.metrics, "".join(line + "\n" for line in lines[:epochs]))

    def history(self) -> list[dict]:
        """The metrics of the epochs so far."""
        if not self.metrics.exists():
            return []
        return [json.loads(line) for line in self.metrics.read_text(encoding="utf-8").splitlines()]

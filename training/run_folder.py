"""The folder of a run: everything that a run leaves behind, and all that resuming it needs.

    config.json            the resolved configuration
    metrics.jsonl          a line an epoch
    logs/                  for TensorBoard
    samples/               texts written every few epochs
    checkpoints/           the latest models and the best one; see `training.checkpoints`
    model.keras            the final model
    figures.json           what it came to
    evaluation.json        what `textgen evaluate` found

Files appear whole or not at all: each is written beside its place and moved there. state.json is moved last, so a
kill at any moment leaves the folder at the end of some epoch.
"""

import contextlib
import fcntl
import json
import shutil
from pathlib import Path

from keras_textgen.errors import InputError
from training.checkpoints import Checkpoints
from training.whole_files import read_json, write_atomically

__all__ = ["KEPT", "RunFolder", "read_json", "write_atomically"]

KEPT = 3  # checkpoints, beside the best


class RunFolder:
    """A run's folder; use `create` or `open` to get one, inside `with folder.locked():` to write to it."""

    def __init__(self, path):
        self.path = Path(path)
        self.metrics = self.path / "metrics.jsonl"
        self.logs = self.path / "logs"
        self.model = self.path / "model.keras"
        self.evaluation = self.path / "evaluation.json"
        self.checkpoints = Checkpoints(self.path / "checkpoints")

    @classmethod
    def create(cls, path, config: dict) -> "RunFolder":
        """Makes a new run folder.

        Raises:
            InputError: if something is there already, or the folder cannot be written.
        """
        cls.require_new(path)
        folder = cls(path)
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
            with folder.locked():
                cls.require_new(path)  # another run may have come first
                for part in (folder.logs, folder.checkpoints.path, folder.path / "samples"):
                    part.mkdir()
                write_atomically(folder.path / "config.json", json.dumps(config, indent=2) + "\n")
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
        return folder

    @staticmethod
    def require_new(path) -> None:
        """Raises `InputError` if something is at that place already."""
        path = Path(path)
        if path.exists() and (not path.is_dir() or any(part.name != ".lock" for part in path.iterdir())):
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
        """Where the run stands; see `Checkpoints.state`."""
        return self.checkpoints.state()

    def checkpoint(self, name: str) -> Path:
        """The place of a checkpoint file that the state names."""
        return self.checkpoints.place(name)

    @contextlib.contextmanager
    def locked(self):
        """Holds the folder for this process; a second run into it is refused. The lock dies with the process."""
        try:
            lock = (self.path / ".lock").open("w")
        except OSError as error:
            raise InputError(f"{self.path} cannot be written: {error.strerror or error}") from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(f"another run is writing to {self.path}; wait for it, or stop it first") from None
            yield

    def require_room(self, model, keep: int = KEPT) -> None:
        """Raises `InputError` if the disk cannot hold the checkpoints of a model, so that a run that must fail fails
        before it has begun."""
        needed = round(size_of_file(model) * (keep + 3))  # beside them the best, the final model, and one being written
        held = sum(path.stat().st_size for path in self.path.rglob("*.keras"))
        free = shutil.disk_usage(self.path).free
        if needed - held > free:
            raise InputError(
                f"{self.path} has {free / 1e6:,.0f} MB left, and the checkpoints of this model need about "
                f"{(needed - held) / 1e6:,.0f} MB; make room, or keep fewer of them"
            )

    def finish_epoch(
        self, model, epoch: int, metrics: dict, best_value: float | None, *, keep: int = KEPT, lowered: int = 0
    ) -> dict:
        """Writes the checkpoint and the metrics of an epoch, then the state that names them; returns the state.

        Args:
            epoch: number of epochs done.
            best_value: what to select by (lower is better); None if this epoch must not be selected.
            keep: how many checkpoints stay, beside the best.
            lowered: how often the learning rate was lowered so far.
        """
        state = self.checkpoints.save(model, epoch, best_value, lowered)
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"epoch": epoch, **metrics}) + "\n")
        self.checkpoints.settle(state, keep)
        return state

    def recover(self) -> None:
        """Goes back to the newest checkpoint that is whole, and takes back what was written after it, so that a resumed
        run repeats that; errors as in `Checkpoints.recover`."""
        lines = []
        if self.metrics.exists():
            lines = self.metrics.read_text(encoding="utf-8", errors="replace").splitlines()
        self.checkpoints.recover(sum(line.endswith("}") for line in lines))
        epochs = (self.state() or {"epoch": 0})["epoch"]
        if len(lines) > epochs:
            write_atomically(self.metrics, "".join(line + "\n" for line in lines[:epochs]))

    def history(self) -> list[dict]:
        """The metrics of the epochs so far."""
        if not self.metrics.exists():
            return []
        return [json.loads(line) for line in self.metrics.read_text(encoding="utf-8").splitlines()]


def size_of_file(model) -> int:
    """About how many bytes a model's file takes, with its optimizers; 0 where the model does not know its weights."""
    optimizers = (getattr(model, name, None) for name in ("optimizer", "discriminator_optimizer"))
    parts = [*getattr(model, "weights", []), *(v for of in optimizers if of is not None for v in of.variables)]
    return sum(int(part.numpy().nbytes) for part in parts)

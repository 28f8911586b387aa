"""Progress of a training run on a terminal: where it stands, what the figures are, how long it will take."""

import keras
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from training.cli.shared import errors

SHOWN = (
    *("loss", "distortion", "rate", "reward", "discriminator_accuracy", "distinct"),
    *("val_nll", "val_perplexity"),
)


class ShowProgress(keras.callbacks.Callback):
    """A bar over the whole run with the time left, and a line of figures an epoch; plain lines without a terminal.

    Without `lines` there is the bar alone, and it goes away at the end.
    """

    def __init__(self, epochs: int, steps: int, *, lines: bool = True):
        super().__init__()
        self.epochs = epochs
        self.steps = steps
        self.lines = lines
        self.bar = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=errors,
            transient=not lines,
            disable=not errors.is_terminal,
        )

    def on_train_begin(self, logs=None):
        if not self.bar.tasks:  # it may be the second part of a run that went back
            total = self.epochs * self.steps
            self.task = self.bar.add_task("", total=total, epoch=0, epochs=self.epochs, loss=float("nan"))
        self.bar.start()

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.bar.update(self.task, completed=epoch * self.steps, epoch=epoch + 1)

    def on_train_batch_end(self, batch, logs=None):
        if batch % 10 == 0:
            done = self.epoch * self.steps + batch + 1
            self.bar.update(self.task, completed=done, loss=float(logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        figures = "  ".join(f"{name} {logs[name]:.3f}" for name in SHOWN if name in logs)
        self.bar.update(self.task, completed=(epoch + 1) * self.steps)
        if self.lines:
            errors.print(f"epoch {epoch + 1:>3}/{self.epochs}  {figures}")

    def on_train_end(self, logs=None):
        self.close()

    def close(self) -> None:
        """Takes the bar off the terminal; safe to call twice."""
        self.bar.stop()

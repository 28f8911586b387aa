"""Keras callbacks of a run."""

import math

import keras
import numpy as np

from training.evaluation import negative_log_likelihood
from training.interruption import Interruption, Stopped
from training.run_folder import RunFolder
from training.whole_files import write_atomically

LOOKED_AT = 10  # batches between two looks at the loss
EXPLODED = 10.0  # times the loss of the first epoch


class Diverged(RuntimeError):
    """The loss is no number any more, or far larger than it was.

    Attributes:
        loss: that it is.
        epoch: in which, from 1.
    """

    def __init__(self, loss: float, epoch: int):
        super().__init__(f"the loss is {loss:.5g} in epoch {epoch}")
        self.loss, self.epoch = loss, epoch


class KeepRun(keras.callbacks.Callback):
    """At the end of every epoch: validates, keeps the checkpoint and the metrics, and writes samples every few epochs.

    The best epoch is chosen by the negative log-likelihood of validation texts (`val_nll`, nats a text;
    importance-weighted for models with a latent), where the model has one; and only once the KL weight has reached its
    end, since before that no two epochs are alike. The one-sample bound is too noisy for that, and the training loss
    holds the free bits.

    Raises `Diverged` before a model is kept whose loss or whose weights are not finite, or whose loss has exploded.

    Args:
        lowered: how often the learning rate was lowered so far.
    """

    def __init__(self, folder: RunFolder, config, valid, lowered: int = 0):
        super().__init__()
        self.folder = folder
        self.config = config
        self.valid = valid.take(range(min(config.validation_texts, len(valid))))
        self.lowered = lowered

    def on_epoch_end(self, epoch, logs=None):
        epoch += 1
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        if hasattr(self.model, "score"):
            given = self.valid, self.valid.labels, self.config.validation_samples
            metrics["val_nll"] = float(negative_log_likelihood(self.model, *given).mean())
        value = metrics.get("val_nll", metrics.get("val_loss"))
        metrics["learning_rate"] = float(self.model.optimizer.learning_rate)
        if logs is not None:
            logs.update(metrics)
        settled = getattr(self.model, "settled", True)
        kept = {"keep": self.config.kept, "lowered": self.lowered}
        self.folder.finish_epoch(self.model, epoch, metrics, value if settled else None, **kept)
        if epoch % self.config.samples_every == 0 or epoch == self.config.epochs:
            like = [place % len(self.valid) for place in range(20)]  # whose attributes the samples are asked for
            texts = self.model.generate(20, seed=self.config.seed, attributes=self.valid.take(like).labels)
            place = self.folder.path / "samples" / f"epoch-{epoch:04d}.txt"
            write_atomically(place, "".join(text + "\n" for text in texts))


class StopWhenDiverged(keras.callbacks.Callback):
    """Raises `Diverged` where the loss is no number, or where the weights at the end of an epoch are none, or the loss
    has exploded: it comes before `KeepRun`, so that no broken model is kept.

    Args:
        folder: of the run, for the loss of its first epoch.
    """

    def __init__(self, folder: RunFolder):
        super().__init__()
        self.folder = folder

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if batch % LOOKED_AT == 0 or batch + 1 == self.params["steps"]:
            self.require(math.isfinite(float(logs["loss"])), float(logs["loss"]))

    def on_epoch_end(self, epoch, logs=None):
        loss = float(logs["loss"])
        self.require(math.isfinite(loss) and all(np.isfinite(weight).all() for weight in self.weights()), loss)
        first = next((line["loss"] for line in self.folder.history()), None)
        if first is not None and not hasattr(self.model, "discriminator"):  # a game has losses of every size
            self.require(loss <= EXPLODED * max(first, 1.0), loss)

    def weights(self):
        """The weights that are numbers with a fraction."""
        return (weight.numpy() for weight in self.model.trainable_variables)

    def require(self, good: bool, loss: float) -> None:
        """Raises `Diverged` unless this is so."""
        if not good:
            raise Diverged(loss, self.epoch)


class StopWhenAsked(keras.callbacks.Callback):
    """Keeps the model in the middle of an epoch where the run was asked to stop, and raises `Stopped`.

    Args:
        folder: of the run.
        interruption: whether it was asked to.
        step: how many steps of the first epoch were taken before.
        metrics: what the metrics had added up in these.
        lowered: how often the learning rate was lowered so far.
    """

    def __init__(self, folder: RunFolder, interruption: Interruption, step: int, metrics: list, lowered: int = 0):
        super().__init__()
        self.folder, self.interruption = folder, interruption
        self.step, self.added_up, self.lowered = step, metrics, lowered

    def sums(self) -> list:
        """What the metrics add up."""
        return [variable for metric in self.model.metrics for variable in metric.variables]

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        for variable, value in zip(self.sums(), self.added_up, strict=False):
            variable.assign(value)

    def on_train_batch_end(self, batch, logs=None):
        if self.interruption.signal is not None and batch + 1 < self.params["steps"]:
            sums = [float(variable.numpy()) for variable in self.sums()]
            place = self.epoch, self.step + batch + 1
            self.folder.checkpoints.save_interrupted(self.model, *place, sums, self.lowered)
            raise Stopped(self.interruption.signal)

    def on_epoch_end(self, epoch, logs=None):
        self.step, self.added_up = 0, []
        if self.interruption.signal is not None:
            raise Stopped(self.interruption.signal)

"""Keras callbacks of a run."""

import math

import keras

from keras_textgen.errors import InputError
from training.evaluation import negative_log_likelihood
from training.run_folder import RunFolder, write_atomically


class KeepRun(keras.callbacks.Callback):
    """At the end of every epoch: validates, keeps the checkpoint and the metrics, and writes samples every few epochs.

    The best epoch is chosen by the negative log-likelihood of validation texts (`val_nll`, nats a text;
    importance-weighted for models with a latent), where the model has one; and only once the KL weight has reached its
    end, since before that no two epochs are alike. The one-sample bound is too noisy for that, and the training loss
    holds the free bits.
    """

    def __init__(self, folder: RunFolder, config, valid):
        super().__init__()
        self.folder = folder
        self.config = config
        self.valid = valid.take(range(min(config.validation_texts, len(valid))))

    def on_epoch_end(self, epoch, logs=None):
        epoch += 1
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        if not math.isfinite(metrics["loss"]):
            raise InputError(
                f"the loss is {metrics['loss']} in epoch {epoch}; start again with a lower learning rate "
                f"(the last good state is in {self.folder.path / 'checkpoints'})"
            )
        if hasattr(self.model, "score"):
            given = self.valid, self.valid.labels, self.config.validation_samples
            metrics["val_nll"] = float(negative_log_likelihood(self.model, *given).mean())
        value = metrics.get("val_nll", metrics.get("val_loss"))
        metrics["learning_rate"] = float(self.model.optimizer.learning_rate)
        if logs is not None:
            logs.update(metrics)
        settled = getattr(self.model, "settled", True)
        self.folder.finish_epoch(self.model, epoch, metrics, value if settled else None)
        if epoch % self.config.samples_every == 0 or epoch == self.config.epochs:
            like = [place % len(self.valid) for place in range(20)]  # whose attributes the samples are asked for
            texts = self.model.generate(20, seed=self.config.seed, attributes=self.valid.take(like).labels)
            place = self.folder.path / "samples" / f"epoch-{epoch:04d}.txt"
            write_atomically(place, "".join(text + "\n" for text in texts))

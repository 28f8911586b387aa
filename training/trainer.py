"""Training a model of the zoo into a run folder, from the start or from where it was interrupted."""

import dataclasses
import json
import shutil
from collections.abc import Callable

from training import corpora
from training.run_config import RunConfig
from training.run_folder import RunFolder, write_atomically


def start(
    config: RunConfig, path, watch: Callable = lambda folder, config, steps: [], watch_preparing=corpora.unwatched
) -> dict:
    """Trains a new model into the folder `path`; returns the figures of the best epoch's model.

    Args:
        watch: gives further Keras callbacks from (folder, config, batches an epoch), such as a progress display.
        watch_preparing: as of `corpora.prepare`, for a corpus that is too large for the memory. It is prepared in the
            folder `<path>.data`.

    Raises:
        InputError: if the configuration, the data or the folder cannot be used.
    """
    config.check()
    RunFolder.require_new(path)
    config, corpus = config.with_corpus(f"{path}.data", watch_preparing)
    model = config.build_model(corpus)
    folder = RunFolder.create(path, dataclasses.asdict(config))  # last, so that a refused run leaves nothing behind
    with folder.locked():
        return run(folder, config, corpus, model, watch)


def resume(path, watch: Callable = lambda folder, config, steps: []) -> dict:
    """Goes on with a run that was interrupted, from the last epoch that it finished.

    The order of batches, dropout and latent samples depend on the seed and the step alone, so the outcome is that of an
    uninterrupted run.

    Raises:
        InputError: if there is no run, it has finished, or its checkpoint is damaged.
    """
    import zoo

    folder = RunFolder.open(path)
    config = RunConfig.of(folder)
    corpus = config.load_corpus()
    with folder.locked():
        state = folder.state()
        folder.forget_unfinished()
        model = zoo.load(folder.checkpoint(state["latest"])) if state else config.build_model(corpus)
        return run(folder, config, corpus, model, watch)


def run(folder: RunFolder, config: RunConfig, corpus, model, watch: Callable) -> dict:
    """Trains from where the folder stands to the end of the run, and sums it up."""
    import keras
    import tensorflow as tf

    import zoo
    from training.callbacks import KeepRun
    from training.evaluation import evaluate

    tf.config.experimental.enable_op_determinism()
    done = (folder.state() or {"epoch": 0})["epoch"]
    if done < config.epochs:
        batches = config.batches(model, corpus)
        callbacks = [
            KeepRun(folder, config, corpus.valid),
            keras.callbacks.TensorBoard(folder.logs, write_graph=False),
            *watch(folder, config, batches.steps),
        ]
        model.fit(
            batches,
            batch_size=config.batch_size,
            epochs=config.epochs,
            initial_epoch=done,
            validation_data=(list(corpus.valid), corpus.valid.labels),
            callbacks=callbacks,
            verbose=0,
        )
    state = folder.state()
    best = folder.checkpoint(state["best"] or state["latest"])
    unfinished = folder.model.with_name(".unfinished-model.keras")
    shutil.copyfile(best, unfinished)
    unfinished.replace(folder.model)
    figures = {"best_epoch": state["best_epoch"] or state["epoch"], "epochs": state["epoch"]}
    valid = corpus.valid.take(range(min(config.validation_texts, len(corpus.valid))))
    figures["valid"] = evaluate(zoo.load(folder.model), valid, labels=valid.labels, seed=config.seed)
    write_atomically(folder.path / "figures.json", json.dumps(figures, indent=2) + "\n")
    return figures

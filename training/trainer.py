"""Training a model of the zoo into a run folder, from the start or from where it was interrupted."""

import contextlib
import dataclasses
import json
import shutil
import warnings
from collections.abc import Callable

from keras_textgen.errors import InputError
from training import corpora, distribution
from training.distribution import Team
from training.interruption import Interruption
from training.run_config import RunConfig
from training.run_folder import RunFolder
from training.whole_files import in_place, write_atomically

REPLACED = ("data", "text", "valid", "test", "vocabulary", "attributes")  # in a configuration whose corpus is prepared
LOWERED = 0.25  # what stays of the learning rate where the loss has exploded


class DivergenceWarning(UserWarning):
    """The loss has exploded, and the training goes on from the last good state, more slowly. The message says how."""


def start(
    config: RunConfig, path, watch: Callable = lambda folder, config, steps: [], watch_preparing=corpora.unwatched
) -> dict:
    """Trains a new model into the folder `path`; returns the figures of the best epoch's model.

    Args:
        watch: gives further Keras callbacks from (folder, config, batches an epoch), such as a progress display.
        watch_preparing: as of `corpora.prepare`, for a corpus that is too large for the memory. It is prepared in the
            folder `<path>.data`.

    Raises:
        InputError: if the configuration, the data or the folder cannot be used, or the loss explodes again and again.
        WorkerLost: if another worker of the training has gone.
    """
    config.check()
    team = distribution.join(config.distribute)
    with team.together():
        if team.writes:
            RunFolder.require_new(path)
        config, corpus = team.in_turn(lambda: config.with_corpus(f"{path}.data", watch_preparing))
        model = config.build_model(corpus, team)
        if team.writes:  # last, so that a refused run leaves nothing behind
            RunFolder.create(path, dataclasses.asdict(config))
        team.wait()
        folder = RunFolder.open(path)
        with folder.locked() if team.writes else contextlib.nullcontext():
            return run(folder, config, corpus, model, watch, team)


def resume(path, watch: Callable = lambda folder, config, steps: []) -> dict:
    """Goes on with a run that was interrupted, from the last epoch that it finished, or from the step at which it was
    asked to stop.

    The order of batches, dropout and latent samples depend on the seed and the step alone, so the outcome is that of an
    uninterrupted run.

    Raises:
        InputError: if there is no run, none of its checkpoints is whole, or the loss explodes again and again.
        WorkerLost: if another worker of the training has gone.
    """
    folder = RunFolder.open(path)
    config = RunConfig.of(folder)
    team = distribution.join(config.distribute)
    with team.together(), folder.locked() if team.writes else contextlib.nullcontext():
        return run(folder, config, config.load_corpus(), None, watch, team)


def start_or_resume(
    config: RunConfig, path, watch: Callable = lambda folder, config, steps: [], watch_preparing=corpora.unwatched
) -> dict:
    """`resume` where there is a run in the folder already, which must be of the same configuration; else `start`. So
    the same command, given again and again, ends with a trained model."""
    folder = RunFolder(path)
    if not (folder.path / "config.json").exists():
        return start(config, path, watch, watch_preparing)
    ours, theirs = (dataclasses.asdict(one) for one in (config.check(), RunConfig.of(RunFolder.open(path))))
    free = {"distribute", *(REPLACED if theirs["data"] == f"{path}.data" else ())}
    differing = [name for name in ours if ours[name] != theirs[name] and name not in free]
    if differing:
        name = differing[0]
        raise InputError(f"{path} holds a run with {name} {theirs[name]!r}, not {ours[name]!r}; give another --out")
    return resume(path, watch)


def run(folder: RunFolder, config: RunConfig, corpus, model, watch: Callable, team: Team = Team()) -> dict:  # noqa: B008
    """Trains from where the folder stands to the end of the run, and sums it up.

    Args:
        model: as it stands before the first epoch; None to make it.
    """
    import tensorflow as tf

    from training.callbacks import Diverged

    tf.config.experimental.enable_op_determinism()
    lowered = 0
    while True:
        if team.writes:
            folder.recover()
        team.wait()  # from here on all see the same state
        state = folder.state() or {"epoch": 0}
        if state["epoch"] == config.epochs:
            break
        lowered = max(lowered, state.get("lowered", 0))
        try:
            fit(folder, config, corpus, model, watch, team, lowered)
            break
        except Diverged as error:
            lowered, model = go_back(folder, config, error, lowered, team), None
    if team.writes:
        sum_up(folder, config, corpus)
    team.wait()
    return json.loads((folder.path / "figures.json").read_text(encoding="utf-8"))


def fit(folder: RunFolder, config: RunConfig, corpus, model, watch: Callable, team: Team, lowered: int) -> None:
    """Trains to the last epoch from the newest state, that of the middle of an epoch included."""
    import keras

    import zoo
    from training.callbacks import KeepRun, StopWhenAsked, StopWhenDiverged

    state = folder.state()
    done = 0 if state is None else state["epoch"]
    half = folder.checkpoints.interrupted(done)
    at = half or state
    if at is not None:
        with team.scope():
            model = zoo.load(folder.checkpoint(at["latest"]))
    elif model is None:
        model = config.build_model(corpus, team)
    lower_rates(model, LOWERED ** (lowered - (at or {}).get("lowered", 0)))
    if team.writes:
        folder.require_room(model, config.kept)
    batches = config.batches(model, corpus)
    step, sums = (half["step"], half["metrics"]) if half else (0, [])
    with Interruption().heeded() if team.size == 1 else contextlib.nullcontext() as interruption:
        own = [StopWhenDiverged(folder)]
        if team.writes:
            own += [KeepRun(folder, config, corpus.valid, lowered)]
            own += [keras.callbacks.TensorBoard(folder.logs, write_graph=False)]
            own += watch(folder, config, batches.steps)
        if interruption is not None:
            own.append(StopWhenAsked(folder, interruption, step, sums, lowered))
        options = dict(
            batch_size=config.batch_size,
            validation_data=(list(corpus.valid), corpus.valid.labels),
            callbacks=own,
            verbose=0,
        )
        if step:
            model.fit(batches, epochs=done + 1, initial_epoch=done, initial_step=step, **options)
            done += 1
        if done < config.epochs:
            model.fit(batches, epochs=config.epochs, initial_epoch=done, **options)


def go_back(folder: RunFolder, config: RunConfig, error, lowered: int, team: Team) -> int:
    """What follows an exploding loss: the next epoch starts from the last good state with a lower rate. Returns how
    often the rate was lowered, this time included; `InputError` if that is too often."""
    good = (folder.state() or {"epoch": 0})["epoch"]
    if lowered >= config.rollbacks:
        tried = f" after the rate was lowered {lowered} times" if lowered else ""
        raise InputError(
            f"{error}{tried}; start again with a lower learning rate than {config.learning_rate} "
            f"(the last good state is in {folder.path / 'checkpoints'})"
        ) from error
    if team.writes:
        folder.checkpoints.forget_interrupted()
    place = f"epoch {good}" if good else "the start"
    warnings.warn(f"{error}; back to {place}, with {LOWERED:.0%} of the learning rate", DivergenceWarning, stacklevel=2)
    return lowered + 1


def lower_rates(model, factor: float) -> None:
    """Multiplies the learning rates of a model's optimizers, and those that their schedules start from."""
    import keras

    if factor == 1:
        return
    optimizers = (getattr(model, name, None) for name in ("optimizer", "discriminator_optimizer"))
    for optimizer in (getattr(found, "inner_optimizer", found) for found in optimizers if found is not None):
        rate = optimizer._learning_rate
        if isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
            config = rate.get_config()
            config["initial_learning_rate"] *= factor
            optimizer.learning_rate = type(rate).from_config(config)
        else:
            optimizer.learning_rate = float(rate) * factor


def sum_up(folder: RunFolder, config: RunConfig, corpus) -> None:
    """Makes the best epoch's model the final one, or the mean of the last ones where that is asked for and better, and
    writes the figures of it."""
    import zoo
    from training.averaging import better_mean
    from training.evaluation import evaluate

    state = folder.state()
    best = folder.checkpoint(state["best"] or state["latest"])
    valid = corpus.valid.take(range(min(config.validation_texts, len(corpus.valid))))
    mean = better_mean(folder, config, valid)
    in_place(
        folder.model, lambda unfinished: shutil.copyfile(best, unfinished) if mean is None else mean.save(unfinished)
    )
    figures = {"best_epoch": state["best_epoch"] or state["epoch"], "epochs": state["epoch"]}
    figures["averaged_epochs"] = 1 if mean is None else min(config.average_epochs, state["epoch"])
    figures["valid"] = evaluate(zoo.load(folder.model), valid, labels=valid.labels, seed=config.seed)
    write_atomically(folder.path / "figures.json", json.dumps(figures, indent=2) + "\n")

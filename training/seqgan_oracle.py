"""SeqGAN against an oracle by the protocol of Yu et al. 2017: pre-training by likelihood, then the game; with curves of
what is written and of what has been learned. It resumes after a kill at the unit that it was at."""

import dataclasses
import json
from collections.abc import Callable

import tensorflow as tf

import zoo
from keras_textgen.errors import InputError
from keras_textgen.models.training_phases import ADVERSARIAL, DISCRIMINATOR, GENERATOR
from training.oracle import sweep
from training.oracle_protocol import Experiment, Protocol
from training.run_folder import RunFolder
from training.whole_files import write_atomically

JUDGED = ("discriminator_loss", "discriminator_accuracy")
FIGURES = ("epoch", "nll_oracle", "nll_held_out", "distinct")  # of a standing
PRETRAINED = 0.0  # by which the last checkpoint of the pre-training counts as the best and is kept, for other runs
PRETRAINING = ("oracle", "seed", "precision", "texts", "pretraining", "measured")  # it depends on these
REPORTED = {GENERATOR: ("loss",), DISCRIMINATOR: JUDGED, ADVERSARIAL: ("loss", "reward", *JUDGED)}


def start(protocol: Protocol, path, watch: Callable = lambda *_: None, pretrained=None) -> dict:
    """Runs the experiment into a new folder; returns its figures. `watch(unit, units, metrics)` is told of every unit.

    Args:
        pretrained: the folder of another run, whose pre-training is taken over: the numbers are those of a run that
            makes it again.

    Raises:
        InputError: if an option is out of range, the oracle or the folder cannot be used, or the other run's
            pre-training is another or has not ended.
    """
    RunFolder.require_new(path)
    source = None if pretrained is None else pretraining_of(RunFolder.open(pretrained), protocol.check())
    experiment = Experiment(protocol.check())
    folder = RunFolder.create(path, dataclasses.asdict(protocol))
    with folder.locked():
        model = experiment.build()
        if source is not None:
            take_over(folder, model, source, protocol.pretraining)
        return run(folder, experiment, model, watch)


def resume(path, watch: Callable = lambda *_: None) -> dict:
    """Goes on with an experiment at the unit after the last one that it finished."""
    folder = RunFolder.open(path)
    experiment = Experiment(protocol_of(folder))
    with folder.locked():
        folder.recover()
        state = folder.state()
        model = zoo.load(folder.checkpoint(state["latest"])) if state else experiment.build()
        model.reward = experiment.reward  # a language model is not saved with the model that it judges
        return run(folder, experiment, model, watch)


def protocol_of(folder: RunFolder) -> Protocol:
    """What a run was started with; `InputError` if it is none of this experiment."""
    try:
        return Protocol(**folder.config()).check()
    except TypeError as error:
        raise InputError(f"{folder.path} is no run of this experiment: {error}") from None


def pretraining_of(source: RunFolder, protocol: Protocol) -> RunFolder:
    """A run whose pre-training is that of a protocol, and has ended; else `InputError`."""
    theirs = protocol_of(source)
    for name in PRETRAINING:
        if getattr(theirs, name) != getattr(protocol, name):
            raise InputError(
                f"the pre-training of {source.path} is another: {name} is {getattr(theirs, name)} there and "
                f"{getattr(protocol, name)} here"
            )
    state = source.state()
    ended = state is not None and state["best_epoch"] == protocol.pretraining
    if not ended or not (source.path / f"sweep-{GENERATOR}.json").exists():
        raise InputError(f"the pre-training of {source.path} has not ended; go on with --resume {source.path} first")
    return source


def take_over(folder: RunFolder, model, source: RunFolder, units: int) -> None:
    """Brings a new run, and its model, to the end of the pre-training of another."""
    trained = zoo.load(source.checkpoint(source.state()["best"]))
    parts = [[*each.decoder.weights, *each.optimizer.variables, each.steps_done] for each in (model, trained)]
    for own, other in zip(*parts, strict=True):
        own.assign(tf.convert_to_tensor(other))
    *before, last = source.history()[:units]
    write_atomically(folder.metrics, "".join(json.dumps(line) + "\n" for line in before))
    sweep_of_likelihood = (source.path / f"sweep-{GENERATOR}.json").read_text()
    write_atomically(folder.path / f"sweep-{GENERATOR}.json", sweep_of_likelihood)
    folder.finish_epoch(model, last.pop("epoch"), last, PRETRAINED)


def run(folder: RunFolder, experiment: Experiment, model, watch: Callable) -> dict:
    """Trains from where the folder stands, measures, and sums up."""
    tf.config.experimental.enable_op_determinism()
    protocol, units = experiment.protocol, experiment.protocol.units
    done = (folder.state() or {"epoch": 0})["epoch"]
    steps = experiment.steps(model)
    for unit in range(done + 1, len(units) + 1):
        phase = units[unit - 1]
        for tracker in model.metrics:
            tracker.reset_state()
        experiment.train_unit(model, steps, unit, phase)
        names = [name for name in REPORTED[phase] if model.needs_discriminator or name not in JUDGED]
        metrics = {"phase": phase, **{name: float(value) for name, value in model.results(*names).items()}}
        last = phase != DISCRIMINATOR and (unit == len(units) or units[unit] != phase)
        if last or (phase != DISCRIMINATOR and unit % protocol.every == 0):
            metrics |= dataclasses.asdict(experiment.standing(model, unit))
        if last:  # before the unit counts as done, so that a kill cannot lose it
            found = sweep(model, experiment.oracle, experiment.held_out, num=protocol.measured, seed=protocol.seed)
            write_atomically(folder.path / f"sweep-{phase}.json", json.dumps(found, indent=2) + "\n")
        folder.finish_epoch(model, unit, metrics, PRETRAINED if last and phase == GENERATOR else None)
        watch(unit, len(units), metrics)
    figures = summary(folder, experiment)
    write_atomically(folder.path / "figures.json", json.dumps(figures, indent=2) + "\n")
    return figures


def summary(folder: RunFolder, experiment: Experiment) -> dict:
    """The figures of a finished run: the oracle's own entropy, the standing at the end of each phase, the least
    NLL_oracle in the game with its held-out companion, and the sweeps."""
    history = [line for line in folder.history() if "nll_oracle" in line]
    figures = {"oracle_entropy": experiment.oracle.score(experiment.held_out)}
    for phase in (GENERATOR, ADVERSARIAL):
        lines = [line for line in history if line["phase"] == phase]
        if lines:
            figures[phase] = {name: lines[-1].get(name) for name in FIGURES}
            best = min(lines, key=lambda line: line["nll_oracle"])
            figures[f"{phase}_least"] = {name: best.get(name) for name in FIGURES}
            figures[f"{phase}_sweep"] = json.loads((folder.path / f"sweep-{phase}.json").read_text())
    return figures

"""The search for hyper-parameters: short runs, with Optuna choosing each from what the ones before came to.

A search is a folder:

    search.json                what is searched: the configuration of all runs, the space, the number of trials
    journal.jsonl              Optuna's record of the trials
    trials/0000/ …             the run folder of each trial
    trials.csv, trials.json    the trials, best first

What a trial tries depends on the seed and the finished trials alone. So a search that was killed at any moment tries
the interrupted trial again, under a new number, and goes on as it would have.
"""

import dataclasses
import functools
import json
import math
from collections.abc import Callable
from pathlib import Path

from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
from training import trainer
from training.run_config import RunConfig
from training.run_folder import RunFolder
from training.search_record import finished, load_optuna, open_study, place_of, write_table
from training.search_space import OF_THE_RUN, Choice, Range, default_space, values_of
from training.whole_files import read_json, write_atomically

__all__ = ["Choice", "Range", "Search", "default_space", "resume", "start"]

# Under another vocabulary or length other tokens are to be predicted, so that the likelihoods mean different things.
NOT_COMPARABLE = ("vocabulary_size", "sequence_length")


@dataclasses.dataclass
class Search:
    """Everything that a search depends on.

    Attributes:
        config: what all runs share; its `seed` is that of the search, too.
        space: the values of each name that is searched.
        trials: how many; interrupted ones do not count.
    """

    config: RunConfig
    space: dict[str, Range | Choice]
    trials: int = 20

    @classmethod
    def of(cls, folder: Path) -> "Search":
        """The search in a folder; `InputError` if there is none, or it is damaged or of another version."""
        place = folder / "search.json"
        if not place.exists():
            raise InputError(f"{folder} holds no search: there is no {place.name} in it")
        stored = read_json(place)
        try:
            space = {name: values_of(values) for name, values in stored["space"].items()}
            return cls(RunConfig(**stored["config"]), space, stored["trials"])
        except (AttributeError, KeyError, TypeError) as error:
            raise InputError(f"{place} is not of this version: {error}") from None

    def save(self, folder: Path) -> None:
        """Writes `search.json`."""
        write_atomically(folder / "search.json", json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    def config_of(self, parameters: dict) -> RunConfig:
        """The configuration of the run that tries these parameters."""
        own = {name: value for name, value in parameters.items() if name in OF_THE_RUN}
        of_the_model = {name: value for name, value in parameters.items() if name not in OF_THE_RUN}
        own["rollbacks"] = 0  # what a trial comes to is that of its own learning rate
        return dataclasses.replace(self.config, **own, hyperparameters={**self.config.hyperparameters, **of_the_model})

    def check(self) -> "Search":
        """Refuses what no run could use, before anything is written; returns itself."""
        self.config.check()
        whole(1, trials=self.trials)
        whole(0, 2**31 - 1, seed=self.config.seed)
        if not self.space:
            raise InputError("there is nothing to search; name a hyper-parameter and its values")
        self.check_space()
        self.config.build_model(self.config.load_corpus())
        return self

    def check_space(self) -> None:
        """Refuses names that the model does not have, or that cannot be searched, and values that it does not take."""
        import zoo

        known = {*OF_THE_RUN, *zoo.spec(self.config.model).hyperparameters}
        for name, values in self.space.items():
            if name not in known:
                raise unknown(f"hyper-parameter of {self.config.model}", name, known)
            if name in NOT_COMPARABLE:
                raise InputError(f"{name} cannot be searched: likelihoods under different ones cannot be compared")
            if name in self.config.hyperparameters:
                raise InputError(f"{name} is both set and searched; leave one of them out")
            for value in values.ends:
                config = self.config_of({name: value}).check()
                zoo.build(config.model, preset=config.preset, **config.hyperparameters)  # no vocabulary: no weights


def start(
    search: Search,
    path,
    watch: Callable = lambda folder, config, steps: [],
    told: Callable[[dict], None] = lambda trial: None,
) -> list[dict]:
    """Searches into the new folder `path`; returns the table of the trials, best first (see `table`).

    Args:
        watch: gives Keras callbacks to each run, as for `trainer.start`.
        told: is called with the trial's row of the table after each trial.

    Raises:
        InputError: if the search, the data or the folder cannot be used, or Optuna is not installed.
    """
    load_optuna()
    RunFolder.require_new(path)
    search.check()
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    with RunFolder(folder).locked():
        search.save(folder)
        return conduct(search, folder, functools.partial(train, search, folder, watch), told)


def resume(
    path,
    trials: int | None = None,
    watch: Callable = lambda folder, config, steps: [],
    told: Callable[[dict], None] = lambda trial: None,
) -> list[dict]:
    """Goes on with a search that was interrupted, or with one that has ended where `trials`, their number in all, has
    grown; otherwise as `start`.

    Raises:
        InputError: if there is no search, it is damaged, or it has more trials already.
    """
    load_optuna()
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"there is no folder {path}")
    search = Search.of(folder)
    with RunFolder(folder).locked():
        if trials is not None:
            search.trials = whole(max(1, finished(open_study(folder))), trials=trials)
        search.check().save(folder)
        return conduct(search, folder, functools.partial(train, search, folder, watch), told)


def conduct(search: Search, folder: Path, objective: Callable, told: Callable = lambda trial: None) -> list[dict]:
    """Tries parameters until the search has its trials; returns the table. The folder must be locked.

    Args:
        objective: gives the value of an Optuna trial (lower is better), or raises `optuna.TrialPruned`, or `InputError`
            for a trial that failed.
    """
    import numpy as np

    optuna = load_optuna()
    distributions = {name: values.distribution() for name, values in search.space.items()}
    study = open_study(folder)
    for interrupted in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(interrupted.number, state=optuna.trial.TrialState.FAIL)
    rows = write_table(study, list(search.space), folder)
    while (done := finished(study)) < search.trials:
        seed = np.random.SeedSequence([search.config.seed, done]).generate_state(1)
        study.sampler = optuna.samplers.TPESampler(seed=int(seed[0]))
        trial = study.ask(distributions)
        settle(study, trial, objective)
        rows = write_table(study, list(search.space), folder)
        told(next(row for row in rows if row["number"] == trial.number))
    return rows


def settle(study, trial, objective: Callable) -> None:
    """Tries a trial and tells the study what it came to; any error but that of the trial itself goes on its way."""
    optuna = load_optuna()
    try:
        study.tell(trial, objective(trial))
    except optuna.TrialPruned:
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    except InputError as error:
        if isinstance(error.__cause__, OSError):
            raise  # a full disk is not the fault of the parameters
        trial.set_user_attr("reason", str(error))
        study.tell(trial, state=optuna.trial.TrialState.FAIL)


def train(search: Search, folder: Path, watch: Callable, trial) -> float:
    """Trains with the trial's parameters into a run folder of its own; returns the best epoch's value."""
    import keras

    keras.utils.clear_session()  # or the memory of the trials before is kept
    place = folder / place_of(trial)

    def watch_trial(run, config, steps):
        return [*watch(run, config, steps), report_epochs(trial, run, config.epochs)]

    trainer.start(search.config_of(trial.params), place, watch_trial)
    value = RunFolder(place).state()["best_value"]
    if value is None:
        raise InputError("the KL weight is still growing after the last epoch; give more epochs or a shorter schedule")
    return value


def report_epochs(trial, run: RunFolder, epochs: int):
    """A Keras callback that tells the trial after each epoch what the run would be worth if it ended there, and ends it
    where others were worth more by then."""
    import keras

    optuna = load_optuna()

    def on_epoch_end(epoch, logs=None):
        trial.set_user_attr("epochs", epoch + 1)
        value = run.state()["best_value"]
        if value is None:
            return  # the KL weight is still growing
        if not math.isfinite(value):
            raise InputError(f"the value of the validation texts is {value} in epoch {epoch + 1}")
        trial.report(value, epoch + 1)
        if epoch + 1 < epochs and trial.should_prune():
            raise optuna.TrialPruned

    return keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end)

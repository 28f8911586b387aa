"""The values that a search for hyper-parameters chooses from."""

import dataclasses

from keras_textgen.checks import number
from keras_textgen.errors import InputError
from training.run_config import RunConfig

OF_THE_RUN = ("learning_rate", "batch_size")  # searched in the RunConfig; every other name is the model's
LARGEST = 2**53  # Optuna counts in floats, which hold whole numbers up to here


@dataclasses.dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`; whole ones if both are written so. `log`: evenly over the logarithms."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self):
        for end in (self.low, self.high):
            number(-LARGEST, LARGEST, **{"an end of a range": end})
        if self.low >= self.high:
            raise InputError(f"a range goes from low to high, not from {self.low} to {self.high}")
        if self.log and self.low <= 0:
            raise InputError(f"a logarithmic range starts above 0, not at {self.low}")

    @property
    def ends(self) -> tuple:
        """The values that a model must take if it is to take all."""
        return self.low, self.high

    def distribution(self):
        """The range as Optuna knows it."""
        from optuna import distributions

        whole_numbers = isinstance(self.low, int) and isinstance(self.high, int)
        kind = distributions.IntDistribution if whole_numbers else distributions.FloatDistribution
        return kind(self.low, self.high, log=self.log)


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of several numbers, texts, truth values or None."""

    choices: tuple

    def __post_init__(self):
        object.__setattr__(self, "choices", tuple(self.choices))
        for value in self.choices:
            if not isinstance(value, (bool, int, float, str, type(None))):
                raise InputError(f"a choice is a number, a text, true, false or null, not {value!r}")
        if len(set(self.choices)) < max(2, len(self.choices)):
            raise InputError(f"a choice is between two different values or more, not {list(self.choices)}")

    @property
    def ends(self) -> tuple:
        """The values that a model must take if it is to take all."""
        return self.choices

    def distribution(self):
        """The choice as Optuna knows it."""
        from optuna import distributions

        return distributions.CategoricalDistribution(self.choices)


def values_of(stored: dict) -> Range | Choice:
    """The values that `dataclasses.asdict` made `stored` of."""
    return (Choice if "choices" in stored else Range)(**stored)


# Searched where nothing else is asked for, as far as the model has it. The KL weight is not among them: it governs the
# trade between rate and distortion, which is a matter of what the model is for.
DEFAULT_SPACE = {
    "learning_rate": Range(5e-4, 5e-3, log=True),
    "hidden_dim": Choice((128, 256, 512)),  # attention heads divide each of them
    "latent_dim": Range(8, 64, log=True),
    "dropout": Range(0.0, 0.5),
    "free_bits": Range(0.0, 0.5),
}


def default_space(config: RunConfig) -> dict[str, Range | Choice]:
    """The names of `DEFAULT_SPACE` that the model has, without those that the configuration or its preset sets."""
    import zoo

    model = zoo.spec(config.check().model)
    fixed = {**config.hyperparameters, **model.presets.get(config.preset, {})}
    known = {*OF_THE_RUN, *model.hyperparameters} - set(fixed)
    return {name: values for name, values in DEFAULT_SPACE.items() if name in known}

"""SeqGAN against an oracle by the protocol of Yu et al. 2017: pre-training by likelihood, then the game; with curves of
what is written and of what has been learned. It resumes after a kill at the unit that it was at."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

import zoo
from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
from keras_textgen.models.adversarial_model import ADVERSARIAL, DISCRIMINATOR, GENERATOR
from keras_textgen.models.language_model import LanguageModel
from keras_textgen.models.seqgan import BASELINES, FILTERS
from keras_textgen.optimizers import Adam
from keras_textgen.rewards import REWARDS
from training.oracle import LENGTH, Oracle, Standing, oracle_tokenizer, sweep, write
from training.run_config import PRECISIONS
from training.run_folder import RunFolder
from training.whole_files import write_atomically

BATCH = 64  # of the discriminator half of them real, half written
STEPS_AT_ONCE = 4  # of the discriminator in one graph, where the next begins before the last weight of one is updated
JUDGED = ("discriminator_loss", "discriminator_accuracy")
PRETRAINED = 0.0  # by which the last checkpoint of the pre-training counts as the best and is kept, for other runs
PRETRAINING = ("oracle", "seed", "precision", "texts", "pretraining", "measured", "every")  # it depends on these
REPORTED = {GENERATOR: ("loss",), DISCRIMINATOR: JUDGED, ADVERSARIAL: ("loss", "reward", *JUDGED)}


@dataclasses.dataclass
class Protocol:
    """Everything that the experiment depends on; the values are those of the paper and of its code.

    Attributes:
        oracle: a file of weights, or None for an oracle drawn by seed.
        reward: "discriminator", one of the controls "constant" and "random", or the file of a language model,
            whose log-likelihood of a text is the reward, in nats a token (below 0, so give a baseline).
        seed: of all random numbers.
        precision: a Keras dtype policy.
        texts: of the oracle, to learn from.
        pretraining: epochs of the generator alone.
        judging: rounds of the discriminator alone, each with fresh texts of the generator.
        rounds: of the game, each with `generator_steps` of the generator and then `discriminator_rounds`.
        discriminator_epochs: passes over the texts in each round of the discriminator.
        num_rollouts: of every beginning.
        baseline: what is taken off the values of words, as in `seqgan`.
        measured: texts by which a standing is measured, written and held out; `every`: epochs or rounds between two.
    """

    oracle: str | None = None
    reward: str = "discriminator"
    seed: int = 0
    precision: str = "mixed_bfloat16"
    texts: int = 10_000
    pretraining: int = 120
    judging: int = 50
    rounds: int = 200
    generator_steps: int = 1
    discriminator_rounds: int = 5
    discriminator_epochs: int = 3
    num_rollouts: int = 16
    baseline: str = "none"
    measured: int = 10_000
    every: int = 5

    def check(self) -> "Protocol":
        """Refuses what is out of range; returns itself."""
        if self.reward not in REWARDS and not str(self.reward).endswith(".keras"):
            raise unknown("reward", self.reward, (*REWARDS, "a file of a language model, *.keras"))
        if self.baseline not in BASELINES:
            raise unknown("baseline", self.baseline, BASELINES)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        whole(0, 2**31 - 1, seed=self.seed)
        for name in ("texts", "generator_steps", "discriminator_rounds", "discriminator_epochs", "measured", "every"):
            whole(1, **{name: getattr(self, name)})
        for name in ("pretraining", "judging", "rounds", "num_rollouts"):
            whole(0, **{name: getattr(self, name)})
        return self

    @property
    def units(self) -> list[str]:
        """The phase of every unit of the run: an epoch, or a round."""
        judging = self.judging if self.reward == "discriminator" else 0
        return [GENERATOR] * self.pretraining + [DISCRIMINATOR] * judging + [ADVERSARIAL] * self.rounds


# A few minutes: enough to see the machinery work, not to compare with the literature.
QUICK = dict(texts=2_000, pretraining=20, judging=2, rounds=6, discriminator_rounds=1, measured=1_000, num_rollouts=4)


class Experiment:
    """The oracle, its texts, and the model."""

    def __init__(self, protocol: Protocol):
        self.protocol = protocol
        self.oracle = Oracle(protocol.oracle and Path(protocol.oracle), protocol.seed)
        self.texts = self.oracle.write(protocol.texts, protocol.seed)
        self.held_out = self.oracle.write(protocol.measured, protocol.seed + 1)
        self.reward = self.chosen_reward()

    def chosen_reward(self):
        """The reward of the protocol, as `seqgan` takes it."""
        name = self.protocol.reward
        if name in REWARDS:
            return name
        judge = zoo.load(name, compile=False)
        if not isinstance(judge, LanguageModel):
            raise InputError(f"{name} is no language model, so it cannot tell how likely texts are")
        return lambda texts: judge.score(texts) / LENGTH

    def build(self):
        """SeqGAN as in the paper's code: a generator of 32 units with weights from a normal distribution of deviation
        0.1, Adam at 0.01; a discriminator with Adam at 0.0001."""
        import keras

        protocol = self.protocol
        keras.utils.set_random_seed(protocol.seed)
        sizes = dict(embedding_dim=32, hidden_dim=32, output_dim=0, average_attention=False, dropout=0.0)
        model = zoo.build(
            "seqgan",
            tokenizer=oracle_tokenizer(),
            sequence_length=LENGTH,
            seed=protocol.seed,
            dtype=protocol.precision,
            filters=FILTERS,
            num_rollouts=protocol.num_rollouts,
            reward=self.reward,
            baseline=protocol.baseline,
            weight_decay=0.0,
            discriminator_l2=0.4,  # 0.2 beside the mean over all texts, where ours is the sum of two means
            **sizes,
        )
        generator = np.random.default_rng(protocol.seed)
        for weight in model.decoder.trainable_variables:
            weight.assign(0.1 * generator.standard_normal(weight.shape))
        optimizer = Adam(0.01, global_clipnorm=5.0)
        model.compile(optimizer, Adam(1e-4))
        model.build_optimizers()
        return model

    def steps(self, model) -> dict[str, Callable]:
        """The graph functions of a step: of the likelihood, of the discriminator, of the game."""
        nothing = tf.zeros([BATCH, 0])
        rows = tf.TensorSpec([None, LENGTH], tf.int32)

        def stepped(action):
            def function(*texts):
                model.reseed(model.steps_done)
                action(*texts)
                model.steps_done.assign_add(1)

            return function

        def by_likelihood(ids):
            model.phase = GENERATOR
            model.train_step((ids, tf.zeros([tf.shape(ids)[0], 0], tf.int32)))

        def judge(ids, fakes):
            model.train_discriminator(ids, tf.zeros([tf.shape(ids)[0], 0]), fakes)

        def judge_all(*texts):
            for pair in zip(*map(tf.unstack, texts), strict=True):
                stepped(judge)(*pair)

        def play():
            model.train_generator(tf.zeros([BATCH, LENGTH], tf.int32), nothing)

        graph = lambda action, *specs: tf.function(action, input_signature=specs, autograph=False)  # noqa: E731
        return {
            "likelihood": graph(by_likelihood, rows),
            "discriminator": tf.function(judge_all, autograph=False),  # batches `[steps, rows, 20]` of both kinds
            "game": graph(stepped(play)),
        }

    def train_unit(self, model, steps, unit: int, phase: str) -> None:
        """An epoch of the generator, or a round of the discriminator or of the game."""
        seed = np.random.SeedSequence([self.protocol.seed, unit])
        order = np.random.default_rng(seed)
        if phase == GENERATOR:
            for rows in batches(order, len(self.texts)):
                steps["likelihood"](self.texts[rows])
            return
        if phase == ADVERSARIAL:
            if not int(model.adversarial_steps):
                model.begin_game()
            for _ in range(self.protocol.generator_steps):
                steps["game"]()
        if self.protocol.reward == "discriminator":
            for _ in range(self.protocol.discriminator_rounds if phase == ADVERSARIAL else 1):
                fakes = write(model, len(self.texts), int(order.integers(2**31)))
                for _ in range(self.protocol.discriminator_epochs):
                    self.discriminator_epoch(steps, fakes, order)

    def discriminator_epoch(self, steps, fakes, order: np.random.Generator) -> None:
        """Shows the discriminator all texts and as many written ones once, in an order of its own for either kind."""
        real, fake = (np.stack(batches(order, len(fakes), BATCH // 2)) for _ in range(2))
        for first in range(0, len(real), STEPS_AT_ONCE):
            at_once = slice(first, first + STEPS_AT_ONCE)
            steps["discriminator"](self.texts[real[at_once]], fakes[fake[at_once]])

    def standing(self, model, unit: int) -> Standing:
        """The standing at temperature 1."""
        options = dict(num=self.protocol.measured, seed=unit)
        return Standing.of(model, self.oracle, self.held_out, **options)


def batches(order: np.random.Generator, num: int, size: int = BATCH):
    """All rows once, in batches; those that do not fill one are left out, as in the paper's code."""
    rows = order.permutation(num)
    size = min(size, num)
    return [rows[first : first + size] for first in range(0, num - size + 1, size)]


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
    if not protocol.pretraining or state is None or state["best_epoch"] != protocol.pretraining:
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
            figures[phase] = {name: lines[-1][name] for name in ("epoch", "nll_oracle", "nll_held_out")}
            best = min(lines, key=lambda line: line["nll_oracle"])
            figures[f"{phase}_least"] = {name: best[name] for name in ("epoch", "nll_oracle", "nll_held_out")}
            figures[f"{phase}_sweep"] = json.loads((folder.path / f"sweep-{phase}.json").read_text())
    return figures

"""The protocol of Yu et al. 2017 for SeqGAN against an oracle, and how a unit of it is trained and measured."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import zoo
from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
from keras_textgen.models.language_model import LanguageModel
from keras_textgen.models.seqgan import BASELINES, FILTERS
from keras_textgen.models.training_phases import ADVERSARIAL, DISCRIMINATOR, GENERATOR
from keras_textgen.optimizers import Adam
from keras_textgen.rewards import REWARDS
from training.oracle import LENGTH, Oracle, Standing, oracle_tokenizer, write
from training.run_config import PRECISIONS

BATCH = 64  # of the discriminator half of them real, half written
EPSILON, CLIPNORM = 1e-8, 5.0  # of Adam in TensorFlow 1, and of the generator's gradients
# By how much our losses are larger than the paper's: a mean over texts where it takes one over words; a mean where it
# takes a sum over a batch; and of the discriminator two means, of either half of a batch.
LIKELIHOOD_SCALE, GAME_SCALE, JUDGING_SCALE = LENGTH, 1 / BATCH, 2.0
L2 = 0.2  # half of it counts for one logit, where the paper has two that are its halves
STEPS_AT_ONCE = 4  # of the discriminator in one graph, where the next begins before the last weight of one is updated


@dataclasses.dataclass
class Protocol:
    """Everything that the experiment depends on; the values are those of the paper and of its code.

    Attributes:
        oracle: a file of weights, or None for an oracle drawn by seed.
        reward: "discriminator", one of the controls "constant" and "random", or the file of a language model,
            which rewards a text by the geometric mean of the probabilities that it gives the words.
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

    def __post_init__(self):
        # Whole, so that a run can go on from any folder, and two names of one file are no difference.
        if self.oracle:
            self.oracle = str(Path(self.oracle).resolve())
        if str(self.reward).endswith(".keras"):
            self.reward = str(Path(self.reward).resolve())

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
        return lambda texts: np.exp(judge.score(texts) / LENGTH)

    def build(self):
        """SeqGAN as in the paper's code: a generator of 32 units, Adam at 0.01; a discriminator with Adam at 0.0001,
        whose one logit stands for the paper's two: their difference would move twice as far in a step."""
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
            discriminator_l2=L2 * JUDGING_SCALE / 2,
            **sizes,
        )
        draw_weights(model, protocol.seed)
        model.compile(generator_optimizer(LIKELIHOOD_SCALE), Adam(1e-4, epsilon=EPSILON * JUDGING_SCALE))
        model.build_optimizers()
        return model

    def begin_game(self, model) -> None:
        """Gives the generator another optimizer for the game, as in the paper's code."""
        model.begin_game()
        model.compile(generator_optimizer(GAME_SCALE), model.discriminator_optimizer)
        model.build_optimizers()

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
                self.begin_game(model)
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


def generator_optimizer(scale: float) -> Adam:
    """The paper's, for a loss that is `scale` times the paper's. Adam does not mind the scale, but for its epsilon and
    the clipping: the rewards of a sure discriminator are so small that an epsilon of 1e-7 hides their gradients."""
    return Adam(0.01, global_clipnorm=CLIPNORM * scale, epsilon=EPSILON * scale)


def draw_weights(model, seed: int) -> None:
    """Draws the first weights as the paper's code does: normal, of deviation 0.1; those of the discriminator truncated.
    What stays are its word vectors, uniform between -1 and 1, and its highway, by Glorot."""
    generator = np.random.default_rng(seed)
    for weight in model.decoder.trainable_variables:
        weight.assign(0.1 * generator.standard_normal(weight.shape))
    draw = keras.initializers.TruncatedNormal(stddev=0.1, seed=keras.random.SeedGenerator(seed))
    for convolution in model.discriminator.convolutions:
        convolution.kernel.assign(draw(convolution.kernel.shape))
        convolution.bias.assign(tf.fill(convolution.bias.shape, 0.1))
    direction = model.discriminator.direction.kernel  # the difference of the paper's two
    direction.assign(draw(direction.shape) - draw(direction.shape))


def batches(order: np.random.Generator, num: int, size: int = BATCH):
    """All rows once, in batches; those that do not fill one are left out, as in the paper's code."""
    rows = order.permutation(num)
    size = min(size, num)
    return [rows[first : first + size] for first in range(0, num - size + 1, size)]

"""AdversarialTextModel: a generator that writes, and a discriminator that learns to tell what it writes from texts."""

import keras
import tensorflow as tf

from keras_textgen import replicas
from keras_textgen.adversarial_losses import LOSSES
from keras_textgen.checks import number, whole
from keras_textgen.errors import InputError
from keras_textgen.layers.dense import fixed_length
from keras_textgen.metrics import distinct
from keras_textgen.models.text_model import TextModel, scaled_loss
from keras_textgen.models.training_phases import ADVERSARIAL, DISCRIMINATOR, GENERATOR, TrainingPhases
from keras_textgen.optimizers import Adam, forget

SEEDS_A_STEP = 64


class AdversarialTextModel(TextModel):
    """Two networks, an optimizer each, and three phases, counted in epochs: the generator alone by maximum likelihood
    (where it has one), the discriminator alone, both in turn.

    A subclass makes `discriminator` and its generator; it states `fakes`, `judge` and `generator_loss`.

    Args:
        pretraining_epochs: of the generator alone; None is half of the first `fit`, or none where it has no likelihood.
        discriminator_epochs: of the discriminator alone after that; None is a tenth of the first `fit`.
        discriminator_steps: steps of the discriminator for one of the generator; a batch is divided among them, and the
            generator writes as many texts as a part has.
        discriminator_learning_rate: of its own optimizer.
        **kwargs: of `TextModel`.
    """

    has_pretraining = True  # whether the generator can be trained alone

    def __init__(
        self,
        tokenizer=None,
        *,
        pretraining_epochs: int | None = None,
        discriminator_epochs: int | None = None,
        discriminator_steps: int = 1,
        discriminator_learning_rate: float = 1e-4,
        **kwargs,
    ):
        self.discriminator_learning_rate = number(above=0, discriminator_learning_rate=discriminator_learning_rate)
        super().__init__(tokenizer, **kwargs)
        optional = lambda value, **named: None if value is None else whole(0, **named)  # noqa: E731
        self.pretraining_epochs = optional(pretraining_epochs, pretraining_epochs=pretraining_epochs)
        if self.pretraining_epochs and not self.has_pretraining:
            raise InputError(
                f"pretraining_epochs must be 0: {type(self).__name__} has no likelihood to train it alone by"
            )
        self.discriminator_epochs = optional(discriminator_epochs, discriminator_epochs=discriminator_epochs)
        self.discriminator_steps = whole(1, discriminator_steps=discriminator_steps)
        self.phase = ADVERSARIAL
        self.seed_generator = keras.random.SeedGenerator(self.seed)
        names = ("discriminator_loss", "discriminator_accuracy", *self.game_metrics)
        self.game_trackers = {name: keras.metrics.Mean(name=name) for name in names}

    game_metrics: tuple[str, ...] = ()  # further figures that `generator_loss` gives
    game = LOSSES["non_saturating"]

    def get_config(self):
        return {
            **super().get_config(),
            "pretraining_epochs": self.pretraining_epochs,
            "discriminator_epochs": self.discriminator_epochs,
            "discriminator_steps": self.discriminator_steps,
            "discriminator_learning_rate": self.discriminator_learning_rate,
        }

    def build_state(self):
        options = dict(dtype="int64", initializer="zeros", trainable=False, aggregation="only_first_replica")
        self.epochs_done, self.steps_done, self.adversarial_steps = (
            self.add_weight(shape=(), name=name, **options)
            for name in ("epochs_done", "steps_done", "adversarial_steps")
        )

    # What a subclass states

    def fakes(self, condition, seed):
        """What the generator writes for texts that are told `condition` `[n, width]`: ids `int32 [n, length]`, or
        distributions `float32 [n, length, vocabulary]` that pass gradients on. `seed` is `int32 [2]`."""
        raise NotImplementedError

    def generator_loss(self, ids, condition, seed) -> tuple[tf.Tensor, dict]:
        """What the generator minimises in the game, a scalar, and the values of `game_metrics` by name."""
        raise NotImplementedError

    def judge(self, tokens, condition, training=False):
        """Logits that texts are real, `[n]`."""
        return self.discriminator(tokens, condition, training=training)

    def discriminator_penalty(self, ids, fakes, condition, seed):
        """What is added to the discriminator's loss, a scalar."""
        return self.discriminator.penalty()

    needs_discriminator = True  # whether the generator listens to it

    # The two optimizers

    @property
    def optimized_variables(self):
        own = {id(variable) for variable in self.discriminator.trainable_variables}
        return [variable for variable in self.trainable_variables if id(variable) not in own]

    def compile(self, optimizer=None, discriminator_optimizer=None, **kwargs):
        """As in Keras; without optimizers, with the model's own.

        Args:
            optimizer: of the generator.
            discriminator_optimizer: of the discriminator.
        """
        super().compile(optimizer=optimizer, **kwargs)
        if discriminator_optimizer is None:
            discriminator_optimizer = Adam(self.discriminator_learning_rate, global_clipnorm=5.0)
        discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        if isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer) and not isinstance(
            discriminator_optimizer, keras.optimizers.LossScaleOptimizer
        ):
            discriminator_optimizer = keras.optimizers.LossScaleOptimizer(discriminator_optimizer)
        self.discriminator_optimizer = discriminator_optimizer

    def get_compile_config(self):
        optimizer = keras.saving.serialize_keras_object(self.discriminator_optimizer)
        return {**super().get_compile_config(), "discriminator_optimizer": optimizer}

    def build_optimizers(self):
        super().build_optimizers()
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    # Phases

    def plan(self, total_steps, epochs):
        if self.pretraining_epochs is None:
            self.pretraining_epochs = epochs // 2 if self.has_pretraining else 0
        if self.discriminator_epochs is None:
            self.discriminator_epochs = epochs // 10 if self.needs_discriminator else 0

    def phase_of(self, epoch: int) -> str:
        """The phase of an epoch, counted from the model's first."""
        alone, judging = self.pretraining_epochs or 0, self.discriminator_epochs or 0
        if epoch < alone:
            return GENERATOR
        return DISCRIMINATOR if epoch < alone + judging else ADVERSARIAL

    def begin_phase(self, phase: str) -> None:
        """Makes `phase` the one that `train_step` takes; Keras traces it anew."""
        if phase == ADVERSARIAL and not int(keras.ops.convert_to_numpy(self.adversarial_steps)):
            self.begin_game()
        if phase != self.phase:
            self.phase = phase
            self.make_train_function(force=True)

    def begin_game(self) -> None:
        """Told before the first adversarial epoch: what the generator's optimizer knows of likelihoods, whose gradients
        are far larger than those of rewards, would leave its first thousand steps without effect."""
        forget(self.optimizer)

    def own_callbacks(self, batches):
        return [TrainingPhases(batches), *super().own_callbacks(batches)]

    # A model is never chosen by its likelihood: in the game it falls, for better or worse.
    settled = False

    # Training

    @property
    def training_steps(self):
        return self.steps_done

    def train_step(self, data):
        if self.phase == GENERATOR:
            results = super().train_step(data)
        else:
            ids, attributes, _ = keras.utils.unpack_x_y_sample_weight(data)
            self.reseed(self.steps_done)
            condition = self.told_of(ids, attributes)
            texts = ids, condition
            for part in range(self.discriminator_steps if self.needs_discriminator else 0):
                texts = part_of(ids, condition, part, self.discriminator_steps)
                self.train_discriminator(*texts)
            if self.phase == ADVERSARIAL:
                self.train_generator(*texts)
            results = self.game_results()
        self.steps_done.assign_add(1)
        return results

    def train_discriminator(self, ids, condition, fakes=None) -> None:
        """A step of the discriminator on real texts and as many others; those are written for it unless given."""
        if fakes is None:
            fakes = self.fakes(condition, self.next_seed())
        seed = self.next_seed()
        with tf.GradientTape() as tape:
            loss = self.discriminator_loss(ids, fakes, condition, seed)
            scaled = scaled_loss(loss, self.discriminator_optimizer)
        variables = self.discriminator.trainable_variables
        self.discriminator_optimizer.apply(tape.gradient(scaled, variables), variables)
        if self.phase == DISCRIMINATOR:
            self.loss_tracker.update_state(loss, sample_weight=replicas.weight())

    def discriminator_loss(self, ids, fakes, condition, seed, training=True):
        """The discriminator's loss, a scalar; notes it and the accuracy."""
        real, fake = self.judge_both(ids, fakes, condition, training)
        game = self.game
        loss = tf.reduce_mean(game.discriminator(real, fake))
        loss += self.discriminator_penalty(ids, fakes, condition, seed)
        self.note("discriminator_loss", loss)
        self.note("discriminator_accuracy", game.accuracy(real, fake))
        return loss

    def judge_both(self, ids, fakes, condition, training):
        """Logits of real texts and of what is written; in one batch where both are ids, since larger products are
        faster."""
        if not fakes.dtype.is_integer:
            return tuple(self.judge(tokens, condition, training=training) for tokens in (ids, fakes))
        both = tf.concat([fixed_length(tokens, self.sequence_length) for tokens in (ids, fakes)], axis=0)
        logits = self.judge(both, tf.concat([condition, condition], axis=0), training=training)
        num = tf.shape(ids)[0]
        return logits[:num], logits[num:]

    def train_generator(self, ids, condition) -> None:
        """A step of the generator in the game."""
        seed = self.next_seed()
        with tf.GradientTape() as tape:
            loss, figures = self.generator_loss(ids, condition, seed)
            scaled = scaled_loss(loss, self.optimizer)
        self.apply_gradients(tape.gradient(scaled, self.optimized_variables), loss)
        self.adversarial_steps.assign_add(1)
        self.loss_tracker.update_state(loss, sample_weight=replicas.weight())
        for name, value in figures.items():
            self.note(name, value)

    def note(self, name: str, value) -> None:
        """Takes a step's value, or one a text, of a figure of the game."""
        weight = replicas.counts(tf.shape(value)[0]) if value.shape.rank else replicas.weight()
        self.game_trackers[name].update_state(value, sample_weight=weight)

    def reseed(self, step, stream=0):
        # A step takes several seeds, and none of the next one's.
        super().reseed(SEEDS_A_STEP * tf.cast(step, tf.int64), stream)

    def next_seed(self):
        """A seed `int32 [2]`."""
        return tf.cast(self.seed_generator.next(), tf.int32)

    def test_step(self, data):
        results = super().test_step(data)
        if not self.needs_discriminator:
            return results
        ids, attributes, _ = keras.utils.unpack_x_y_sample_weight(data)
        condition = self.told_of(ids, attributes)
        fakes, seed = self.fakes(condition, self.next_seed()), self.next_seed()
        self.discriminator_loss(ids, fakes, condition, seed, training=False)
        return {**results, **self.results("discriminator_loss", "discriminator_accuracy")}

    def report(self, ids, terms, loss):
        """Only what the step has found: the game has figures of its own."""
        super().report(ids, terms, loss)
        return self.results("loss", *self.terms, "perplexity")

    def game_results(self) -> dict:
        """The figures of a step of the game."""
        judged = ("discriminator_loss", "discriminator_accuracy") if self.needs_discriminator else ()
        played = self.game_metrics if self.phase == ADVERSARIAL else ()
        return self.results("loss", *judged, *played)

    def results(self, *names) -> dict:
        """The metrics of these names."""
        return {metric.name: metric.result() for metric in self.metrics if metric.name in names}

    # What became of it

    def distinct_share(self, num: int) -> float:
        """The share of different texts among `num` that the model writes now."""
        attributes = {
            name: [values[place % len(values)] for place in range(num)]
            for name, values in self.attributes.values.items()
        }
        return distinct(self.generate(num, seed=self.seed, attributes=attributes)).value


def part_of(ids, condition, part, parts):
    """One of several parts of a batch; none is empty, so a text may stand in two."""
    num = tf.shape(ids)[0]
    rows = (tf.range((num + parts - 1) // parts) * parts + part) % num
    return tf.gather(ids, rows), tf.gather(condition, rows)

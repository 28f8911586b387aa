"""SeqGAN (Yu et al. 2017, "SeqGAN: Sequence Generative Adversarial Nets with Policy Gradient")."""

import warnings
from collections.abc import Callable, Sequence
from typing import Literal

import keras
import tensorflow as tf

from keras_textgen import devices, replicas, sampling
from keras_textgen.checks import number, whole
from keras_textgen.chunking import by_chunks
from keras_textgen.distributions import TokenSequence
from keras_textgen.errors import InputError, unknown
from keras_textgen.layers import ConvolutionalDiscriminator
from keras_textgen.layers.dense import fixed_length
from keras_textgen.models.adversarial_model import AdversarialTextModel
from keras_textgen.models.decoder_networks import LSTMNetwork
from keras_textgen.models.language_model import LanguageModel
from keras_textgen.models.training_phases import ADVERSARIAL
from keras_textgen.rewards import UNSAVED, checked_reward, known_reward, reward_config
from keras_textgen.text import PADDING, START, UNKNOWN

BASELINES = ("none", "running_mean", "position")
SCALINGS = ("none", "standardized")
# Yu et al. 2017, appendix: widths and numbers of maps for texts of 20 tokens.
FILTERS = ((1, 100), (2, 200), (3, 200), (4, 200), (5, 200), (6, 100), (7, 100), (8, 100), (9, 100), (10, 100),
           (15, 160), (20, 160))  # fmt: skip
JUDGED_AT_ONCE = 1024  # rollouts
BASELINE_KEPT = 0.9  # of the sums behind a baseline, in every step


@keras.saving.register_keras_serializable("keras_textgen")
class SeqGAN(AdversarialTextModel, LSTMNetwork, LanguageModel):
    """An LSTM policy that writes, a convolutional discriminator whose verdict is the reward, REINFORCE.

    The value of a word is the mean reward of texts that a policy finishes behind it (Monte-Carlo rollouts, equation 4);
    that of the last word is the reward of the text itself. The policy climbs the sum over the words of value times
    log-probability (equation 8).

    Args:
        filters: of the discriminator: pairs of a width in tokens and a number of maps.
        discriminator_embedding_dim: width of its word vectors.
        discriminator_dropout, discriminator_l2: rate on its features, and the weight of its last layer's length.
        num_rollouts: of each beginning of each text; 0 gives every word the reward of its whole text.
        rollout_update: how much of the policy that rolls out stays in every step of the game; the rest is the policy's
            (equation 10 in the paper's algorithm: 0.8). 0 rolls out by the policy itself.
        reward: "discriminator", its probability that a text is real; "constant" and "random", the controls that it has
            to beat (a constant is its own baseline: leave that out); or a function of a list of texts that gives as
            many numbers, to be made large. (Register it with `keras.saving.register_keras_serializable` to save it
            with the model.)
        token_rewards: whether the discriminator judges all beginnings of a text, not only the whole. The value of a
            word is then the mean of its verdicts from there on, and there are no rollouts (de Masson d'Autume et al.
            2019, section 3).
        baseline: what is taken off the values: "none", the "running_mean" of all, or that of each "position".
        reward_scaling: "none", or "standardized": the values of a step, less their mean and over their deviation.
        entropy_bonus: weight of the entropy of the policy's words, in nats.
        likelihood_weight: weight of the negative log-likelihood of the real texts in a step of the game.
        **kwargs: of `AdversarialTextModel`, `LSTMNetwork`, `DecoderNetwork` and `TextModel`.
    """

    game_metrics = ("reward",)

    def __init__(
        self,
        tokenizer=None,
        *,
        filters: Sequence = FILTERS,
        discriminator_embedding_dim: int = 64,
        discriminator_dropout: float = 0.25,
        discriminator_l2: float = 0.1,
        num_rollouts: int = 16,
        rollout_update: float = 0.8,
        reward: str | Callable = "discriminator",
        token_rewards: bool = False,
        baseline: Literal["none", "running_mean", "position"] = "position",
        reward_scaling: Literal["none", "standardized"] = "none",
        entropy_bonus: float = 0.0,
        likelihood_weight: float = 0.0,
        weight_decay: float = 0.03,
        **kwargs,
    ):
        super().__init__(tokenizer, weight_decay=weight_decay, **kwargs)
        self.filters = pairs(filters)
        self.discriminator_embedding_dim = whole(1, discriminator_embedding_dim=discriminator_embedding_dim)
        self.discriminator_dropout = number(0, below=1, discriminator_dropout=discriminator_dropout)
        self.discriminator_l2 = number(0, discriminator_l2=discriminator_l2)
        self.num_rollouts = whole(0, num_rollouts=num_rollouts)
        self.rollout_update = number(0, below=1, rollout_update=rollout_update)
        self.reward = known_reward(reward)
        self.token_rewards = token_rewards
        if baseline not in BASELINES:
            raise unknown("baseline", baseline, BASELINES)
        self.baseline = baseline
        if reward_scaling not in SCALINGS:
            raise unknown("reward scaling", reward_scaling, SCALINGS)
        self.reward_scaling = reward_scaling
        self.entropy_bonus = number(0, entropy_bonus=entropy_bonus)
        self.likelihood_weight = number(0, likelihood_weight=likelihood_weight)
        self.assemble()

    def build_state(self):
        super().build_state()
        shape = (self.sequence_length,)
        options = dict(dtype="float32", initializer="zeros", trainable=False, aggregation="mean")
        # Sums of the values at each place and their number, both fading.
        self.value_sums, self.value_counts = (
            self.add_weight(shape=shape, name=name, **options) for name in ("value_sums", "value_counts")
        )

    def build_networks(self):
        super().build_networks()
        if all(width > self.sequence_length for width, _ in self.filters):
            raise InputError(f"all filters are wider than the longest text, {self.sequence_length} tokens")
        self.discriminator = ConvolutionalDiscriminator(
            self.tokenizer.vocabulary_size,
            self.discriminator_embedding_dim,
            self.sequence_length,
            self.filters,
            dropout=self.discriminator_dropout,
            l2=self.discriminator_l2,
            dtype=self.dtype_policy,
            name="discriminator",
        )
        ids, condition = tf.constant([[UNKNOWN, UNKNOWN]]), tf.zeros([1, self.attributes.width])
        self.discriminator(ids, condition)
        self.rollout_decoder = None
        if self.rollout_update:
            self.rollout_decoder = self.make_decoder("rollout_decoder")
            self.rollout_decoder(condition, ids)
            self.rollout_decoder.trainable = False

    # The policy

    def fakes(self, condition, seed):
        num = tf.shape(condition)[0]
        limits = self.limits(num, sampling.Options.tensors())
        uniform = lambda rows: tf.random.stateless_uniform([rows, self.sequence_length], seed)  # noqa: E731
        uniforms = replicas.draw(uniform, num)
        strategy = sampling.TokenByToken(lambda logits, uniforms, _: sampling.draw(logits, uniforms), limits, uniforms)
        return sampling.decode(self.step, self.decoder.start(condition), strategy)

    def begin_phase(self, phase):
        if self.reward == UNSAVED:
            raise InputError("the reward of this model is a function that was not saved with it; set model.reward")
        if phase == ADVERSARIAL and callable(self.reward):
            self.warn_of_waiting()
        super().begin_phase(phase)

    def warn_of_waiting(self) -> None:
        """Every replica's reward takes one of the operations that TensorFlow computes at a time; one must be left for
        what the rewards compute."""
        waiting, possible = self.distribute_strategy.num_replicas_in_sync, devices.operations_at_once()
        if possible <= waiting:
            warnings.warn(
                f"a reward that computes with TensorFlow may wait for ever where that takes no more than {possible} "
                f"operations at a time, as here; begin with TF_NUM_INTEROP_THREADS={waiting + 1} in the environment",
                stacklevel=2,
            )

    def begin_game(self):
        super().begin_game()
        if self.rollout_decoder is not None:
            with self.strategy_scope():
                self.move_rollout_policy(0.0)

    def move_rollout_policy(self, kept) -> None:
        """Moves the policy that rolls out to the policy; `kept` is how much of it stays."""
        moved = [
            (delayed.value, weight.value)
            for delayed, weight in zip(self.rollout_decoder.weights, self.decoder.weights, strict=True)
        ]

        def move(strategy, *_):
            for delayed, weight in moved:
                step = lambda old, new: old.assign(kept * old + (1 - kept) * new)  # noqa: E731
                strategy.extended.update(delayed, step, args=(weight,))

        if tf.distribute.in_cross_replica_context():
            move(tf.distribute.get_strategy())
        else:
            tf.distribute.get_replica_context().merge_call(move)

    # Rewards

    def rewards(self, ids, condition, seed):
        """What finished texts are worth: `float32 [n]`."""
        if self.reward == "constant":
            return tf.ones([tf.shape(ids)[0]])
        if self.reward == "random":
            return tf.random.stateless_uniform([tf.shape(ids)[0]], seed)
        if callable(self.reward):
            return tf.ensure_shape(tf.numpy_function(self.asked, [self.tokenizer.detokenize(ids)], tf.float32), [None])
        return tf.sigmoid(by_chunks(lambda *rows: self.discriminator(*rows), JUDGED_AT_ONCE, ids, condition))

    @property
    def needs_discriminator(self):
        return self.reward == "discriminator"

    def asked(self, texts):
        """The user's own reward of texts, bytes `[n]`; keeps the error, of which TensorFlow makes many lines."""
        try:
            return checked_reward(self.reward, [text.decode("utf-8", "replace") for text in texts])
        except Exception as error:
            self.reward_error = error
            raise

    def fit(self, *args, **kwargs):
        self.reward_error = None
        try:
            return super().fit(*args, **kwargs)
        except tf.errors.OpError:
            if self.reward_error is None:
                raise
            raise self.reward_error from None

    def values(self, ids, condition, seed):
        """The value of every word of texts `[n, length]`, `float32 [n, length]`: the mean reward of what a policy
        writes behind it (equation 4)."""
        num, shown = tf.shape(ids)[0], tf.shape(ids)[1]
        ids, length = fixed_length(ids, self.sequence_length), self.sequence_length  # what may follow, not what does
        if self.token_rewards and self.reward == "discriminator":
            verdicts = tf.sigmoid(self.discriminator(ids, condition, prefixes=True))
            real = tf.cast(tf.not_equal(ids, PADDING), tf.float32)
            following = tf.cumsum(tf.stack([verdicts * real, real]), axis=2, reverse=True)
            return tf.math.divide_no_nan(following[0], following[1])[:, :shown]
        rewards = self.rewards(ids, condition, seed)
        if not self.num_rollouts or self.reward == "constant":
            return tf.repeat(rewards[:, None], shown, axis=1)
        policy = self.rollout_decoder or self.decoder
        start = policy.start(condition)
        finished = sampling.rollouts(policy.step, start, ids, self.num_rollouts, seed + 1, self.never_written())
        if self.needs_discriminator:
            found = self.judge_rollouts(ids, condition, finished)
        else:
            found = self.rewards(finished.ids, tf.gather(condition, finished.texts), seed + 2)
        last = tf.equal(tf.range(length), tf.reduce_sum(tf.cast(tf.not_equal(ids, PADDING), tf.int32), 1)[:, None] - 1)
        return tf.where(last, rewards[:, None], finished.mean(found, num))[:, :shown]

    def judge_rollouts(self, ids, condition, finished: sampling.Rollouts):
        """What the discriminator gives for rollouts, `float32 [m]`; their common beginnings are read once."""
        known = self.discriminator.largest_so_far(self.discriminator.embed(ids))

        def of_place(place, found):
            rows = tf.where(tf.equal(finished.places, place))[:, 0]
            texts = tf.gather(finished.texts, rows)
            inside = [part[:, place] for part in known]

            def judged(ids, texts):
                at = [tf.gather(part, texts) for part in inside]
                return self.discriminator.logits_behind(ids, tf.gather(condition, texts), place, at)

            logits = by_chunks(judged, JUDGED_AT_ONCE, tf.gather(finished.ids, rows), texts)
            return place + 1, found.write(place, tf.sigmoid(logits))

        places = tf.maximum(tf.shape(ids)[1] - 1, 1)
        found = tf.TensorArray(tf.float32, size=places, infer_shape=False, element_shape=[None])
        _, found = tf.while_loop(lambda place, _: place < places, of_place, (0, found))
        return found.concat()  # rollouts stand in the order of their places

    def judge(self, tokens, condition, training=False):
        if not self.token_rewards:
            return super().judge(tokens, condition, training)
        return self.discriminator(tokens, condition, prefixes=True, training=training)

    # The policy gradient

    def never_written(self):
        """What bars the tokens that no text has when it is added to logits, `[vocabulary]`."""
        return sampling.barring([PADDING, START, UNKNOWN, *self.barred_tokens], self.tokenizer.vocabulary_size, -1e9)

    def policy(self, condition, ids):
        """The distribution that texts are drawn from: the likelihood, but for tokens that no text has."""
        return TokenSequence(self.likelihood(condition, ids).logits + self.never_written())

    def generator_loss(self, ids, condition, seed):
        written = self.fakes(condition, seed)
        values = tf.stop_gradient(self.values(written, condition, seed + 1 + replicas.first_row()))
        real = tf.cast(tf.not_equal(written, PADDING), tf.float32)
        policy = self.policy(condition, written)
        gain = tf.reduce_sum(self.advantages(values, real) * policy.token_log_prob(written), axis=1)
        loss = -tf.reduce_mean(gain)
        if self.entropy_bonus:
            entropy = -tf.reduce_sum(tf.nn.softmax(policy.logits) * tf.nn.log_softmax(policy.logits), axis=-1)
            loss -= self.entropy_bonus * tf.reduce_mean(tf.reduce_sum(entropy * real, axis=1))
        if self.likelihood_weight:
            loss -= self.likelihood_weight * tf.reduce_mean(self.likelihood(condition, ids).log_prob(ids))
        return loss, {"reward": tf.reduce_sum(values * real) / tf.reduce_sum(real)}

    def advantages(self, values, real):
        """Values `[n, length]` less the baseline, scaled, 0 at padding. The baseline is that of the steps before; in
        the first step that of the values themselves."""
        length = tf.shape(values)[1]
        found = values
        if self.baseline != "none":
            missing = [[0, self.sequence_length - length]]
            new = [tf.pad(tf.reduce_sum(each * real, axis=0), missing) for each in (values, tf.ones_like(values))]
            kept = [tf.convert_to_tensor(weight) for weight in (self.value_sums, self.value_counts)]
            sums, counts = (tf.where(kept[1] > 0, old, now) for old, now in zip(kept, new, strict=True))
            if self.baseline == "running_mean":
                sums, counts = (tf.reduce_sum(part)[None] for part in (sums, counts))
            found = values - tf.math.divide_no_nan(sums, counts)[:length]
            for weight, old, now in zip((self.value_sums, self.value_counts), kept, new, strict=True):
                weight.assign(BASELINE_KEPT * old + now)
        if self.reward_scaling == "standardized":
            tokens = tf.reduce_sum(real)
            found -= tf.reduce_sum(found * real) / tokens
            found /= tf.sqrt(tf.reduce_sum(real * found**2) / tokens) + 1e-6
        return found * real

    def train_generator(self, ids, condition):
        super().train_generator(ids, condition)
        if self.rollout_decoder is not None:
            self.move_rollout_policy(self.rollout_update)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "discriminator_embedding_dim": self.discriminator_embedding_dim,
            "discriminator_dropout": self.discriminator_dropout,
            "discriminator_l2": self.discriminator_l2,
            "num_rollouts": self.num_rollouts,
            "rollout_update": self.rollout_update,
            "reward": reward_config(self.reward),
            "token_rewards": self.token_rewards,
            "baseline": self.baseline,
            "reward_scaling": self.reward_scaling,
            "entropy_bonus": self.entropy_bonus,
            "likelihood_weight": self.likelihood_weight,
        }


def pairs(filters) -> list[list[int]]:
    """Checks that filters are pairs of a width and a number of maps, and returns them."""
    try:
        found = [[whole(1, width=width), whole(1, maps=maps)] for width, maps in filters]
    except (TypeError, ValueError):
        found = []
    if not found:
        raise InputError(f"filters must be pairs of a width and a number of maps, as [[2, 100]], not {filters!r}")
    return found

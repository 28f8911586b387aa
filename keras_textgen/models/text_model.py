"""TextModel: strings in, strings out. What every model of the zoo is."""

import contextvars
import functools
import random
from collections.abc import Mapping

import keras
import tensorflow as tf

from keras_textgen import replicas
from keras_textgen.attributes import Attributes
from keras_textgen.checks import number, whole
from keras_textgen.devices import compiles_by_default
from keras_textgen.errors import InputError
from keras_textgen.metrics.perplexity import Perplexity
from keras_textgen.models.fitting import Fitting
from keras_textgen.models.graph_functions import GraphFunctions
from keras_textgen.models.writing import Writing
from keras_textgen.optimizers import Adam, AdamW
from keras_textgen.text import UNKNOWN, get_tokenizer, lengths

APART = 1_000_003  # between the seeds of the rows of two replicas
# Whether a model is made from a configuration: the optimizer that its loader brings would replace its own.
FROM_CONFIG = contextvars.ContextVar("FROM_CONFIG", default=False)


class TextModel(Fitting, Writing, GraphFunctions, replicas.Replicated, keras.Model):
    """A Keras model with its tokenizer and, where texts have labels, the attributes that it is told.

    A subclass states `build_networks` (its layers), `call` (ids to the terms of its negative log-likelihood) and, to
    write, `start` and `step`, with `draw` where a text starts from something random. It is compiled from the beginning;
    calling `compile` replaces the optimizer. While the tokenizer has no vocabulary there are no layers: the first `fit`
    learns one and builds them.

    Args:
        tokenizer: a `keras_textgen.text.Tokenizer`, or "words", "characters", "wordpiece", "bytes"; None means words.
        vocabulary_size: limit of the vocabulary that is learned, the four special tokens included.
        sequence_length: longest text in tokens, the end token included; longer ones are cut.
        attributes: the values of each attribute that the model is told, as {"sentiment": ["negative", "positive"]};
            the first `fit` with `labels` finds them where there is no vocabulary yet.
        weight_decay: of the model's own optimizer, decoupled (Loshchilov & Hutter 2019).
        l2: half of this times the sum of all squared weights is added to what training minimises per text, under any
            optimizer: the weights are then the likeliest under a Gaussian prior whose precision is this times the
            number of training texts. Reported losses are without it.
        seed: of dropout, latent samples and the order of batches; None draws one (see `keras.utils.set_random_seed`).
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        vocabulary_size: int = 10_000,
        sequence_length: int = 50,
        attributes: Mapping | None = None,
        weight_decay: float = 0.0,
        l2: float = 0.0,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.tokenizer = get_tokenizer(tokenizer, vocabulary_size)
        self.vocabulary_size = vocabulary_size
        self.sequence_length = whole(2, sequence_length=sequence_length)
        self.require_attributes(attributes)
        self.attributes = Attributes(attributes)
        self.weight_decay = number(0, weight_decay=weight_decay)
        self.l2 = number(0, l2=l2)
        self.seed = random.randrange(2**31) if seed is None else whole(0, 2**31 - 1, seed=seed)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.perplexity_tracker = Perplexity(name="perplexity")
        self.term_trackers = {name: keras.metrics.Mean(name=name) for name in self.terms}
        self.compile()

    takes_attributes = True  # whether the model can be told the labels of its texts

    def require_attributes(self, labels) -> None:
        """Raises `InputError` if there are labels and the model takes none."""
        if labels and not self.takes_attributes:
            raise InputError(f"{type(self).__name__} takes no attributes; leave labels= and attributes= out")

    terms: tuple[str, ...] = ()  # the names of the parts of the negative log-likelihood that `call` gives

    def get_config(self):
        return {
            **super().get_config(),
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "vocabulary_size": self.vocabulary_size,
            "sequence_length": self.sequence_length,
            "attributes": self.attributes.get_config(),
            "weight_decay": self.weight_decay,
            "l2": self.l2,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """As in Keras; what the optimizer remembers is made by whoever comes first, a loader or training."""
        token = FROM_CONFIG.set(True)
        try:
            return cls(**config)
        finally:
            FROM_CONFIG.reset(token)

    # What a subclass states

    def build_networks(self) -> None:
        """Makes the layers; called once, as soon as there is a vocabulary."""
        raise NotImplementedError

    def build_state(self) -> None:
        """Makes the weights that belong to no layer; called before `build_networks`."""

    def call(self, ids, attributes=None):
        """Ids `int32 [batch, length]` to the named `terms`, each `float32 [batch]` or `[batch, …]`, in nats.

        `attributes` are the numbers of their values, `int32 [batch, attributes]`; None where there are none.
        """
        raise NotImplementedError

    def objective(self, terms: dict) -> tf.Tensor:
        """What training minimises, a scalar: by default the mean over the texts of the sum of the terms."""
        return tf.reduce_mean(tf.add_n([by_text(term) for term in terms.values()]))

    def draw(self, seeds):
        """What texts are written from beside what they are told, from seeds `int64 [n, 2]`: a latent or noise,
        `float32 [n, …]`; None where there is nothing."""
        return None

    def start(self, drawn, condition):
        """The state in which texts start, from what was drawn and what they are told, `float32 [n, width]`."""
        raise NotImplementedError

    def step(self, tokens, state):
        """Logits `[n, vocabulary]` of what follows `tokens` `int32 [n]`, and the next state."""
        raise NotImplementedError

    def told_of(self, ids, attributes):
        """What texts are told, `float32 [batch, width]`, from the numbers of their attributes or None."""
        if attributes is None:
            if len(self.attributes):
                raise InputError(f"labels are missing: the model is told {', '.join(self.attributes.values)}")
            attributes = tf.zeros([tf.shape(ids)[0], 0], tf.int32)
        return self.attributes.one_hot(attributes)

    # Building

    def assemble(self) -> None:
        """The last line of a subclass's constructor: makes layers and weights if there is a vocabulary to make them
        for."""
        if self.tokenizer.ready and not self.built:
            with self.strategy_scope():
                self.build_state()
                self.build_networks()
                # One tiny batch makes every weight, so that none is missing when the model is saved or loaded.
                self.call(tf.constant([[UNKNOWN, UNKNOWN]]), tf.zeros([1, len(self.attributes)], tf.int32))
                self.built = True
                if not FROM_CONFIG.get():
                    self.build_optimizers()

    def build(self, input_shape=None):
        self.assemble()

    def learn(self, texts, labels=None) -> "TextModel":
        """Learns the vocabulary from texts, and the attributes from their labels, where there are none yet; builds the
        layers. Returns the model."""
        self.require_attributes(labels)
        if labels and not self.built and not len(self.attributes):
            self.attributes = Attributes.learn(labels)
        if not self.tokenizer.ready:
            self.tokenizer.learn(texts)
        self.assemble()
        return self

    default_learning_rate = 1e-3  # of the model's own optimizer

    def default_optimizer(self) -> keras.optimizers.Optimizer:
        """What the model is compiled with unless told otherwise."""
        if self.weight_decay:
            return AdamW(self.default_learning_rate, weight_decay=self.weight_decay, global_clipnorm=5.0)
        return Adam(self.default_learning_rate, global_clipnorm=5.0)

    def compile(self, optimizer=None, *, jit_compile=None, **kwargs):
        """As in Keras; without an optimizer, with the model's own, and without `jit_compile` as `devices` says."""
        jit_compile = compiles_by_default() if jit_compile is None else jit_compile
        optimizer = self.default_optimizer() if optimizer is None else optimizer
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.build_optimizers()

    @property
    def optimized_variables(self) -> list:
        """The weights that the optimizer moves."""
        return self.trainable_variables

    def build_optimizers(self) -> None:
        """Makes what the optimizer remembers of the weights."""
        self.optimizer.build(self.optimized_variables)

    # Training

    def make_train_function(self, force=False):
        if self.built:
            with self.strategy_scope():
                self.build_optimizers()
        return super().make_train_function(force)

    def train_step(self, data):
        ids, attributes, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.reseed(self.training_steps)
        with tf.GradientTape() as tape:
            terms = self(ids, attributes, training=True)
            loss = self.objective(terms)
            scaled = scaled_loss(loss + self.penalty(), self.optimizer)
        self.apply_gradients(tape.gradient(scaled, self.optimized_variables), loss)
        return self.report(ids, terms, loss)

    def penalty(self):
        """What training minimises beside the objective: `l2 / 2` times the sum of the squared weights."""
        if not self.l2:
            return 0.0
        return self.l2 * tf.add_n([tf.nn.l2_loss(tf.cast(weight, tf.float32)) for weight in self.optimized_variables])

    @property
    def training_steps(self):
        """The number of training steps so far, a variable."""
        return self.optimizer.iterations

    def apply_gradients(self, gradients, loss) -> None:
        """Moves the weights by the gradients of all `optimized_variables`."""
        self.optimizer.apply(gradients, self.optimized_variables)

    def test_step(self, data):
        ids, attributes, _ = keras.utils.unpack_x_y_sample_weight(data)
        # The number of texts seen so far stands in for the step, so that evaluate() repeats itself.
        self.reseed(replicas.total(tf.convert_to_tensor(self.loss_tracker.count)), stream=1)
        terms = self(ids, attributes, training=False)
        return self.report(ids, terms, self.objective(terms))

    def reseed(self, step, stream: int = 0) -> None:
        """Makes all randomness a function of (seed, step): a resumed run repeats an uninterrupted one exactly."""
        # The model's own draws are for the rows of the whole batch; a layer has other numbers on every replica.
        own, apart = getattr(self, "seed_generator", None), tf.cast(replicas.first_row(), tf.int64) * APART
        for index, generator in enumerate(self.seed_generators):
            seed = tf.constant(self.seed + 2 * index + stream, tf.int64) + (0 if generator is own else apart)
            state = tf.stack([seed, tf.cast(step, tf.int64)])
            generator.state.assign(tf.cast(state, generator.state.dtype))

    @functools.cached_property
    def seed_generators(self) -> list[keras.random.SeedGenerator]:
        parts = [self, *self._flatten_layers(include_self=False)]
        found = (vars(part).get("seed_generator") for part in parts)
        return [generator for generator in found if generator is not None]

    def report(self, ids, terms: dict, loss) -> dict:
        """Updates the metrics by a batch and returns all of them by name."""
        terms = {name: by_text(term) for name, term in terms.items()}
        num = tf.shape(ids)[0]
        counts = replicas.counts(num)
        self.loss_tracker.update_state(loss, sample_weight=replicas.counted(num))
        for name, term in terms.items():
            self.term_trackers[name].update_state(term, sample_weight=counts)
        self.perplexity_tracker.update_state(tf.add_n(list(terms.values())), lengths(ids), counts)
        return self.get_metrics_result()

    def require_weights(self) -> None:
        """Raises `InputError` while there is no vocabulary and so nothing to run."""
        if not self.built:
            raise InputError("the model has no vocabulary yet; fit it, or build it with texts= or tokenizer=")


def scaled_loss(loss: tf.Tensor, optimizer) -> tf.Tensor:
    """What a tape must see of a loss: Keras adds up the gradients of the replicas where that of the whole batch is
    meant."""
    return optimizer.scale_loss(loss * replicas.weight())


def by_text(term: tf.Tensor) -> tf.Tensor:
    """Sums whatever comes after the batch dimension: `[batch, …]` to `[batch]`."""
    return tf.reduce_sum(tf.reshape(term, [tf.shape(term)[0], -1]), axis=1)

"""TextModel: strings in, strings out. What every model of the zoo is."""

import functools
import random
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_textgen import batching, sampling
from keras_textgen.checks import number, whole
from keras_textgen.errors import InputError
from keras_textgen.metrics.perplexity import Perplexity
from keras_textgen.text import UNKNOWN, as_texts, get_tokenizer, lengths


class Signature(NamedTuple):
    """A function of an exported model: what computes it, and the shapes and dtypes of what it takes."""

    function: callable
    inputs: dict[str, tf.TensorSpec]


TEXTS = tf.TensorSpec([None], tf.string)
WHOLE = tf.TensorSpec([], tf.int32)
SEED = tf.TensorSpec([], tf.int64)
NUMBER = tf.TensorSpec([], tf.float32)


class TextModel(keras.Model):
    """A Keras model with its tokenizer.

    A subclass states `build_networks` (its layers), `call` (ids to the terms of its negative log-likelihood) and, to
    write, `start` and `step`. It is compiled from the beginning; calling `compile` replaces the optimizer. While the
    tokenizer has no vocabulary there are no layers: the first `fit` learns one and builds them.

    Args:
        tokenizer: a `keras_textgen.text.Tokenizer`, or "words", "characters", "wordpiece", "bytes"; None means words.
        vocabulary_size: limit of the vocabulary that is learned, the four special tokens included.
        sequence_length: longest text in tokens, the end token included; longer ones are cut.
        seed: of dropout, latent samples and the order of batches; None draws one (see `keras.utils.set_random_seed`).
    """

    def __init__(
        self,
        tokenizer=None,
        *,
        vocabulary_size: int = 10_000,
        sequence_length: int = 50,
        seed: int | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.tokenizer = get_tokenizer(tokenizer, vocabulary_size)
        self.vocabulary_size = vocabulary_size
        self.sequence_length = whole(2, sequence_length=sequence_length)
        self.seed = random.randrange(2**31) if seed is None else whole(0, 2**31 - 1, seed=seed)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.perplexity_tracker = Perplexity(name="perplexity")
        self.term_trackers = {name: keras.metrics.Mean(name=name) for name in self.terms}
        self.compile()

    terms: tuple[str, ...] = ()  # the names of the parts of the negative log-likelihood that `call` gives

    def get_config(self):
        return {
            **super().get_config(),
            "tokenizer": keras.saving.serialize_keras_object(self.tokenizer),
            "vocabulary_size": self.vocabulary_size,
            "sequence_length": self.sequence_length,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)

    # What a subclass states

    def build_networks(self) -> None:
        """Makes the layers; called once, as soon as there is a vocabulary."""
        raise NotImplementedError

    def call(self, ids):
        """Ids `int32 [batch, length]` to the named `terms`, each `float32 [batch]` or `[batch, …]`, in nats."""
        raise NotImplementedError

    def objective(self, terms: dict) -> tf.Tensor:
        """What training minimises, a scalar: by default the mean over the texts of the sum of the terms."""
        return tf.reduce_mean(tf.add_n([by_text(term) for term in terms.values()]))

    def start(self, seeds):
        """The state in which a text starts, from seeds `int64 [n, 2]`."""
        raise NotImplementedError

    def step(self, tokens, state):
        """Logits `[n, vocabulary]` of what follows `tokens` `int32 [n]`, and the next state."""
        raise NotImplementedError

    # Building

    def assemble(self) -> None:
        """The last line of a subclass's constructor: makes layers and weights if there is a vocabulary to make them
        for."""
        if self.tokenizer.ready and not self.built:
            self.build_networks()
            # One tiny batch makes every weight, so that none is missing when the model is saved or loaded.
            self.call(tf.constant([[UNKNOWN, UNKNOWN]]))
            self.built = True
            self.optimizer.build(self.trainable_variables)

    def build(self, input_shape=None):
        self.assemble()

    def learn(self, texts) -> "TextModel":
        """Learns the vocabulary from texts, if there is none yet, and builds the layers. Returns the model."""
        if not self.tokenizer.ready:
            self.tokenizer.learn(texts)
        self.assemble()
        return self

    def default_optimizer(self) -> keras.optimizers.Optimizer:
        """What the model is compiled with unless told otherwise."""
        return keras.optimizers.Adam(1e-3, global_clipnorm=5.0)

    def compile(self, optimizer=None, *, jit_compile=False, **kwargs):
        """As in Keras; without an optimizer, with the model's own. XLA is off unless asked for: on a CPU it is
        slower."""
        optimizer = self.default_optimizer() if optimizer is None else optimizer
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built:
            self.optimizer.build(self.trainable_variables)

    # Data

    def ids(self, x) -> tf.RaggedTensor:
        """Strings, or padded ids `int [n, length]`, to ragged ids `int32 [n, (length)]`, cut to `sequence_length`."""
        return batching.ragged_ids(x, self.tokenizer, self.sequence_length)

    def fit(
        self,
        x=None,
        y=None,
        batch_size=None,
        epochs=1,
        *,
        validation_data=None,
        validation_split=0.0,
        shuffle=True,
        initial_epoch=0,
        steps_per_epoch=None,
        **kwargs,
    ):
        """As `keras.Model.fit`. `x`: strings (list, array, `tf.data`), or padded ids `int32 [n, length]`.

        The order of the batches depends on the model's `seed` and the epoch's number alone. `validation_split` takes
        the last texts, as in Keras.

        Raises:
            InputError: if there are no texts, one is empty or no UTF-8, or an option is out of range.
        """
        batch_size = whole(1, batch_size=32 if batch_size is None else batch_size)
        epochs, initial_epoch = whole(0, epochs=epochs), whole(0, initial_epoch=initial_epoch)
        number(0, below=1, validation_split=validation_split)
        if x is None:
            raise InputError("fit needs texts: a list of strings, a tf.data set of strings, or padded ids")
        if isinstance(x, tf.data.Dataset):
            if not self.tokenizer.ready:
                self.learn(batching.first_texts(x))
            x = batching.batches_of_dataset(x, self.tokenizer, self.sequence_length, batch_size)
        elif not isinstance(x, keras.utils.PyDataset):
            if not self.built:
                x = as_texts(x)
                self.learn(x)
            ids = self.ids(x)
            kept = int(ids.nrows()) - int(int(ids.nrows()) * validation_split)
            if validation_data is None and kept < int(ids.nrows()):
                validation_data = ids[kept:]
            x, steps_per_epoch = self.training_batches(ids[:kept], batch_size, shuffle, initial_epoch, steps_per_epoch)
        self.plan(epochs * (steps_per_epoch or batching.known_batches(x) or 1000))
        if validation_data is not None:
            if isinstance(validation_data, tuple) and not isinstance(validation_data[0], (str, bytes)):
                validation_data = validation_data[0]
            validation_data = self.validation_batches(validation_data, batch_size)
        kwargs |= {"initial_epoch": initial_epoch, "steps_per_epoch": steps_per_epoch}
        return super().fit(x, epochs=epochs, validation_data=validation_data, shuffle=False, **kwargs)

    def training_batches(self, ids, batch_size, shuffle, initial_epoch, steps_per_epoch):
        """Batches from the first step of `initial_epoch` on, without end, and how many of them make an epoch."""
        batches = batching.number_of_batches(int(ids.nrows()), batch_size)
        steps_per_epoch = steps_per_epoch or batches
        passes, skipped = divmod(initial_epoch * steps_per_epoch, batches)
        if shuffle:
            dataset = batching.shuffled_batches(ids, batch_size, self.seed, passes)
        else:
            dataset = batching.ordered_batches(ids, batch_size).repeat()
        return dataset.skip(skipped), steps_per_epoch

    def plan(self, total_steps: int) -> None:
        """Told the number of steps when `fit` begins (1,000 an epoch are assumed of data that does not know its
        size)."""

    def validation_batches(self, x, batch_size):
        """Batches of what `evaluate` is given, each text once."""
        if isinstance(x, tf.data.Dataset):
            return batching.batches_of_dataset(x, self.tokenizer, self.sequence_length, batch_size)
        return x if isinstance(x, keras.utils.PyDataset) else batching.ordered_batches(self.ids(x), batch_size)

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """As `keras.Model.evaluate`, on what `fit` takes. The same texts give the same numbers every time."""
        self.require_weights()
        batch_size = whole(1, batch_size=32 if batch_size is None else batch_size)
        if x is None:
            raise InputError("evaluate needs texts: a list of strings, a tf.data set of strings, or padded ids")
        return super().evaluate(self.validation_batches(x, batch_size), **kwargs)

    # Training

    def train_step(self, data):
        ids, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        self.reseed(self.optimizer.iterations)
        with tf.GradientTape() as tape:
            terms = self(ids, training=True)
            loss = self.objective(terms)
            # Keras adds up the gradients of the replicas; the tape must see their mean.
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
            scaled = self.optimizer.scale_loss(loss / replicas)
        gradients = tape.gradient(scaled, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return self.report(ids, terms, loss)

    def test_step(self, data):
        ids, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        # The number of texts seen so far stands in for the step, so that evaluate() repeats itself.
        self.reseed(tf.convert_to_tensor(self.loss_tracker.count), stream=1)
        terms = self(ids, training=False)
        return self.report(ids, terms, self.objective(terms))

    def reseed(self, step, stream: int = 0) -> None:
        """Makes all randomness a function of (seed, step): a resumed run repeats an uninterrupted one exactly."""
        for index, generator in enumerate(self.seed_generators):
            state = tf.stack([tf.constant(self.seed + 2 * index + stream, tf.int64), tf.cast(step, tf.int64)])
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
        self.loss_tracker.update_state(loss, sample_weight=tf.cast(num, tf.float32))
        for name, term in terms.items():
            self.term_trackers[name].update_state(term)
        self.perplexity_tracker.update_state(tf.add_n(list(terms.values())), lengths(ids))
        return self.get_metrics_result()

    # Writing

    def write(self, state, choose, uniforms) -> tf.Tensor:
        """Strings `[n]`: tokens chosen one after another from `state` (see `sampling.decode`)."""
        return self.tokenizer.detokenize(sampling.decode(self.step, state, choose, uniforms))

    def write_rows(self, rows, seed, temperature, top_k, top_p):
        """Texts of the rows of that number: each depends on `seed` and its row alone."""
        state = self.start(sampling.row_seeds(seed, rows, stream=0))
        uniforms = sampling.uniform(sampling.row_seeds(seed, rows, stream=1), [self.sequence_length])
        return {"texts": self.write(state, sampling.sample(temperature, top_k, top_p), uniforms)}

    def generate_texts(self, num, seed, temperature):
        return self.write_rows(tf.range(num), seed, temperature, tf.constant(0), tf.constant(1.0))

    def generate(
        self,
        num: int = 1,
        *,
        seed: int | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        strategy: str = "sample",
    ) -> list[str]:
        """Writes `num` texts. The same seed gives the same texts, here and from the exported model.

        Args:
            seed: an integer; None draws one.
            temperature: divides the logits; under 1 is safer, over 1 is wilder, 0 takes the likeliest word.
            top_k: keeps this many of the likeliest words; 0 keeps all.
            top_p: keeps the fewest likeliest words that hold this much of the probability.
            strategy: "sample" or "greedy".

        Raises:
            InputError: if an argument is out of range or the model has no vocabulary yet.
        """
        self.require_weights()
        num, top_k = whole(0, num=num), whole(0, top_k=top_k)
        temperature, top_p = number(0, 1000, temperature=temperature), number(above=0, highest=1, top_p=top_p)
        temperature = 0.0 if sampling.check_strategy(strategy) == "greedy" else temperature
        seed = sampling.new_seed() if seed is None else sampling.check_seed(seed)
        rows = tf.range(num, dtype=tf.int64)
        written = [
            self.functions["write_rows"](rows[first : first + 512], seed, temperature, top_k, top_p)["texts"]
            for first in range(0, num, 512)
        ]
        return [text for batch in written for text in strings(batch)]

    # Functions: what the Python methods call, and what an export holds

    def signatures(self) -> dict[str, Signature]:
        """The functions that an exported model offers, by name; each returns named tensors."""
        return {"generate": Signature(self.generate_texts, {"num": WHOLE, "seed": SEED, "temperature": NUMBER})}

    def internal_signatures(self) -> dict[str, Signature]:
        """Functions that only the Python methods call."""
        rows = tf.TensorSpec([None], tf.int64)
        inputs = {"rows": rows, "seed": SEED, "temperature": NUMBER, "top_k": WHOLE, "top_p": NUMBER}
        return {"write_rows": Signature(self.write_rows, inputs)}

    @functools.cached_property
    def functions(self) -> dict[str, tf.function]:
        """All of them as graph functions with fixed shapes and dtypes."""
        signatures = {**self.signatures(), **self.internal_signatures()}
        return {
            name: tf.function(signature.function, input_signature=list(signature.inputs.values()), autograph=False)
            for name, signature in signatures.items()
        }

    def by_batches(self, name: str, texts, *arguments, batch_size: int = 64) -> dict[str, np.ndarray]:
        """Runs a function of texts on batches of similar length; results come back in the order of the texts."""
        self.require_weights()
        texts = np.asarray(as_texts(texts), object)
        order = np.argsort([len(text) for text in texts], kind="stable")
        parts = [
            self.functions[name](tf.constant(texts[order[first : first + batch_size]]), *arguments)
            for first in range(0, len(texts), batch_size)
        ]
        places = np.argsort(order, kind="stable")
        return {key: np.concatenate([part[key].numpy() for part in parts])[places] for key in parts[0]}

    def require_weights(self) -> None:
        """Raises `InputError` while there is no vocabulary and so nothing to run."""
        if not self.built:
            raise InputError("the model has no vocabulary yet; fit it, or build it with texts= or tokenizer=")


def by_text(term: tf.Tensor) -> tf.Tensor:
    """Sums whatever comes after the batch dimension: `[batch, …]` to `[batch]`."""
    return tf.reduce_sum(tf.reshape(term, [tf.shape(term)[0], -1]), axis=1)


def strings(texts) -> list[str]:
    """An eager tensor or array of strings as a flat list of `str`."""
    return [text.decode("utf-8", "replace") for text in np.ravel(texts)]

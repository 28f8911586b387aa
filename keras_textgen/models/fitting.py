"""What a model is given to fit and to evaluate: texts in any form, with labels where there are any."""

import keras
import tensorflow as tf

from keras_textgen import batching, replicas
from keras_textgen.checks import number, whole
from keras_textgen.epochs import Batches, Examples, InMemory
from keras_textgen.errors import InputError
from keras_textgen.text import as_texts


class Fitting:
    """`fit` and `evaluate` of a Keras model that has a tokenizer, attributes and a seed."""

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
        labels=None,
        tokens_per_batch=None,
        validation_data=None,
        validation_split=0.0,
        shuffle=True,
        initial_epoch=0,
        initial_step=0,
        steps_per_epoch=None,
        callbacks=None,
        **kwargs,
    ):
        """As `keras.Model.fit`. `x`: strings (list, array, `tf.data`), padded ids `int32 [n, length]`, or
        `keras_textgen.epochs.Examples` (texts that are read from the disk) or its `Batches`.

        `labels`, `{name: [one label a text]}`, are the attributes of the texts; a `tf.data` set holds pairs of a text
        and its labels instead, and `validation_data` is a pair, too. The order of the batches depends on the model's
        `seed` and the epoch's number alone. `validation_split` takes the last texts, as in Keras. With
        `tokens_per_batch` texts of about one length share a batch, as many as have that many tokens together, padding
        included, and `batch_size` is passed over. `initial_step`: steps that were taken of `initial_epoch` before, and
        which it goes without; it is then the only one.

        Raises:
            InputError: if there are no texts, one is empty or no UTF-8, labels are missing or unknown, or an option is
                out of range.
        """
        batch_size = whole(1, batch_size=32 if batch_size is None else batch_size)
        epochs, initial_epoch = whole(0, epochs=epochs), whole(0, initial_epoch=initial_epoch)
        if whole(0, initial_step=initial_step) and epochs != initial_epoch + 1:
            raise InputError("initial_step goes on with one epoch alone: epochs must be initial_epoch + 1")
        number(0, below=1, validation_split=validation_split)
        if x is None:
            raise InputError("fit needs texts: a list of strings, a tf.data set of strings, or padded ids")
        validation = None
        if isinstance(x, (tf.data.Dataset, keras.utils.PyDataset)):
            refuse_beside_data_set(labels, tokens_per_batch)
            if isinstance(x, tf.data.Dataset) and not self.built:
                self.learn(*batching.first_examples(x))
            x = first_epoch = self.batches(x, None, batch_size)
        else:
            batches, held_out = self.training_batches(x, labels, batch_size, tokens_per_batch, validation_split)
            if held_out is not None:
                validation = batching.ordered_batches(*held_out, batch_size)
            first_epoch = batches.once()
            steps_per_epoch = steps_per_epoch or batches.steps
            passes, skipped = divmod(initial_epoch * steps_per_epoch, batches.steps)
            x = batches.epochs(passes, shuffle).skip(skipped)
        if validation_data is not None:
            pair = isinstance(validation_data, tuple) and not isinstance(validation_data[0], (str, bytes))
            validation = self.batches(*(validation_data if pair else (validation_data, None)), batch_size)
        self.plan(epochs * (steps_per_epoch or batching.known_batches(x) or 1000), epochs)
        if initial_step:
            x = x.skip(initial_step)
            steps_per_epoch = steps_per_epoch and whole(1, steps_left=steps_per_epoch - initial_step)
        return super().fit(
            replicas.deal(x, self.distribute_strategy),
            epochs=epochs,
            validation_data=None if validation is None else replicas.deal(validation, self.distribute_strategy),
            shuffle=False,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            callbacks=self.with_own_callbacks(callbacks, first_epoch),
            **kwargs,
        )

    def training_batches(
        self, x, labels=None, batch_size=32, tokens_per_batch=None, validation_split=0.0
    ) -> tuple[Batches, tuple | None]:
        """The batches of what `fit` is given, and ids and attributes of the last texts if some are held out."""
        if isinstance(x, Batches):
            return x, None
        if isinstance(x, Examples):
            refuse_beside_data_set(labels)
            if validation_split:
                raise InputError("validation_split needs texts in memory; give validation_data instead")
            return x.batches(self, batch_size, tokens_per_batch), None
        if not self.built:
            x = as_texts(x)
            self.learn(x, labels)
        ids = self.ids(x)
        num = int(ids.nrows())
        numbers = self.attributes.numbers(labels, num)
        kept = num - int(num * validation_split)
        batches = InMemory(ids[:kept], numbers[:kept], self.seed, batch_size, tokens_per_batch)
        return batches, (ids[kept:], numbers[kept:]) if kept < num else None

    def plan(self, total_steps: int, epochs: int) -> None:
        """Told the number of steps and epochs when `fit` begins (1,000 steps an epoch are assumed of data that does not
        know its size)."""

    def own_callbacks(self, batches) -> list[keras.callbacks.Callback]:
        """What the model itself has to do between epochs; it comes before the user's callbacks, so that a checkpoint
        holds it. `batches` are the training texts in an order that is the same in every call."""
        return []

    def with_own_callbacks(self, callbacks, batches):
        own = self.own_callbacks(batches)
        if isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = callbacks.callbacks
        return [*own, *(callbacks if isinstance(callbacks, (list, tuple)) else [callbacks] if callbacks else [])]

    def batches(self, x, labels, batch_size):
        """Batches of what `fit` or `evaluate` is given, each text once, shortest first where all are in memory."""
        if isinstance(x, (tf.data.Dataset, keras.utils.PyDataset)):
            refuse_beside_data_set(labels)
        if isinstance(x, tf.data.Dataset):
            options = self.tokenizer, self.attributes, self.sequence_length, batch_size
            return batching.batches_of_dataset(x, *options)
        if isinstance(x, (keras.utils.PyDataset, tf.distribute.DistributedDataset)):
            return x
        ids = self.ids(x)
        return batching.ordered_batches(ids, self.attributes.numbers(labels, int(ids.nrows())), batch_size)

    def evaluate(self, x=None, y=None, batch_size=None, *, labels=None, **kwargs):
        """As `keras.Model.evaluate`, on what `fit` takes. The same texts give the same numbers every time."""
        self.require_weights()
        batch_size = whole(1, batch_size=32 if batch_size is None else batch_size)
        if x is None:
            raise InputError("evaluate needs texts: a list of strings, a tf.data set of strings, or padded ids")
        batches = replicas.deal(self.batches(x, labels, batch_size), self.distribute_strategy)
        return super().evaluate(batches, **kwargs)


def refuse_beside_data_set(labels, tokens_per_batch=None) -> None:
    """Raises `InputError` if labels or a number of tokens are given beside a data set, where they would be passed
    over."""
    if labels is not None:
        raise InputError("a data set holds its labels itself, as pairs (text, {name: label}); leave labels out")
    if tokens_per_batch is not None:
        raise InputError("a data set has batches of its own; leave tokens_per_batch out")

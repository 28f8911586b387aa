"""The contract of a tokenizer: strings <-> ids, inside the graph.

A tokenizer without a vocabulary learns one from texts in a single call, and carries it in its configuration, so that it
travels inside the `.keras` file.
"""

import collections
from collections.abc import Iterable, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.errors import InputError, unknown
from keras_textgen.text.checks import as_texts, in_pieces
from keras_textgen.text.ids import END, PADDING, SPECIAL_TOKENS, START, UNKNOWN

MOST_COUNTED = 4_000_000  # different tokens while a vocabulary is learned: about half a gigabyte


class Tokenizer(keras.layers.Layer):
    """What every tokenizer does. Called on strings, it returns padded ids, each row closed by the end token.

    Args:
        vocabulary_size: the largest number of ids that learning may use, the four special ones included.
        vocabulary: the tokens of the ids from 4 on; None until `learn` has been called.
        lowercase: whether texts are lower-cased first.
        normalization: None, or a Unicode normal form ("NFC", "NFD", "NFKC", "NFKD"), applied first. It is an op of
            tensorflow-text, so an exported model then needs that library where it is served.
        end_token: whether a row of ids ends with the end token. False for bags of words, as topic models count them:
            rows then hold the tokens of the texts alone.

    Raises:
        InputError: if one of these is out of range, or `vocabulary` holds a token twice or a special one.
    """

    learns = True  # whether there is a vocabulary to be learned

    def __init__(
        self,
        *,
        vocabulary_size=10_000,
        vocabulary=None,
        lowercase=False,
        normalization=None,
        end_token=True,
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        if vocabulary_size <= len(SPECIAL_TOKENS):
            raise InputError(f"vocabulary_size must be over {len(SPECIAL_TOKENS)} (the special tokens)")
        if normalization not in (None, "NFC", "NFD", "NFKC", "NFKD"):
            raise unknown("normalization", normalization, ["NFC", "NFD", "NFKC", "NFKD"])
        if not isinstance(end_token, bool):
            raise InputError(f"end_token must be True or False, not {end_token!r}")
        self.limit = vocabulary_size
        self.lowercase = lowercase
        self.normalization = normalization
        self.end_token = end_token
        self.vocabulary = None
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.limit,
            "vocabulary": self.vocabulary,
            "lowercase": self.lowercase,
            "normalization": self.normalization,
            "end_token": self.end_token,
        }

    @property
    def ready(self) -> bool:
        """Whether there is a vocabulary."""
        return not self.learns or self.vocabulary is not None

    @property
    def vocabulary_size(self) -> int:
        """The number of ids in use, the special ones included.

        Raises:
            InputError: if there is no vocabulary yet.
        """
        self.require_vocabulary()
        return len(SPECIAL_TOKENS) + len(self.vocabulary)

    def require_vocabulary(self) -> None:
        """Raises `InputError` while there is no vocabulary."""
        if not self.ready:
            raise InputError("the tokenizer has no vocabulary yet; call learn(texts), or fit the model first")

    @property
    def requires_tensorflow_text(self) -> bool:
        """Whether the graph holds ops that plain TensorFlow does not have."""
        return self.normalization is not None

    def learn(self, texts: Iterable[str]) -> "Tokenizer":
        """Learns the vocabulary from texts and returns the tokenizer itself. An iterator is read as a stream."""
        raise NotImplementedError

    def set_vocabulary(self, vocabulary: Sequence[str]) -> None:
        """Takes the tokens of the ids from 4 on, in order.

        Raises:
            InputError: if a token stands twice, or is one of the special ones.
        """
        vocabulary = [str(token) for token in vocabulary]
        twice = [token for token, count in collections.Counter(vocabulary).items() if count > 1]
        if twice:
            raise InputError(f"the vocabulary holds {twice[0]!r} twice")
        special = sorted(set(SPECIAL_TOKENS).intersection(vocabulary))
        if special:
            raise InputError(f"the vocabulary holds the special token {special[0]!r}; it has an id of its own")
        self.vocabulary = vocabulary

    def normalize(self, texts: tf.Tensor) -> tf.Tensor:
        """Strings to strings of the same shape: the normal form and the case this tokenizer reads."""
        if self.normalization:
            import tensorflow_text

            texts = tensorflow_text.normalize_utf8(texts, self.normalization)
        return tf.strings.lower(texts, encoding="utf-8") if self.lowercase else texts

    def tokenize(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Strings `[n]` to ids, ragged `int32 [n, (length)]`, without start and end."""
        raise NotImplementedError

    def join(self, ids: tf.RaggedTensor) -> tf.Tensor:
        """Ragged ids `[n, (length)]` without special ones but unknown, to strings `[n]`."""
        raise NotImplementedError

    def __call__(self, texts, *args, **kwargs):
        if isinstance(texts, (str, list, tuple, np.ndarray)):
            texts = tf.constant(as_texts(texts, allow_empty=True))
        return super().__call__(texts, *args, **kwargs)

    def call(self, texts, sequence_length=None):
        """Strings `[n]` to ids `int32 [n, longest]`, padded with 0; each row ends with the end token.

        With `end_token=False` a text of no tokens is a row of padding, and `longest` is at least 1.

        Args:
            texts: strings `[n]`.
            sequence_length: longest row in tokens, the end token included where there is one; longer texts are cut.

        Raises:
            InputError: if there is no vocabulary yet.
        """
        self.require_vocabulary()
        padded = self.close(self.tokenize(texts), sequence_length).to_tensor(PADDING)
        if not self.end_token:
            # Layers that look at every token of a row can't run on rows of none.
            missing = tf.maximum(1 - tf.shape(padded)[1], 0)
            padded = tf.pad(padded, [[0, 0], [0, missing]], constant_values=PADDING)
        return padded

    def close(self, ids: tf.RaggedTensor, sequence_length=None) -> tf.RaggedTensor:
        """Ragged ids `int32 [n, (length)]` as `tokenize` gives them, cut to `sequence_length` in all, and with the end
        token behind them where there is one."""
        if sequence_length is not None:
            ids = ids[:, : sequence_length - int(self.end_token)]
        if not self.end_token:
            return ids
        ends = tf.fill([ids.nrows(), 1], END)
        return tf.concat([ids, tf.cast(ends, ids.dtype)], axis=1)

    def token_ids(self, texts) -> tf.Tensor:
        """The ids `int32 [k]` of those of the strings `[n]` that are one known token each."""
        ids = self.tokenize(tf.convert_to_tensor(texts, tf.string))
        single = tf.equal(ids.row_lengths(), 1)
        found = tf.ragged.boolean_mask(ids, single).flat_values
        return tf.boolean_mask(found, found != UNKNOWN)

    def detokenize(self, ids) -> tf.Tensor:
        """Ids `int32 [n, length]`, read up to the first end token, to strings `[n]` in valid UTF-8."""
        self.require_vocabulary()
        ids = tf.convert_to_tensor(ids)
        ended = tf.cumsum(tf.cast(tf.equal(ids, END), tf.int32), axis=1) > 0
        special = tf.equal(ids, PADDING) | tf.equal(ids, START) | ended
        return self.join(tf.ragged.boolean_mask(ids, ~special))


class VocabularyTokenizer(Tokenizer):
    """A tokenizer with a table of whole tokens; a subclass says how to split a text and how to put it together."""

    def split(self, texts: tf.Tensor) -> tf.RaggedTensor:
        """Strings `[n]` to tokens, ragged strings `[n, (length)]`."""
        raise NotImplementedError

    def learn(self, texts):
        """Takes the most frequent tokens, at most `vocabulary_size` with the special ones; ties in alphabetical
        order. Of more than `MOST_COUNTED` tokens the rarer half is forgotten on the way."""
        counts = collections.Counter()
        for piece in in_pieces(texts):
            counts.update(self.split(self.normalize(tf.constant(piece))).flat_values.numpy().tolist())
            if len(counts) > MOST_COUNTED:
                counts = collections.Counter(dict(counts.most_common(MOST_COUNTED // 2)))
        for token in SPECIAL_TOKENS:
            counts.pop(token.encode(), None)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        self.set_vocabulary([token.decode() for token, _ in ranked[: self.limit - len(SPECIAL_TOKENS)]])
        return self

    def set_vocabulary(self, vocabulary):
        super().set_vocabulary(vocabulary)
        tokens = [*SPECIAL_TOKENS, *self.vocabulary]
        with tf.init_scope():
            table = tf.lookup.KeyValueTensorInitializer(tokens, range(len(tokens)), tf.string, tf.int32)
            self.ids_of_tokens = tf.lookup.StaticHashTable(table, default_value=UNKNOWN)

    def tokenize(self, texts):
        tokens = self.split(self.normalize(texts))
        # The marks of padding, start and end must not be written by a text; unknown may (as in Penn Treebank).
        ids = self.ids_of_tokens.lookup(tokens.flat_values)
        return tokens.with_flat_values(tf.where(ids < UNKNOWN, UNKNOWN, ids))

    def tokens_of(self, ids: tf.RaggedTensor) -> tf.RaggedTensor:
        tokens = tf.constant([*SPECIAL_TOKENS, *self.vocabulary])
        return ids.with_flat_values(tf.gather(tokens, ids.flat_values))

"""Tokenizers: strings <-> ids, inside the graph.

Four kinds share one contract: words, characters, WordPiece and bytes. Ids 0 to 3 are the same everywhere (padding,
start, end, unknown); a tokenizer without a vocabulary learns one from texts in a single call, and carries it in its
configuration, so that it travels inside the `.keras` file.
"""

import collections
from collections.abc import Iterable, Sequence

import keras
import numpy as np
import tensorflow as tf

from keras_textgen.errors import InputError, unknown

PADDING, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<unk>")


def as_texts(texts, name: str = "texts", allow_empty: bool = False) -> list[str]:
    """Checks and returns texts as a list of `str`.

    Args:
        texts: one string, or a list, tuple, array or eager tensor of strings (`bytes` are read as UTF-8).
        name: what to call them in an error.
        allow_empty: whether a string may hold nothing but white space.

    Raises:
        InputError: if there are none, one is not a string, not UTF-8, or empty.
    """
    if hasattr(texts, "numpy"):
        texts = texts.numpy()
    if isinstance(texts, (str, bytes)):
        texts = [texts]
    if isinstance(texts, np.ndarray):
        texts = texts.reshape(-1).tolist()
    if not isinstance(texts, Iterable):
        raise InputError(f"{name} must be strings, not {type(texts).__name__}")
    checked = []
    for index, text in enumerate(texts):
        if isinstance(text, bytes):
            try:
                text = text.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(f"{name}[{index}] is not UTF-8 (byte {error.start}); convert it first") from None
        if not isinstance(text, str):
            raise InputError(f"{name}[{index}] must be a string, not {type(text).__name__}")
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise InputError(f"{name}[{index}] holds half a surrogate pair, which is no character; remove it")
        if not allow_empty and not text.strip():
            raise InputError(f"{name}[{index}] is empty; remove it or give it some text")
        checked.append(text)
    if not checked:
        raise InputError(f"{name} is empty; give at least one text")
    return checked


class Tokenizer(keras.layers.Layer):
    """What every tokenizer does. Called on strings, it returns padded ids that end with the end token.

    Args:
        vocabulary_size: the largest number of ids that learning may use, the four special ones included.
        vocabulary: the tokens of the ids from 4 on; None until `learn` has been called.
        lowercase: whether texts are lower-cased first.
        normalization: None, or a Unicode normal form ("NFC", "NFD", "NFKC", "NFKD"), applied first. It is an op of
            tensorflow-text, so an exported model then needs that library where it is served.
    """

    learns = True  # whether there is a vocabulary to be learned

    def __init__(self, *, vocabulary_size=10_000, vocabulary=None, lowercase=False, normalization=None, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        if vocabulary_size <= len(SPECIAL_TOKENS):
            raise InputError(f"vocabulary_size must be over {len(SPECIAL_TOKENS)} (the special tokens)")
        if normalization not in (None, "NFC", "NFD", "NFKC", "NFKD"):
            raise unknown("normalization", normalization, ["NFC", "NFD", "NFKC", "NFKD"])
        self.limit = vocabulary_size
        self.lowercase = lowercase
        self.normalization = normalization
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

    def learn(self, texts: Sequence[str]) -> "Tokenizer":
        """Learns the vocabulary from texts and returns the tokenizer itself."""
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

        Args:
            texts: strings `[n]`.
            sequence_length: longest row in tokens, the end token included; longer texts are cut.
        """
        self.require_vocabulary()
        ids = self.tokenize(texts)
        if sequence_length is not None:
            ids = ids[:, : sequence_length - 1]
        ends = tf.fill([ids.nrows(), 1], END)
        return tf.concat([ids, tf.cast(ends, ids.dtype)], axis=1).to_tensor(PADDING)

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
        order."""
        counts = collections.Counter()
        texts = as_texts(texts)
        for start in range(0, len(texts), 10_000):
            tokens = self.split(self.normalize(tf.constant(texts[start : start + 10_000])))
            counts.update(tokens.flat_values.numpy().tolist())
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


CLOSING = r".,!?;:…)\]}"  # marks that lean on the word before them
OPENING = r"(\[{"  # and on the word after; a straight quotation mark could be either, so it stands alone
MARKS = CLOSING + OPENING + '"'


def detach_punctuation(texts: tf.Tensor) -> tf.Tensor:
    """Puts spaces between words and the marks around them; a run of marks stays one (!? and ...), and so do marks
    inside a word (3.50, o'clock)."""
    texts = tf.strings.regex_replace(texts, rf'([^\s{MARKS}])([{CLOSING}"]+)(\s|$)', r"\1 \2\3")
    return tf.strings.regex_replace(texts, rf'(^|\s)([{OPENING}"]+)([^\s{OPENING}"])', r"\1\2 \3")


def attach_punctuation(texts: tf.Tensor) -> tf.Tensor:
    """Takes the spaces out again; `detach_punctuation` of the result gives the same tokens."""
    for _ in range(2):  # neighbours share the space between them, so a second pass takes the other half
        texts = tf.strings.regex_replace(texts, rf"([^\s{MARKS}]) ([{CLOSING}]+)( |$)", r"\1\2\3")
    return tf.strings.regex_replace(texts, rf'(^| )([{OPENING}]+) ([^\s{OPENING}"])', r"\1\2\3")


@keras.saving.register_keras_serializable("keras_textgen")
class WordTokenizer(VocabularyTokenizer):
    """Words, for scripts that put spaces between them.

    Args:
        splitting: "punctuation" parts a text at white space and takes punctuation off the ends of words; "whitespace"
            takes what stands between spaces as it is (for text that is tokenized already, such as Penn Treebank);
            "unicode" parts wherever the script or the kind of character changes (tensorflow-text's
            `UnicodeScriptTokenizer`, which an exported model then needs where it is served).
        lowercase: as in `Tokenizer`; on by default.
    """

    def __init__(self, *, splitting="punctuation", lowercase=True, **kwargs):
        if splitting not in ("punctuation", "whitespace", "unicode"):
            raise unknown("splitting", splitting, ["punctuation", "whitespace", "unicode"])
        self.splitting = splitting
        super().__init__(lowercase=lowercase, **kwargs)

    def get_config(self):
        return {**super().get_config(), "splitting": self.splitting}

    @property
    def requires_tensorflow_text(self):
        return super().requires_tensorflow_text or self.splitting == "unicode"

    def split(self, texts):
        if self.splitting == "unicode":
            import tensorflow_text

            return tensorflow_text.UnicodeScriptTokenizer().tokenize(texts)
        if self.splitting == "punctuation":
            texts = detach_punctuation(texts)
        return tf.strings.split(texts)

    def join(self, ids):
        texts = tf.strings.reduce_join(self.tokens_of(ids), axis=-1, separator=" ")
        return texts if self.splitting == "whitespace" else attach_punctuation(texts)


@keras.saving.register_keras_serializable("keras_textgen")
class CharacterTokenizer(VocabularyTokenizer):
    """One token a Unicode character, for Chinese and other scripts without spaces, or for spelling models."""

    def split(self, texts):
        return tf.strings.unicode_split(texts, "UTF-8", errors="replace")

    def join(self, ids):
        return tf.strings.reduce_join(self.tokens_of(ids), axis=-1)


def in_graph(tokenizer):
    """keras-hub's `tokenize` and `detokenize` as graph functions; called eagerly they return lists, not tensors."""
    strings = tf.TensorSpec([None], tf.string)
    ids = tf.RaggedTensorSpec([None, None], tf.int32)
    return tf.function(tokenizer.tokenize, [strings]), tf.function(tokenizer.detokenize, [ids])


@keras.saving.register_keras_serializable("keras_textgen")
class WordPieceTokenizer(Tokenizer):
    """Word pieces (Schuster & Nakajima 2012), by keras-hub; needs tensorflow-text where it is served."""

    def __init__(self, *, lowercase=True, **kwargs):
        super().__init__(lowercase=lowercase, **kwargs)

    @property
    def requires_tensorflow_text(self):
        return True

    def learn(self, texts):
        """Learns word pieces, at most `vocabulary_size` of them with the special tokens."""
        from keras_hub.tokenizers import compute_word_piece_vocabulary

        dataset = tf.data.Dataset.from_tensor_slices(as_texts(texts)).batch(1024).map(self.normalize)
        pieces = compute_word_piece_vocabulary(
            dataset,
            vocabulary_size=self.limit,
            lowercase=self.lowercase,
            reserved_tokens=list(SPECIAL_TOKENS),
        )
        self.set_vocabulary([piece for piece in pieces if piece not in SPECIAL_TOKENS][: self.limit - 4])
        return self

    def set_vocabulary(self, vocabulary):
        from keras_hub.tokenizers import WordPieceTokenizer as Pieces

        super().set_vocabulary(vocabulary)
        pieces = Pieces([*SPECIAL_TOKENS, *self.vocabulary], lowercase=self.lowercase, oov_token="<unk>")
        self.to_pieces, self.from_pieces = in_graph(pieces)

    def tokenize(self, texts):
        return tf.cast(self.to_pieces(self.normalize(texts)), tf.int32)

    def join(self, ids):
        return attach_punctuation(self.from_pieces(ids))


@keras.saving.register_keras_serializable("keras_textgen")
class ByteTokenizer(Tokenizer):
    """The 256 bytes of UTF-8: any text in any script, nothing to learn, nothing unknown.

    In plain TensorFlow ops: the one of keras-hub keeps a constant of the first graph it is traced in, and fails in a
    second.
    """

    learns = False

    @property
    def vocabulary_size(self):
        return len(SPECIAL_TOKENS) + 256

    def set_vocabulary(self, vocabulary):
        raise InputError("a byte tokenizer has a fixed vocabulary; leave vocabulary out")

    def learn(self, texts):
        """Checks the texts; there is nothing to learn."""
        as_texts(texts)
        return self

    def tokenize(self, texts):
        pieces = tf.strings.bytes_split(self.normalize(texts))
        values = tf.reshape(tf.io.decode_raw(pieces.flat_values, tf.uint8), [-1])
        return pieces.with_flat_values(tf.cast(values, tf.int32) + len(SPECIAL_TOKENS))

    def join(self, ids):
        pieces = tf.constant([b""] * len(SPECIAL_TOKENS) + [bytes([value]) for value in range(256)])
        texts = tf.strings.reduce_join(ids.with_flat_values(tf.gather(pieces, ids.flat_values)), axis=-1)
        return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")


TOKENIZERS = {
    "words": WordTokenizer,
    "characters": CharacterTokenizer,
    "wordpiece": WordPieceTokenizer,
    "bytes": ByteTokenizer,
}


def get_tokenizer(tokenizer, vocabulary_size: int = 10_000) -> Tokenizer:
    """A tokenizer from its name, its Keras configuration, or itself.

    Args:
        tokenizer: None (words), "words", "characters", "wordpiece", "bytes", a `Tokenizer`, or one serialized by Keras.
        vocabulary_size: the limit of a tokenizer made here from a name.

    Raises:
        InputError: if the name is not one of these, or the object is no tokenizer.
    """
    if isinstance(tokenizer, dict):
        tokenizer = keras.saving.deserialize_keras_object(tokenizer)
    if isinstance(tokenizer, Tokenizer):
        return tokenizer
    if tokenizer is None:
        tokenizer = "words"
    if not isinstance(tokenizer, str):
        raise InputError(f"tokenizer must be a name or a Tokenizer, not {type(tokenizer).__name__}")
    if tokenizer not in TOKENIZERS:
        raise unknown("tokenizer", tokenizer, TOKENIZERS)
    return TOKENIZERS[tokenizer](vocabulary_size=vocabulary_size)

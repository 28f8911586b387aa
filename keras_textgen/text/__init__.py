"""Text in and out: four kinds of tokenizers under one contract (words, characters, word pieces, bytes)."""

import keras

from keras_textgen.errors import InputError, unknown
from keras_textgen.text.byte import ByteTokenizer
from keras_textgen.text.characters import CharacterTokenizer
from keras_textgen.text.checks import as_texts
from keras_textgen.text.ids import END, PADDING, SPECIAL_TOKENS, START, UNKNOWN, lengths, shift_right
from keras_textgen.text.tokenizer import Tokenizer, VocabularyTokenizer
from keras_textgen.text.wordpiece import WordPieceTokenizer
from keras_textgen.text.words import WordTokenizer

__all__ = [
    "END",
    "PADDING",
    "SPECIAL_TOKENS",
    "START",
    "TOKENIZERS",
    "UNKNOWN",
    "ByteTokenizer",
    "CharacterTokenizer",
    "Tokenizer",
    "VocabularyTokenizer",
    "WordPieceTokenizer",
    "WordTokenizer",
    "as_texts",
    "get_tokenizer",
    "lengths",
    "shift_right",
]

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

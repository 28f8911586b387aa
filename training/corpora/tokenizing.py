"""A tokenizer for a corpus, as a run or a preparation is asked for it."""

from collections.abc import Mapping, Sequence

from keras_textgen.errors import InputError, unknown


def new_tokenizer(kind: str | Mapping, size: int, options: Mapping, words: Sequence[str] | None = None):
    """A tokenizer without a vocabulary, or with that of the corpus where it states one.

    Args:
        kind: "words", "characters", "wordpiece" or "bytes"; or a tokenizer as Keras serializes it, which is taken as
            it is.
        size: limit of the vocabulary.
        options: further keywords.
        words: those of word counts: the words as they are, and a text has no end.

    Raises:
        InputError: if the kind or an option is unknown.
    """
    from keras_textgen.text import TOKENIZERS, get_tokenizer

    if isinstance(kind, Mapping):
        return get_tokenizer(dict(kind))
    if kind not in TOKENIZERS:
        raise unknown("tokenizer", kind, TOKENIZERS)
    options = {"vocabulary_size": size, **options}
    if words is not None:
        options |= {"vocabulary": words, "splitting": "whitespace", "lowercase": False, "end_token": False}
    try:
        return TOKENIZERS[kind](**options)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"tokenizer {kind!r} does not take these options: {', '.join(options)}") from None

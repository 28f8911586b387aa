"""Texts as they are given, checked."""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np

from keras_textgen.errors import InputError


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


def in_pieces(texts, size: int = 10_000) -> Iterator[list[str]]:
    """Checked texts, `size` at a time; of an iterator no more are held in memory.

    Raises:
        InputError: as `as_texts`.
    """
    if not isinstance(texts, Iterator):
        texts = iter(as_texts(texts))
    piece = list(itertools.islice(texts, size))
    while True:
        yield as_texts(piece)
        piece = list(itertools.islice(texts, size))
        if not piece:
            return

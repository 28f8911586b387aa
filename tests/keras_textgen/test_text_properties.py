"""What holds for every text, by hypothesis. Texts are looked at in lists, as one call to TensorFlow costs more than all
of their tokens."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_textgen.errors import InputError
from keras_textgen.text import END, PADDING, START, TOKENIZERS, UNKNOWN, as_texts

LEARNED_FROM = ["the soup was cold.", "Crème brûlée, naïve café! 饭 很 好吃", "🍕🍕 it's   great?"]
ANYTHING = st.text(alphabet=st.characters(), max_size=5) | st.binary(max_size=5) | st.none() | st.integers()
TEXTS = st.lists(st.text(max_size=30), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def tokenizers():
    return {name: TOKENIZERS[name]().learn(LEARNED_FROM) for name in ("words", "characters", "bytes")}


@pytest.mark.parametrize("name", ["words", "characters", "bytes"])
@settings(max_examples=30, deadline=None)
@given(texts=TEXTS, length=st.integers(2, 12))
def test_ids_are_in_range_end_once_and_come_back_the_same(tokenizers, name, texts, length):
    tokenizer = tokenizers[name]
    ids = tokenizer(texts).numpy()
    assert ids.min() >= 0 and ids.max() < tokenizer.vocabulary_size and not (ids == START).any()
    assert ((ids == END).sum(axis=1) == 1).all()
    assert ((ids == PADDING) == (np.cumsum(ids == END, axis=1) - (ids == END) > 0)).all()
    cut = tokenizer(texts, sequence_length=length).numpy()
    assert cut.shape[1] <= length and ((cut == END).sum(axis=1) == 1).all()
    for row, whole in zip(cut, ids, strict=True):
        kept = row[: int(np.argmax(row == END))]
        assert (kept == whole[: len(kept)]).all()
    back = [text.decode("utf-8") for text in tokenizer.detokenize(ids).numpy()]
    if name == "bytes":
        assert back == texts
    again = [text.decode("utf-8") for text in tokenizer.detokenize(tokenizer(back)).numpy()]
    for text, found, row in zip(back, again, ids, strict=True):
        assert found == text or UNKNOWN in row  # what stands for unknown ones may be spelt in known ones


@settings(max_examples=200, deadline=None)
@given(st.lists(ANYTHING, max_size=4))
def test_what_is_given_as_texts_is_strings_or_refused_in_one_line(given_texts):
    try:
        texts = as_texts(given_texts)
    except InputError as error:
        assert "\n" not in str(error)
    else:
        assert texts and all(isinstance(text, str) and text.strip() and text.encode() for text in texts)

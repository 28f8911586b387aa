"""Tokenizers: what goes in comes out, and special tokens stay special."""

import collections
import json
import random

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.errors import InputError
from keras_textgen.text import (
    END,
    PADDING,
    SPECIAL_TOKENS,
    START,
    TOKENIZERS,
    UNKNOWN,
    WordPieceTokenizer,
    WordTokenizer,
    as_texts,
    get_tokenizer,
)
from keras_textgen.text.punctuation import attach_punctuation

CHINESE = ["我们 喜欢 这里 的 菜", "服务 很 好"]
KINDS = sorted(TOKENIZERS)
LEARNING = [kind for kind in KINDS if TOKENIZERS[kind].learns]


@pytest.fixture(scope="module")
def tokenizers(corpus):
    return {kind: TOKENIZERS[kind](vocabulary_size=500).learn([*corpus, *CHINESE]) for kind in KINDS}


@pytest.fixture(params=KINDS)
def tokenizer(request, tokenizers):
    return tokenizers[request.param]


def strings(texts):
    return [text.decode() for text in texts.numpy()]


def rows_of(ids):
    """Each row without its padding."""
    return [row[row != PADDING].tolist() for row in np.asarray(ids)]


def test_learned_texts_come_back(tokenizer, corpus):
    assert strings(tokenizer.detokenize(tokenizer(corpus))) == corpus


def test_ids_survive_the_way_through_text(tokenizer, corpus):
    ids = tokenizer([*corpus, *CHINESE])
    np.testing.assert_array_equal(tokenizer(tokenizer.detokenize(ids)), ids)
    assert not np.any(ids == UNKNOWN)


@pytest.mark.parametrize("kind", ["characters", "bytes"])
def test_chinese_without_spaces_comes_back(kind, tokenizers):
    texts = ["我们喜欢这里的菜", "服务很好"]
    assert strings(tokenizers[kind].detokenize(tokenizers[kind](texts))) == texts


def test_characters_of_chinese_are_a_token_each(tokenizers):
    assert tokenizers["characters"](["服务很好"]).shape == (1, 5)
    assert tokenizers["bytes"](["服务很好"]).shape == (1, 4 * 3 + 1)


def test_special_ids_are_fixed():
    assert (PADDING, START, END, UNKNOWN) == (0, 1, 2, 3)
    assert SPECIAL_TOKENS == ("<pad>", "<s>", "</s>", "<unk>")


def test_a_row_is_words_then_one_end_then_padding(tokenizer, corpus):
    ids = tokenizer(["cat", *corpus]).numpy()
    assert ids.dtype == np.int32
    for row in ids:
        length = np.count_nonzero(row)
        assert row[length - 1] == END and not row[length:].any()
        assert (row[: length - 1] > UNKNOWN).all()
    assert np.count_nonzero(ids[0]) < ids.shape[1]  # so there was padding to look at


@pytest.mark.parametrize("longest", [1, 2, 4])
def test_long_texts_are_cut_and_still_end(tokenizer, corpus, longest):
    cut, whole = tokenizer(corpus, sequence_length=longest).numpy(), tokenizer(corpus).numpy()
    assert cut.shape == (len(corpus), longest)
    np.testing.assert_array_equal(cut[:, :-1], whole[:, : longest - 1])
    assert (cut[:, -1] == END).all()


def test_a_text_as_long_as_allowed_is_not_cut(tokenizer):
    whole = tokenizer(["the cat"])
    np.testing.assert_array_equal(tokenizer(["the cat"], sequence_length=whole.shape[1]), whole)


def test_an_empty_text_is_its_end_token(tokenizer):
    ids = tokenizer([""])
    assert ids.numpy().tolist() == [[END]]
    assert strings(tokenizer.detokenize(ids)) == [""]


# Without end token


@pytest.fixture(scope="module")
def bags(tokenizers):
    """The same tokenizers, without end token."""
    configs = {kind: tokenizer.get_config() for kind, tokenizer in tokenizers.items()}
    for config in configs.values():
        config["end_token"] = False
        if not config["vocabulary"]:
            del config["vocabulary"]
    return {kind: TOKENIZERS[kind].from_config(config) for kind, config in configs.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_without_end_token_the_other_ids_stay(kind, tokenizers, bags, corpus):
    texts = ["cat", *corpus]
    ended, bare = tokenizers[kind](texts), bags[kind](texts)
    assert bare.dtype == tf.int32 and bare.shape[1] == ended.shape[1] - 1
    assert [[*row, END] for row in rows_of(bare)] == rows_of(ended)
    assert strings(bags[kind].detokenize(bare)) == texts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("longest", [1, 2, 4])
def test_without_end_token_a_row_may_be_all_words(kind, longest, bags, corpus):
    cut, whole = bags[kind](corpus, sequence_length=longest).numpy(), bags[kind](corpus).numpy()
    assert cut.shape == (len(corpus), longest)
    np.testing.assert_array_equal(cut, whole[:, :longest])
    assert (cut > UNKNOWN).all()


@pytest.mark.parametrize("kind", KINDS)
def test_without_end_token_texts_without_tokens_are_padding(kind, bags):
    tokenizer = bags[kind]
    graph = tf.function(tokenizer, input_signature=[tf.TensorSpec([None], tf.string)])
    for give in (tokenizer, graph, lambda texts: tokenizer(texts, sequence_length=3)):
        ids = give(tf.constant(["", ""]))
        assert ids.numpy().tolist() == [[PADDING], [PADDING]]
        assert strings(tokenizer.detokenize(ids)) == ["", ""]
        assert give(tf.constant([], tf.string)).shape == (0, 1)
    mixed = tokenizer(["", "cat"]).numpy()
    assert not mixed[0].any() and mixed[1].all()


@pytest.mark.parametrize("kind", KINDS)
def test_without_end_token_a_tokenizer_survives_serialization(kind, tokenizers, bags, corpus):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(bags[kind])))
    other = keras.saving.deserialize_keras_object(config)
    assert other.end_token is False and tokenizers[kind].end_token is True
    np.testing.assert_array_equal(other(corpus), bags[kind](corpus))
    dataset = tf.data.Dataset.from_tensors(tf.constant(corpus)).map(lambda x: other(x, sequence_length=9))
    np.testing.assert_array_equal(next(iter(dataset)), bags[kind](corpus, sequence_length=9))


def test_without_end_token_ids_are_counted_as_words_are():
    texts = ["b a b c b", "c c", "a"]
    tokenizer = WordTokenizer(end_token=False).learn(texts)
    for text, row in zip(texts, tokenizer(texts).numpy(), strict=True):
        counted = collections.Counter(tokenizer.vocabulary[number - len(SPECIAL_TOKENS)] for number in row if number)
        assert counted == collections.Counter(text.split())


@pytest.mark.parametrize("kind, text", [("words", "zebra"), ("characters", "ж"), ("wordpiece", "ж")])
def test_what_was_not_learned_is_unknown(kind, text, tokenizers):
    assert tokenizers[kind]([text]).numpy().tolist() == [[UNKNOWN, END]]


def test_bytes_know_everything(tokenizers):
    texts = ["жираф 🦒 naïve", "tab\tand\nline"]
    ids = tokenizers["bytes"](texts)
    assert not np.any(ids == UNKNOWN)
    assert strings(tokenizers["bytes"].detokenize(ids)) == texts


def test_a_tokenizer_survives_serialization_through_json(tokenizer, corpus):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(tokenizer)))
    other = keras.saving.deserialize_keras_object(config)
    assert type(other) is type(tokenizer) and other.vocabulary_size == tokenizer.vocabulary_size
    texts = [*corpus, *CHINESE, "zebra"]
    np.testing.assert_array_equal(other(texts), tokenizer(texts))
    assert strings(other.detokenize(other(texts))) == strings(tokenizer.detokenize(tokenizer(texts)))


@pytest.mark.parametrize("kind", LEARNING)
def test_a_tokenizer_without_vocabulary_survives_serialization(kind, corpus):
    config = keras.saving.serialize_keras_object(TOKENIZERS[kind](vocabulary_size=77, lowercase=False))
    other = keras.saving.deserialize_keras_object(config)
    assert not other.ready and other.limit == 77 and other.lowercase is False
    assert other.learn(corpus).ready


def test_a_graph_gives_what_python_gives(tokenizer, corpus):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def both(texts):
        ids = tokenizer(texts, sequence_length=9)
        return ids, tokenizer.detokenize(ids)

    ids, texts = both(tf.constant(corpus))
    np.testing.assert_array_equal(ids, tokenizer(corpus, sequence_length=9))
    assert strings(texts) == strings(tokenizer.detokenize(ids))
    dataset = tf.data.Dataset.from_tensors(tf.constant(corpus)).map(lambda x: tokenizer(x, sequence_length=9))
    np.testing.assert_array_equal(next(iter(dataset)), ids)


def test_any_ids_give_valid_utf8(tokenizer):
    ids = np.random.default_rng(0).integers(0, tokenizer.vocabulary_size, [300, 20]).astype(np.int32)
    for text in tokenizer.detokenize(ids).numpy():
        text.decode("utf-8")  # raises if it is not


def test_broken_utf8_is_read_without_an_error_and_comes_out_valid(tokenizer):
    texts = tf.constant([b"the \xff\xfe cat", b"\xe4\xb8", b"\x80"])
    for text in tokenizer.detokenize(tokenizer(texts)).numpy():
        text.decode("utf-8")


def test_reading_stops_at_the_first_end_and_skips_start(tokenizer):
    word = tokenizer(["cat"]).numpy()[0, :-1].tolist()
    ids = tf.constant([[START, *word, END, *word, END, PADDING], [*word, END, END, START, *word, PADDING]])
    assert strings(tokenizer.detokenize(ids)) == ["cat", "cat"]


def test_a_text_cannot_write_special_tokens(tokenizer):
    for mark in ("<pad>", "<s>", "</s>"):
        for text in (mark, f"the {mark} cat", f"{mark}{mark} cat {mark}"):
            (row,) = tokenizer([text]).numpy()
            assert row[-1] == END and (row[:-1] >= UNKNOWN).all(), (text, row)


@pytest.mark.parametrize("splitting", ["punctuation", "whitespace"])
def test_a_text_may_write_unknown(splitting, corpus):
    tokenizer = WordTokenizer(splitting=splitting).learn(corpus)
    assert tokenizer(["<unk> <pad> <s> </s>"]).numpy().tolist() == [[UNKNOWN] * 4 + [END]]


@pytest.mark.parametrize("kind", LEARNING)
def test_special_tokens_in_the_texts_are_not_learned(kind):
    tokenizer = TOKENIZERS[kind](vocabulary_size=60).learn(["a <pad> b </s> c <unk> <s>"] * 3)
    assert not set(SPECIAL_TOKENS) & set(tokenizer.vocabulary)
    assert tokenizer.vocabulary_size == len(tokenizer.vocabulary) + 4


def test_punctuation_leaves_words_and_comes_back_to_them():
    tokenizer = WordTokenizer()
    text = "well, it's 3.50 (or so)!"
    assert [t.decode() for t in tokenizer.split(tf.constant([text]))[0].numpy()] == [
        "well", ",", "it's", "3.50", "(", "or", "so", ")!",
    ]  # fmt: skip
    tokenizer.learn([text])
    assert strings(tokenizer.detokenize(tokenizer([text]))) == [text]


def random_texts(alphabet, longest, num=1500):
    draw = random.Random(0)
    texts = ["".join(draw.choice(alphabet) for _ in range(draw.randint(1, longest))) for _ in range(num)]
    return [text for text in texts if text.strip()]


@pytest.mark.parametrize("alphabet", ["ab '  .,!?", "ab  .,!?…()[]{}", 'ab  .,!?…()[]"'])
def test_putting_a_text_together_loses_no_token(alphabet):
    texts = random_texts(alphabet, 9)
    tokenizer = WordTokenizer()
    once = tokenizer.split(tf.constant(texts))
    joined = attach_punctuation(tf.strings.reduce_join(once, axis=-1, separator=" "))
    twice = tokenizer.split(joined)
    lost = [case for case in zip(texts, once.to_list(), twice.to_list(), strict=True) if case[1] != case[2]]
    assert not lost, f"{len(lost)} of {len(texts)}, the shortest: {min(lost, key=lambda case: len(case[0]))}"


def test_any_words_that_a_model_writes_read_back_as_the_same_words():
    # A model may write the tokens of a vocabulary in any order, not only in orders that a text has.
    tokenizer = WordTokenizer().learn(["a . , ! ? ( ) [ ] b o'clock ' \""])
    draw = np.random.default_rng(0)
    ids = draw.integers(4, tokenizer.vocabulary_size, [1500, 6])
    ids = np.concatenate([ids, np.full([1500, 1], END)], axis=1).astype(np.int32)
    texts = tokenizer.detokenize(ids)
    again = tokenizer(texts)
    lost = [
        (text, before, after)
        for text, before, after in zip(strings(texts), rows_of(ids), rows_of(again), strict=True)
        if before != after
    ]
    assert not lost, f"{len(lost)} of 1500, for one: {min(lost, key=lambda case: len(case[0]))}"


@pytest.mark.parametrize("splitting", ["punctuation", "whitespace", "unicode"])
def test_every_splitting_learns_and_reads(splitting, corpus):
    tokenizer = WordTokenizer(splitting=splitting).learn(corpus)
    ids = tokenizer(corpus)
    assert not np.any(ids == UNKNOWN)
    np.testing.assert_array_equal(tokenizer(tokenizer.detokenize(ids)), ids)
    assert tokenizer.requires_tensorflow_text == (splitting == "unicode")


def test_whitespace_splitting_leaves_tokens_as_they_are():
    tokenizer = WordTokenizer(splitting="whitespace", lowercase=False).learn(["No , it was n't Black Monday ."])
    assert strings(tokenizer.detokenize(tokenizer(["it was n't , No"]))) == ["it was n't , No"]


@pytest.mark.parametrize("kind", ["words", "wordpiece"])
def test_case_is_dropped_when_asked(kind, corpus):
    small = TOKENIZERS[kind](vocabulary_size=200, lowercase=True).learn([text.upper() for text in corpus])
    np.testing.assert_array_equal(small(["THE CAT"]), small(["the cat"]))
    assert not np.any(small(["the cat"]) == UNKNOWN)
    cased = TOKENIZERS[kind](vocabulary_size=200, lowercase=False).learn(corpus)
    assert np.any(cased(["THE CAT"]).numpy() != cased(["the cat"]).numpy()[:1, :1])
    assert np.any(cased(["THE CAT"]) == UNKNOWN)


def test_lower_case_reaches_beyond_ascii():
    tokenizer = WordTokenizer().learn(["élan ärger"])
    assert not np.any(tokenizer(["ÉLAN ÄRGER"]) == UNKNOWN)


@pytest.mark.parametrize("kind", LEARNING)
def test_a_normal_form_makes_spellings_equal(kind):
    composed, decomposed, ligature = "caf\u00e9", "cafe\u0301", "\ufb01ne"
    tokenizer = TOKENIZERS[kind](vocabulary_size=60, normalization="NFKC").learn([decomposed, ligature] * 3)
    assert tokenizer.requires_tensorflow_text
    np.testing.assert_array_equal(tokenizer([composed]), tokenizer([decomposed]))
    assert not np.any(tokenizer([composed]) == UNKNOWN)
    assert not np.any(tokenizer(["fine"]) == UNKNOWN)


def test_words_are_learned_by_frequency_then_alphabet():
    tokenizer = WordTokenizer().learn(["b b b a a a c c z", "y x"])
    assert tokenizer.vocabulary == ["a", "b", "c", "x", "y", "z"]


@pytest.mark.parametrize("kind", ["words", "characters"])
def test_the_limit_keeps_the_most_frequent(kind):
    tokenizer = TOKENIZERS[kind](vocabulary_size=6).learn(["b b b", "a a", "c"])
    assert tokenizer.vocabulary_size == 6
    assert tokenizer.vocabulary == (["b", "a"] if kind == "words" else [" ", "b"])


@pytest.mark.parametrize("kind", LEARNING)
def test_learning_keeps_the_limit(kind, corpus):
    assert TOKENIZERS[kind](vocabulary_size=20).learn(corpus).vocabulary_size <= 20


@pytest.mark.parametrize("kind", LEARNING)
def test_learning_twice_gives_the_same(kind, corpus):
    assert TOKENIZERS[kind]().learn(corpus).vocabulary == TOKENIZERS[kind]().learn(corpus[::-1]).vocabulary


# Errors


@pytest.mark.parametrize(
    "texts, message",
    [
        ([], "texts is empty"),
        ([""], r"texts\[0\] is empty"),
        (["a", " \n"], r"texts\[1\] is empty"),
        (["a", 3], r"texts\[1\] must be a string, not int"),
        ([None], r"texts\[0\] must be a string"),
        (3, "texts must be strings, not int"),
        (None, "texts must be strings"),
        (["a", b"\xff\xfe"], r"texts\[1\] is not UTF-8 \(byte 0\)"),
        (np.arange(3), r"texts\[0\] must be a string"),
        ([["a"]], r"texts\[0\] must be a string, not list"),
        (["a", "\ud800"], r"texts\[1\]"),
    ],
)
def test_texts_that_are_none_are_refused_in_one_line(texts, message):
    with pytest.raises(InputError, match=message) as error:
        as_texts(texts)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "texts",
    ["é b", "é b".encode(), np.array(["é b"]), np.array("é b"), np.array([["é b"]], object), tf.constant(["é b"]),
     tf.constant("é b"), ("é b",), (text for text in ["é b"])],
)  # fmt: skip
def test_texts_come_in_many_forms(texts):
    assert as_texts(texts) == ["é b"]


def test_empty_texts_pass_where_allowed():
    assert as_texts([""], allow_empty=True) == [""]


def test_an_unknown_tokenizer_name_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'words'"):
        get_tokenizer("word")
    with pytest.raises(InputError, match="must be a name or a Tokenizer"):
        get_tokenizer(3)


def test_a_tokenizer_is_found_by_name_configuration_or_itself(corpus):
    assert isinstance(get_tokenizer(None), WordTokenizer)
    for kind in KINDS:
        tokenizer = get_tokenizer(kind, 321)
        assert type(tokenizer) is TOKENIZERS[kind] and tokenizer.limit == 321
        assert get_tokenizer(tokenizer) is tokenizer
        assert type(get_tokenizer(keras.saving.serialize_keras_object(tokenizer))) is TOKENIZERS[kind]


@pytest.mark.parametrize("kind", LEARNING)
def test_without_vocabulary_there_is_no_size(kind):
    tokenizer = TOKENIZERS[kind]()
    assert not tokenizer.ready
    with pytest.raises(InputError, match="no vocabulary yet"):
        _ = tokenizer.vocabulary_size


@pytest.mark.parametrize("kind", LEARNING)
def test_without_vocabulary_nothing_is_tokenized(kind):
    with pytest.raises(InputError, match="no vocabulary yet"):
        TOKENIZERS[kind]()(["a text"])


@pytest.mark.parametrize("kind", LEARNING)
def test_a_vocabulary_has_no_token_twice_and_no_special_one(kind):
    with pytest.raises(InputError, match="holds 'a' twice"):
        TOKENIZERS[kind](vocabulary=["a", "b", "a"])
    with pytest.raises(InputError, match="special token '</s>'"):
        TOKENIZERS[kind](vocabulary=["a", "</s>"])


def test_bytes_take_no_vocabulary():
    with pytest.raises(InputError, match="fixed vocabulary"):
        TOKENIZERS["bytes"](vocabulary=["a"])
    assert TOKENIZERS["bytes"]().ready and TOKENIZERS["bytes"]().vocabulary_size == 260


@pytest.mark.parametrize("kind", KINDS)
def test_settings_out_of_range_are_refused(kind):
    with pytest.raises(InputError, match="over 4"):
        TOKENIZERS[kind](vocabulary_size=4)
    with pytest.raises(InputError, match="normalization"):
        TOKENIZERS[kind](normalization="NFX")
    with pytest.raises(InputError, match="end_token must be True or False, not 'no'"):
        TOKENIZERS[kind](end_token="no")


def test_an_unknown_splitting_is_refused():
    with pytest.raises(InputError, match="splitting"):
        WordTokenizer(splitting="spaces")


def test_only_tokenizers_that_need_tensorflow_text_say_so(tokenizers):
    needing = {kind for kind, tokenizer in tokenizers.items() if tokenizer.requires_tensorflow_text}
    assert needing == {"wordpiece"}
    assert isinstance(tokenizers["wordpiece"], WordPieceTokenizer)

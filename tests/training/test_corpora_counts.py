"""Files of word counts: what the texts hold is what was counted, and whatever is wrong is said with file and line."""

import collections
from pathlib import Path

import numpy as np
import pytest

from keras_textgen.errors import InputError
from keras_textgen.text import SPECIAL_TOKENS, WordTokenizer
from training.corpora import ReviewsCorpus, load
from training.corpora.files import read_texts

VOCABULARY = ["tree", "on", "a", "Bird", "isn't", "N/A"]
DOCUMENTS = ["a Bird on a tree", "a tree isn't a Bird", "N/A", "tree tree tree on on", "a a a a a Bird", "on on"]
LABELS = ["3", "1", "3", "sport", "1", "2"]


def line_of(label, text):
    """A document as counts, the rarest words first, so that the ids are in no order."""
    counts = collections.Counter(text.split()).most_common()[::-1]
    return " ".join([label, *(f"{VOCABULARY.index(word) + 1}:{count}" for word, count in counts)])


def counted(texts):
    return [collections.Counter(text.split()) for text in texts]


@pytest.fixture
def write(tmp_path):
    """Writes a file into an empty folder and returns its path."""

    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def vocabulary(write):
    return write("words.txt", "".join(f"{word} {100 - number}\n" for number, word in enumerate(VOCABULARY)))


@pytest.fixture
def train(write):
    return write("train.feat", "\n".join(map(line_of, LABELS, DOCUMENTS)) + "\n")


def test_texts_hold_what_was_counted(train, vocabulary):
    texts = read_texts(train, vocabulary=vocabulary)
    assert counted(texts) == counted(DOCUMENTS)
    assert texts.labels == {}


def test_words_stand_in_the_order_of_the_ids(write, vocabulary):
    path = write("a.feat", "x 4:2 1:1 3:3\n")
    assert read_texts(path, vocabulary=vocabulary) == ["tree a a a Bird Bird"]


def test_labels_are_kept_when_asked_for(train, vocabulary):
    assert read_texts(train, labels=["label"], vocabulary=vocabulary).labels == {"label": LABELS}
    assert load(train, vocabulary=vocabulary).train.labels == {}
    corpus = load(train, vocabulary=vocabulary, labels="label")
    expected = {tuple(sorted(text.split())): label for text, label in zip(DOCUMENTS, LABELS, strict=True)}
    for part in (corpus.train, corpus.valid, corpus.test):
        assert part.labels["label"] == [expected[tuple(sorted(text.split()))] for text in part]


def test_files_of_counts_come_through_the_same_door(write, train, vocabulary):
    test = write("test.feat", line_of("1", "on a tree"))
    corpus = load(str(train), vocabulary=str(vocabulary), test=str(test))
    assert corpus.name == "train.feat"
    assert corpus.vocabulary == VOCABULARY
    assert corpus.test == ["tree on a"]
    assert (len(corpus.train), len(corpus.valid)) == (5, 1)
    everything = sorted([*corpus.train, *corpus.valid])
    assert everything == sorted(read_texts(train, vocabulary=vocabulary))


def test_only_corpora_that_state_their_words_have_a_vocabulary(write):
    assert load(write("a.txt", "a\nb\nc")).vocabulary is None
    assert set(load("reviews").vocabulary) == set(ReviewsCorpus(1).vocabulary) > {"the", "."}


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(VOCABULARY),
        "\n".join(VOCABULARY) + "\n\n \n",
        "".join(f"{word}\t7\n" for word in VOCABULARY),
        b"\xef\xbb\xbf" + "".join(f" {word}  7 \r\n" for word in VOCABULARY).encode(),
        "\n".join(word if number % 2 else f"{word} {number}" for number, word in enumerate(VOCABULARY)),
    ],
    ids=["words alone", "blank end", "tabs", "byte-order mark and windows line ends", "some numbers"],
)
def test_a_vocabulary_is_a_word_a_line(write, train, content):
    assert load(train, vocabulary=write("words.txt", content)).vocabulary == VOCABULARY


def test_a_word_that_is_a_number(write):
    path = write("a.feat", "x 2:1 1:2")
    assert read_texts(path, vocabulary=write("words.txt", "1990 12\n7\n")) == ["1990 1990 7"]


def test_blank_lines_and_windows_line_ends(write, vocabulary):
    path = write("a.feat", b"\xef\xbb\xbfx 1:1\r\n\r\n  \r\ny 2:2\r\n")
    assert read_texts(path, None, ["label"], vocabulary).labels == {"label": ["x", "y"]}
    assert read_texts(path, vocabulary=vocabulary) == ["tree", "on on"]


def test_a_tokenizer_without_end_token_counts_the_same(train, vocabulary):
    corpus = load(train, vocabulary=vocabulary)
    tokenizer = WordTokenizer(vocabulary=corpus.vocabulary, splitting="whitespace", lowercase=False, end_token=False)
    first = len(SPECIAL_TOKENS)
    ids = tokenizer(read_texts(train, vocabulary=vocabulary)).numpy()
    for row, document in zip(ids, DOCUMENTS, strict=True):
        counts = collections.Counter(document.split())
        expected = [counts[word] for word in VOCABULARY]
        assert np.bincount(row, minlength=first + len(VOCABULARY))[first:].tolist() == expected


GOOD_LINES = "x 1:1\n\ny 2:2 3:1\n"
WRONG_COUNTS = {
    "empty file": ("", "a.feat: holds no texts"),
    "blank file": (" \n\n", "a.feat: holds no texts"),
    "too few texts": (GOOD_LINES, "a.feat: 2 texts can't be split; give at least 3"),
    "id 0": (f"{GOOD_LINES}z 0:1", "a.feat, line 4: the id '0' is not among the ids 1 to 6 of the vocabulary"),
    "id too large": (f"{GOOD_LINES}z 6:1 7:1", "a.feat, line 4: the id '7' is not among the ids 1 to 6"),
    "id negative": (f"{GOOD_LINES}z -1:1", "a.feat, line 4: the id '-1' is not among the ids"),
    "id a word": (f"{GOOD_LINES}z tree:1", "a.feat, line 4: the id 'tree' is not among the ids"),
    "id missing": (f"{GOOD_LINES}z :1", "a.feat, line 4: the id '' is not among the ids"),
    "id very long": (f"{GOOD_LINES}z {'9' * 9_000}:1", "a.feat, line 4: the id '9{60}' is not among"),
    "id twice": (f"{GOOD_LINES}z 2:1 1:1 2:3", "a.feat, line 4: the id 2 is counted twice"),
    "count 0": (
        f"{GOOD_LINES}z 2:0",
        "a.feat, line 4: the count of the id 2 must be a whole number from 1 .*, not '0'",
    ),
    "count negative": (f"{GOOD_LINES}z 2:-1", "a.feat, line 4: the count of the id 2 .*, not '-1'"),
    "count a fraction": (f"{GOOD_LINES}z 2:1.5", "a.feat, line 4: the count of the id 2 .*, not '1.5'"),
    "count missing": (f"{GOOD_LINES}z 1:1 2:", "a.feat, line 4: the count of the id 2 .*, not ''"),
    "count a superscript": (f"{GOOD_LINES}z 2:²", "a.feat, line 4: the count of the id 2 .*, not '²'"),
    "count very large": (f"{GOOD_LINES}z 2:1000001", "a.feat, line 4: the count of the id 2 .* 1 to 1,000,000, not"),
    "count very long": (f"{GOOD_LINES}z 2:{'9' * 9_000}", "a.feat, line 4: the count of the id 2 .*, not '9{60}'"),
    "two colons": (f"{GOOD_LINES}z 2:1:1", "a.feat, line 4: the count of the id 2 .*, not '1:1'"),
    "no colon": (f"{GOOD_LINES}z 1:1 2 3:1", "a.feat, line 4: '2' must be id:count"),
    "no label": (f"{GOOD_LINES}1:1 2:1", "a.feat, line 4: the line must begin with the label .*, not '1:1'"),
    "no words": (f"{GOOD_LINES}z\n", "a.feat, line 4: the document holds no words"),
    "not utf-8": (GOOD_LINES.encode() + b"z 1:1 \xff", "a.feat, line 4: not UTF-8: byte 7 of the line is 0xff"),
    "nul": (f"{GOOD_LINES}z 1:1\0", "a.feat, line 4: the count of the id 1 .*, not '1.x00'"),
    "nul in a label": (f"{GOOD_LINES}z\0 1:1", "a.feat, line 4: the label 'label' has the character U.0000"),
}
WRONG_VOCABULARIES = {
    "empty": ("", "words.txt: holds no words"),
    "blank": (" \n\n", "words.txt: holds no words"),
    "not utf-8": (b"tree 1\non 2\nb\xff 3\n", "words.txt, line 3: not UTF-8: byte 2 of the line is 0xff"),
    "word twice": ("tree\non 5\na\non 6\n", "words.txt, line 4: the word 'on' stands on line 2 already"),
    "white space": ("tree 3\nNew York 2\n", "words.txt, line 2: the line must be a word without .*, not 'New York 2'"),
    "white space alone": ("tree\nNew York\n", "words.txt, line 2: the line must be a word without .*, not 'New York'"),
    "no-break space": ("tree\nNew\u00a0York\n", "words.txt, line 2: the line must be a word without white space"),
    "number first": ("1 tree\n2 on\n", "words.txt, line 1: the line must be a word .*, not '1 tree'"),
    "blank line": ("tree\n\non\n", "words.txt, line 2: no word"),
    "nul": ("tree\no\0n\n", "words.txt, line 2: the word has the character U.0000"),
}


def refused(message, *given, **options):
    """Checks that what is given is refused in one line."""
    with pytest.raises(InputError, match=message) as caught:
        load(*given, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "message"), WRONG_COUNTS.values(), ids=WRONG_COUNTS)
def test_wrong_counts_are_said_with_file_and_line(write, vocabulary, content, message):
    refused(message, write("a.feat", content), vocabulary=vocabulary, labels=["label"])


@pytest.mark.parametrize(("content", "message"), WRONG_VOCABULARIES.values(), ids=WRONG_VOCABULARIES)
def test_wrong_vocabularies_are_said_with_file_and_line(write, train, content, message):
    refused(message, train, vocabulary=write("words.txt", content))


def test_counts_need_a_vocabulary(write, train, vocabulary):
    needed = "train.feat: holds counts; give the vocabulary file of the counts with vocabulary=..."
    refused(needed, train)
    refused(needed, write("a.txt", "a\nb\nc"), test=train)
    with pytest.raises(InputError, match=needed):
        read_texts(train)
    refused("nowhere.txt: no such file", train, vocabulary=vocabulary.with_name("nowhere.txt"))


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.tsv", "a.jsonl"])
def test_other_files_take_no_vocabulary(write, train, vocabulary, name):
    path = write(name, "text\na\nb\nc\n")
    message = f"{name}: only .feat files have a vocabulary file; leave out vocabulary"
    refused(message, path, vocabulary=vocabulary)
    refused(message, train, vocabulary=vocabulary, test=path)
    with pytest.raises(InputError, match=message):
        read_texts(path, vocabulary=vocabulary)


def test_built_in_corpora_take_no_vocabulary(vocabulary):
    refused("vocabulary are options for files; the corpus 'reviews' has none", "reviews", vocabulary=vocabulary)


@pytest.mark.parametrize("column", ["text", 1])
def test_counts_have_no_column_of_texts(train, vocabulary, column):
    refused("train.feat: counts have no column of texts; leave out text", train, vocabulary=vocabulary, text=column)


@pytest.mark.parametrize("label", ["mood", "labels", 0])
def test_counts_have_one_label(train, vocabulary, label):
    refused(f"train.feat: unknown label {label!r}.*'?label", train, vocabulary=vocabulary, labels=[label])


def test_a_missing_file_of_counts_proposes_its_neighbours(train, vocabulary):
    refused("no such file; did you mean 'train.feat'", Path(train).with_name("trian.feat"), vocabulary=vocabulary)

"""Corpora in files: the formats, the splits, and one line with file and line number for whatever is wrong."""

import re
from pathlib import Path

import pytest

from keras_textgen.errors import InputError
from training.corpora import load


@pytest.fixture
def write(tmp_path):
    """Writes a file into an empty folder and returns its path."""

    def write_file(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def everything(corpus):
    return [*corpus.train, *corpus.valid, *corpus.test]


def test_plain_text(write):
    path = write("notes.txt", "  one fish \n\ntwo\tfish\n   \nred fish\nblue fish")
    corpus = load(path)
    assert corpus.name == "notes.txt"
    assert sorted(everything(corpus)) == ["blue fish", "one fish", "red fish", "two fish"]
    assert corpus.train.labels == {}


def test_any_other_suffix_is_plain_text(write):
    assert sorted(everything(load(str(write("notes.md", "a\nb\n# c\n"))))) == ["# c", "a", "b"]


def test_byte_order_mark_and_windows_line_ends(write):
    corpus = load(write("notes.txt", b"\xef\xbb\xbfone\r\ntwo\r\n\r\nthree\r\n"))
    assert sorted(everything(corpus)) == ["one", "three", "two"]
    path = write("notes.csv", b"\xef\xbb\xbftext,mood\r\none,a\r\ntwo,b\r\nthree,c\r\n")
    corpus = load(path, labels=["mood"])
    assert sorted(everything(corpus)) == ["one", "three", "two"]


def test_split_sizes_seed_and_order(write):
    path = write("numbers.txt", "\n".join(map(str, range(1_000))))
    corpus = load(path)
    assert [len(corpus.train), len(corpus.valid), len(corpus.test)] == [900, 50, 50]
    assert sorted(everything(corpus), key=int) == [str(number) for number in range(1_000)]
    for part in (corpus.train, corpus.valid, corpus.test):
        assert part == sorted(part, key=int)
    assert load(path).test == corpus.test
    assert load(path, split_seed=1).test != corpus.test


def test_splits_have_at_least_1_and_at_most_2000_texts(write):
    small = load(write("small.txt", "a\nb\nc"))
    assert [len(small.train), len(small.valid), len(small.test)] == [1, 1, 1]
    large = load(write("large.txt", "a\n" * 41_000))
    assert [len(large.train), len(large.valid), len(large.test)] == [37_000, 2_000, 2_000]


def test_own_files_for_valid_and_test(write):
    train, valid, test = write("a.txt", "a\nb"), write("v.txt", "v"), write("t.txt", "t\nt")
    corpus = load(train, valid=valid, test=test)
    assert (corpus.train, corpus.valid, corpus.test) == (["a", "b"], ["v"], ["t", "t"])
    corpus = load(train, valid=str(valid))
    assert corpus.valid == ["v"]
    assert sorted([*corpus.train, *corpus.test]) == ["a", "b"]


def labelled(corpus, *names):
    """All texts of a corpus with their labels, in a fixed order."""
    parts = (corpus.train, corpus.valid, corpus.test)
    return sorted(row for part in parts for row in zip(part, *(part.labels[name] for name in names), strict=True))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'mood,text,stars\ngood,"nice, really",5\nbad,"not ""nice""",1\n\ngood,fine,4\n'),
        ("a.tsv", 'stars\ttext\tmood\n5\tnice, really\tgood\n1\tnot "nice"\tbad\n4\tfine\tgood\n'),
        (
            "a.jsonl",
            '{"mood": "good", "text": "nice, really", "stars": 5}\n\n'
            '{"text": "not \\"nice\\"", "mood": "bad", "stars": 1}\n{"text": "fine", "mood": "good", "stars": 4}',
        ),
    ],
)
def test_columns_of_texts_and_labels(write, name, content):
    corpus = load(write(name, content), labels=["mood", "stars"])
    rows = [("fine", "good", "4"), ("nice, really", "good", "5"), ('not "nice"', "bad", "1")]
    assert labelled(corpus, "mood", "stars") == rows


@pytest.mark.parametrize("header", ["text", "sentence", "review"])
def test_usual_names_of_the_text_column(write, header):
    path = write("a.csv", f"id,{header}\n1,a\n2,b\n3,c\n")
    assert sorted(everything(load(path))) == ["a", "b", "c"]
    assert sorted(everything(load(path, text="id"))) == ["1", "2", "3"]


@pytest.mark.parametrize("number", [1, "1"])
def test_a_number_chooses_the_column_of_a_table_without_header(write, number):
    corpus = load(write("a.tsv", "0\tbad food\n1\tgood food\n1\tgood wine\n"), text=number, labels=[0])
    assert labelled(corpus, "0") == [("bad food", "0"), ("good food", "1"), ("good wine", "1")]


def test_json_lines_of_bare_strings(write):
    corpus = load(write("a.json", '"one"\n"two\\nlines"\n" three "\n'))
    assert sorted(everything(corpus)) == ["one", "three", "two lines"]


def test_a_quoted_line_break_in_a_table_becomes_a_space(write):
    assert sorted(everything(load(write("a.csv", 'text\n"one\ntwo"\nb\nc\n')))) == ["b", "c", "one two"]


WRONG = {
    "empty file": ("a.txt", "", {}, "a.txt: holds no texts"),
    "blank file": ("a.txt", " \n\n", {}, "a.txt: holds no texts"),
    "empty table": ("a.csv", "", {}, "a.csv: holds no texts"),
    "only a header": ("a.csv", "text\n", {}, "a.csv: holds no texts"),
    "too few texts": ("a.txt", "a\nb\n", {}, "a.txt: 2 texts can't be split; give at least 3"),
    "not utf-8": ("a.txt", b"a\nbc\xff\n", {}, "a.txt, line 2: not UTF-8: byte 3 of the line is 0xff"),
    "nul": ("a.txt", "a\nb\nc\0d\n", {}, "a.txt, line 3: the text has the character U.0000"),
    "half a pair": ("a.jsonl", '"a"\n"\\ud800"\n', {}, "a.jsonl, line 2: the text has the character U.D800"),
    "columns of plain text": (
        "a.txt",
        "a\nb\nc",
        {"labels": ["mood"]},
        "a.txt: only .jsonl, .json, .csv, .tsv and .parquet",
    ),
    "invalid json": ("a.jsonl", '"a"\n\n{"text": \n', {}, "a.jsonl, line 3: invalid JSON"),
    "json list": ("a.jsonl", '["a"]\n', {}, "a.jsonl, line 1: the line must be a string or an object"),
    "json string with labels": (
        "a.jsonl",
        '"a"\n',
        {"labels": ["mood"]},
        "a.jsonl, line 1: the line must be an object",
    ),
    "json key missing": ("a.jsonl", '{"text": "a"}\n{"txt": "b"}\n', {}, "a.jsonl, line 2: no column 'text'.*'txt'"),
    "json label missing": (
        "a.jsonl",
        '{"text": "a"}\n',
        {"labels": ["mood"]},
        "line 1: no column 'mood'; columns: 'text'",
    ),
    "json text a number": ("a.jsonl", '{"text": 3}\n', {}, "a.jsonl, line 1: the text must be a string, not 3"),
    "json label null": (
        "a.jsonl",
        '{"text": "a", "mood": null}\n',
        {"labels": ["mood"]},
        "a.jsonl, line 1: the label 'mood' must be a string, not null",
    ),
    "json text empty": ("a.jsonl", '{"text": "a"}\n{"text": " "}\n', {}, "a.jsonl, line 2: the text is empty"),
    "column missing": ("a.csv", "id,words\n1,a\n", {}, "a.csv, line 1: no column 'text'.*columns: 'id', 'words'"),
    "named column missing": (
        "a.csv",
        "id,text\n1,a\n",
        {"text": "txt"},
        "line 1: no column 'txt'; columns: 'id', 'text'",
    ),
    "label column missing": ("a.tsv", "id\ttext\n1\ta\n", {"labels": ["mood"]}, "a.tsv, line 1: no column 'mood'"),
    "column twice": ("a.csv", "text,text\na,b\n", {}, "a.csv, line 1: more than one column 'text'"),
    "column number too large": (
        "a.tsv",
        "0\ta\n",
        {"text": 2},
        "a.tsv, line 1: column 2 is not among the columns 0 to 1",
    ),
    "too many columns": ("a.csv", "id,text\n1,a\n2,b,c\n", {}, "a.csv, line 3: 3 columns where the first line has 2"),
    "too few columns": ("a.tsv", "id\ttext\n\n1\n", {}, "a.tsv, line 3: 1 columns where the first line has 2"),
    "text empty": ("a.csv", "id,text\n1,a\n2,\n", {}, "a.csv, line 3: the text is empty"),
    "row empty": ("a.csv", "id,text\n1,a\n,\n", {}, "a.csv, line 3: the text is empty"),
    "label empty": ("a.csv", "id,text\n,a\n", {"labels": ["id"]}, "a.csv, line 2: the label 'id' is empty"),
    "open quote": ("a.csv", 'text\na\n"b\nc\n', {}, "a.csv, line 3: not a valid table row"),
}


@pytest.mark.parametrize(("name", "content", "options", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_with_file_and_line(write, name, content, options, message):
    with pytest.raises(InputError, match=message) as caught:
        load(write(name, content), **options)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_lines_after_a_quoted_line_break_are_counted_right(write):
    with pytest.raises(InputError, match="line 4: the text is empty"):
        load(write("a.csv", 'id,text\n1,"one\ntwo"\n2,\n'))


def test_a_missing_file_proposes_its_neighbours(write):
    path = write("letters.txt", "a\nb\nc")
    with pytest.raises(InputError, match=r"no such file; did you mean 'letters.txt'"):
        load(path.with_name("leters.txt"))
    with pytest.raises(InputError, match="no such file; check the path"):
        load(path.parent / "nowhere" / "zzz.txt")


def test_a_missing_name_proposes_corpora_and_files(write, monkeypatch):
    monkeypatch.chdir(write("letters", "a\nb\nc").parent)
    with pytest.raises(InputError, match="unknown corpus 'leters'; did you mean 'letters'"):
        load("leters")
    with pytest.raises(InputError, match="unknown corpus 'reviws'; did you mean 'reviews'"):
        load("reviws")
    assert load("letters").name == "letters"


def test_a_missing_valid_file_is_named(write):
    with pytest.raises(InputError, match=re.escape("valid.txt: no such file")):
        load(write("a.txt", "a\nb\nc"), valid="valid.txt")


def test_a_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(InputError, match=f"{re.escape(str(tmp_path))}: is a folder without files of texts"):
        load(tmp_path)


def test_a_file_without_permission_is_refused(write, monkeypatch):
    path = write("a.txt", "a\nb\nc")

    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"a.txt: can't be read: Permission denied"):
        load(path)


@pytest.mark.parametrize("split_seed", [-1, 1.5, True])
def test_split_seed_must_be_a_whole_number(write, split_seed):
    with pytest.raises(InputError, match="split_seed must be"):
        load(write("a.txt", "a\nb\nc"), split_seed=split_seed)

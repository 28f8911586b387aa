"""Texts from packed files, Parquet, patterns, folders and data sets by name."""

import csv
import gzip
import io
import json
import re

import pyarrow
import pyarrow.parquet
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_textgen.errors import InputError
from training.corpora import TooLarge, files, lines, load
from training.corpora.files import read_texts
from training.corpora.sources import open_source

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# Any text a loader keeps as it is: of one line, stripped, without NUL and halves of surrogate pairs.
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\t\n\r"), min_size=1).filter(
    lambda text: text == text.strip()
)
TEXTS = st.lists(ANY_TEXT, min_size=1, max_size=20)


def as_table(texts):
    file = io.StringIO()
    csv.writer(file).writerows([["text"], *([text] for text in texts)])
    return file.getvalue().encode()


def as_json(texts):
    return "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts).encode()


def as_parquet(texts):
    file = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"text": texts}), file, row_group_size=3)
    return file.getvalue()


def as_zstandard(data):
    return pyarrow.compress(data, codec="zstd", asbytes=True)


FORMATS = {
    "a.txt": lambda texts: "\n".join(texts).encode(),
    "a.jsonl": as_json,
    "a.csv": as_table,
    "a.parquet": as_parquet,
    "a.txt.gz": lambda texts: gzip.compress("\n".join(texts).encode()),
    "a.csv.gz": lambda texts: gzip.compress(as_table(texts)),
    "a.jsonl.zst": lambda texts: as_zstandard(as_json(texts)),
}


@pytest.mark.parametrize("name", FORMATS)
@QUICK
@given(texts=TEXTS)
def test_any_texts_come_back_from_every_format(tmp_path, name, texts):
    path = tmp_path / name
    path.write_bytes(FORMATS[name](texts))
    assert read_texts(path) == texts


@QUICK
@given(data=st.text(st.sampled_from("ab\r\n é")), piece=st.integers(1, 9))
def test_lines_do_not_depend_on_where_a_piece_ends(tmp_path, data, piece):
    path = tmp_path / "a.txt"
    path.write_bytes(data.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "PIECE", piece)
        found = list(lines.read_lines(path))
    assert [line for line in found if line] == [line for line in data.replace("\r\n", "\n").split("\n") if line]


def test_labels_of_a_parquet_file(tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"body": ["one", "two"], "stars": [5, 1], "mood": ["a", "b"]}), path)
    texts = read_texts(path, "body", ["stars", "mood"])
    assert (texts, texts.labels) == (["one", "two"], {"stars": ["5", "1"], "mood": ["a", "b"]})


def test_patterns_and_folders_are_read_in_order(tmp_path):
    (tmp_path / "deep").mkdir()
    for name, content in {"b.txt": "3\n", "a.txt.gz": "", "deep/c.txt": "4", ".hidden.txt": "x", "b.log": "y"}.items():
        data = gzip.compress(b"1\n2") if name.endswith(".gz") else content.encode()
        (tmp_path / name).write_bytes(data)
    assert read_texts(tmp_path) == ["1", "2", "3", "4"]
    assert read_texts(f"{tmp_path}/*.txt") == ["3"]
    assert read_texts(f"{tmp_path}/**/[bc].txt") == ["3", "4"]


def damaged(data: bytes) -> bytes:
    return data[: len(data) // 2]


PARQUET = as_parquet(["a", "b"])
WRONG = {
    "packed file cut off": (
        {"a.txt.gz": damaged(gzip.compress(b"some text\n" * 99))},
        "a.txt.gz",
        "a.txt.gz: is damaged",
    ),
    "no packed file": ({"a.txt.gz": b"plain text"}, "a.txt.gz", "a.txt.gz: is damaged or cut off .*Not a gzipped file"),
    "zstandard cut off": ({"a.txt.zst": damaged(as_zstandard(bytes(range(97, 123)) * 9))}, "a.txt.zst", "is damaged"),
    "no parquet": ({"a.parquet": b"plain text"}, "a.parquet", "a.parquet: .*arquet"),
    "parquet cut off": ({"a.parquet": damaged(PARQUET)}, "a.parquet", "a.parquet: .*arquet"),
    "parquet without the column": ({"a.parquet": PARQUET}, "a.parquet", "a.parquet: no column 'mood'; columns: 'text'"),
    "not utf-8 in a packed file": ({"a.txt.gz": gzip.compress(b"a\n\xff")}, "a.txt.gz", "a.txt.gz, line 2: not UTF-8"),
    "nothing matches": ({"a.txt": b"a"}, "*.csv", "no file matches this pattern"),
    "several kinds": ({"a.txt": b"a", "b.csv": b"text\nb"}, "", r"several kinds \(.csv, .txt\)"),
    "one of a set is missing": (
        {"a-00000-of-00003.txt": b"a", "a-00002-of-00003.txt": b"b"},
        "*.txt",
        "a-00001-of-00003.txt: is missing",
    ),
    "one file is empty": ({"a.txt": b"a", "b.txt": b""}, "*.txt", "b.txt: holds no texts"),
}


@pytest.mark.parametrize(("content", "source", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_a_line(tmp_path, content, source, message):
    for name, data in content.items():
        (tmp_path / name).write_bytes(data)
    columns = {"labels": ["mood"]} if "mood" in message else {}
    with pytest.raises(InputError, match=message) as caught:
        read_texts(tmp_path / source, **columns)
    assert "\n" not in str(caught.value)


def test_what_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b'"some text"\n' * 50))
    monkeypatch.setattr(files, "IN_MEMORY", 200)
    with pytest.raises(TooLarge, match="textgen prepare"):
        load(tmp_path / "a.jsonl.gz")
    monkeypatch.setattr(lines, "LONGEST", 100)
    with pytest.raises(InputError, match="a line of over"):
        (tmp_path / "b.txt").write_bytes(b"x" * 101)
        read_texts(tmp_path / "b.txt")


ROWS = {"text": ["one", "two", "three", "four"], "mood": [1, 0, 1, 1]}


def test_hugging_face_data_sets_of_local_folders(tmp_path):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"text": datasets.Value("string"), "mood": datasets.ClassLabel(names=["bad", "good"])})
    rows = datasets.Dataset.from_dict(ROWS, features=features)
    datasets.DatasetDict({"train": rows, "test": rows.select([3])}).save_to_disk(tmp_path / "saved")
    corpus = load(f"hf:{tmp_path}/saved", labels=["mood"])
    assert (sorted([*corpus.train, *corpus.valid]), corpus.test) == (["four", "one", "three", "two"], ["four"])
    assert corpus.test.labels == {"mood": ["good"]}
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "train.jsonl").write_bytes(as_json(ROWS["text"]))
    assert [text for text, _ in open_source(f"hf:{tmp_path}/files").examples()] == ROWS["text"]
    with pytest.raises(InputError, match=r"no column 'body'; columns: 'text'"):
        open_source(f"hf:{tmp_path}/files", "body")
    with pytest.raises(InputError, match=re.escape(f"hf:{tmp_path}/nowhere: can't be loaded")):
        load(f"hf:{tmp_path}/nowhere")


def test_tensorflow_data_sets_of_local_folders(tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets")
    kinds = {"text": tfds.features.Text(), "mood": tfds.features.ClassLabel(names=["bad", "good"])}
    builder = tfds.dataset_builders.store_as_tfds_dataset(
        name="moods",
        config="plain",
        version="1.0.0",
        data_dir=tmp_path,
        features=tfds.features.FeaturesDict(kinds),
        split_datasets={"train": tf.data.Dataset.from_tensor_slices(ROWS)},
    )
    texts = list(open_source(f"tfds:{builder.data_dir}", labels=["mood"]).examples())
    moods = {"four": "good", "one": "good", "three": "good", "two": "bad"}
    assert sorted(texts) == [(text, {"mood": mood}) for text, mood in moods.items()]
    with pytest.raises(InputError, match="can't be loaded"):
        load("tfds:no_such_data_set_of_ours")


@pytest.mark.parametrize("name, package", [("hf:a", "datasets"), ("tfds:a", "tensorflow-datasets")])
def test_a_missing_package_is_named(monkeypatch, name, package):
    monkeypatch.setitem(__import__("sys").modules, package.replace("-", "_"), None)
    with pytest.raises(InputError, match=rf"{name}: needs {package}; install it with: pip install"):
        load(name)

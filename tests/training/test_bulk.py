"""Files of any number of rows: shards that partition them, the same rows in all, and going on after a kill."""

import json

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

import zoo
from keras_textgen.errors import InputError
from training import bulk

IDENTITY = {"model": "tiny"}


@pytest.fixture(scope="module")
def model(tiny_run):
    return zoo.load(tiny_run.path)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(bulk, "BLOCK", 8)
    monkeypatch.setattr(bulk, "PART", 16)


@given(num=st.integers(0, 300), total=st.integers(1, 12))
def test_shards_partition_the_rows(num, total):
    found = [row for number in range(1, total + 1) for row in bulk.rows_of_shard(num, (number, total))]
    assert found == list(range(num))


@pytest.mark.parametrize("total", [1, 3])
def test_texts_are_those_of_generate_in_any_sharding(model, tmp_path, total):
    for number in range(1, total + 1):
        bulk.generate(model, tmp_path / f"{number}.jsonl", 45, IDENTITY, (number, total), seed=5, temperature=0.9)
    lines = "".join((tmp_path / f"{number}.jsonl").read_text() for number in range(1, total + 1)).splitlines()
    assert [json.loads(line)["text"] for line in lines] == model.generate(45, seed=5, temperature=0.9)
    assert not list(tmp_path.glob("*.parts"))


def test_latents_are_those_of_encode_in_every_format(model, tmp_path, reviews_file):
    texts = reviews_file.read_text().splitlines()[:37]
    latents = model.encode(texts)
    for suffix in ("npy", "jsonl", "parquet"):
        assert bulk.encode(model, tmp_path / f"z.{suffix}", lambda: iter(texts), IDENTITY) == 37
    np.testing.assert_allclose(np.load(tmp_path / "z.npy"), latents, rtol=1e-5)
    rows = [json.loads(line) for line in (tmp_path / "z.jsonl").read_text().splitlines()]
    table = pyarrow.parquet.read_table(tmp_path / "z.parquet")
    assert [row["text"] for row in rows] == table["text"].to_pylist() == texts
    assert np.array_equal(np.array([row["latents"] for row in rows], np.float32), np.load(tmp_path / "z.npy"))
    assert np.array_equal(np.stack(table["latents"].to_numpy()), np.load(tmp_path / "z.npy"))
    for number in (1, 2):
        bulk.encode(model, tmp_path / f"{number}.npy", lambda: iter(texts), IDENTITY, (number, 2))
    halves = [np.load(tmp_path / f"{number}.npy") for number in (1, 2)]
    assert np.array_equal(np.concatenate(halves), np.load(tmp_path / "z.npy"))


@pytest.mark.parametrize("after", [1, 3, 5])
def test_a_job_goes_on_where_it_was_killed(model, tmp_path, after):
    calls = []

    def kill(stage, done, total):
        calls.append(done)
        if len(calls) > after:
            raise KeyboardInterrupt

    out = tmp_path / "a.txt"
    with pytest.raises(KeyboardInterrupt):
        bulk.generate(model, out, 45, IDENTITY, watch=kill, seed=5)
    assert not out.exists()
    if after > 2:
        with pytest.raises(InputError, match=r"a.txt.parts holds parts of another job"):
            bulk.generate(model, out, 45, IDENTITY, seed=6)
    bulk.generate(model, out, 45, IDENTITY, seed=5)
    assert out.read_text().splitlines() == model.generate(45, seed=5)
    with pytest.raises(InputError, match=r"a.txt exists already"):
        bulk.generate(model, out, 45, IDENTITY, seed=5)


WRONG = {
    "no seed": ("a.txt", {}, "give --seed with --out"),
    "kind of file": ("a.csv", {"seed": 1}, "a.csv: the file must end in .txt, .jsonl or .parquet"),
    "no folder": ("b/a.txt", {"seed": 1}, "there is no folder"),
    "option": ("a.txt", {"seed": 1, "top_q": 1}, "unknown option of generate 'top_q'"),
    "empty shard": ("a.txt", {"seed": 1, "shard": (1, 9)}, "the shard has no rows"),
}


@pytest.mark.parametrize("name, options, message", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_and_leaves_nothing_behind(model, tmp_path, name, options, message):
    with pytest.raises(InputError, match=message):
        bulk.generate(model, tmp_path / name, 20, IDENTITY, **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("given", ["0/2", "3/2", "2", "a/b", "1/0", "-1/2"])
def test_a_shard_is_i_of_n(given):
    with pytest.raises(InputError, match="--shard takes i/n"):
        bulk.parse_shard(given)


def test_the_commands(textgen, tiny_run, tmp_path):
    answer = textgen("generate", tiny_run.path, "-n", 20, "--seed", 2)
    for number in (1, 2):
        out = tmp_path / f"{number}.txt"
        assert (
            textgen("generate", tiny_run.path, "-n", 20, "--seed", 2, "--out", out, "--shard", f"{number}/2").code == 0
        )
    assert (tmp_path / "1.txt").read_text() + (tmp_path / "2.txt").read_text() == answer.out
    assert textgen("encode", tiny_run.path, "--data", tiny_run.data, "--out", tmp_path / "z.npy").code == 0
    assert np.load(tmp_path / "z.npy").shape == (240, 4)
    assert textgen("generate", tiny_run.path, "--shard", "1/2").err.endswith("textgen: --shard needs --out\n")

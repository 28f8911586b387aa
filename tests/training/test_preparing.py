"""Prepared corpora: the same texts as in memory, the same bytes after a kill, and one line for whatever is damaged."""

import json
import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import zoo
from keras_textgen.errors import InputError
from training import corpora, trainer
from training.corpora import files, preparing
from training.corpora.splitting import Lottery, held_out

OPTIONS = {"shard_texts": 50, "vocabulary_size": 60, "labels": {"sentiment": "mood"}}
TINY = {"embedding_dim": 8, "hidden_dim": 8, "sequence_length": 22}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """240 reviews with their sentiment."""
    reviews = corpora.load("reviews").train
    path = tmp_path_factory.mktemp("data") / "reviews.tsv"
    rows = zip(reviews[:240], reviews.labels["sentiment"][:240], strict=True)
    path.write_text("text\tmood\n" + "".join(f"{text}\t{mood}\n" for text, mood in rows))
    return path


@pytest.fixture(scope="module")
def folder(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("prepared") / "reviews"
    corpora.prepare(table, path, **OPTIONS)
    return path


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def model_for(corpus, **options):
    return zoo.build(
        "lstm_vae", tokenizer=corpus.tokenizer, seed=4, **{"attributes": corpus.values_of_attributes, **TINY, **options}
    )


def batches_of(batches, epoch=0):
    return [tuple(part.numpy().tolist() for part in batch) for batch in batches.epochs(epoch).take(batches.steps)]


def texts_of(batches, epoch=0):
    return sorted(
        (row, told) for ids, numbers in batches_of(batches, epoch) for row, told in zip(ids, numbers, strict=True)
    )


def unpadded(texts):
    return sorted(([token for token in row if token], told) for row, told in texts)


def test_a_prepared_corpus_is_that_in_memory(table, folder):
    there, memory = corpora.load(folder), corpora.load(table, labels=["mood"])
    assert (there.valid, there.test, there.train) == (memory.valid, memory.test, memory.train)
    assert there.valid.labels == {"sentiment": memory.valid.labels["mood"]}
    model = model_for(there)
    labels = {"sentiment": memory.train.labels["mood"]}
    assert model.tokenizer.vocabulary == type(model.tokenizer)(vocabulary_size=60).learn(memory.train).vocabulary
    for tokens in (None, 200):
        shards = there.shards.batches(model, 16, tokens, window=70)
        listed = model.training_batches(memory.train, labels, 16, tokens)[0]
        assert shards.steps == listed.steps
        assert unpadded(texts_of(shards, epoch=1)) == unpadded(texts_of(listed))
    assert (len(there.shards), len(there.index["shards"])) == (216, 5)


def test_the_order_depends_on_seed_and_epoch_alone(folder):
    shards = corpora.load(folder).shards
    first, again = (shards.batches(model_for(corpora.load(folder)), 16, window=70) for _ in range(2))
    assert batches_of(first, 3) == batches_of(again, 3) != batches_of(first, 2)
    two = [ids.numpy().tolist() for ids, _ in first.epochs(2).take(2 * first.steps)]
    assert two[first.steps :] == [ids for ids, _ in batches_of(first, 3)]


# Without shrinking: that would take minutes to make a failing example a little shorter.
@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(points=st.lists(st.integers(0, 25), min_size=1, max_size=3))
def test_killed_anywhere_and_begun_again_it_comes_to_the_same_bytes(table, folder, tmp_path_factory, points):
    path = tmp_path_factory.mktemp("killed") / "reviews"
    replace = os.replace
    for point in points:
        left = [point]

        def killed_at(*told, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(preparing, "BATCH", 16)
            patch.setattr(os, "replace", lambda *paths: (killed_at(), replace(*paths)))
            try:
                corpora.prepare(table, path, watch=killed_at, **OPTIONS)
            except KeyboardInterrupt:
                with pytest.raises(InputError):
                    corpora.load(path)
    corpora.prepare(table, path, **OPTIONS)
    assert bytes_of(path) == bytes_of(folder)


def test_finished_shards_are_kept_but_made_again_where_they_are_damaged(table, folder, tmp_path):
    def stop(stage, done, total):
        if stage == "writing" and done > 150:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        corpora.prepare(table, tmp_path / "p", watch=stop, **OPTIONS)
    first, second = (tmp_path / "p" / f"train-0000{number}.tfrecord" for number in (0, 1))
    kept = first.stat().st_ino
    second.write_bytes(b"x" + second.read_bytes()[1:])
    corpora.prepare(table, tmp_path / "p", **OPTIONS)
    assert first.stat().st_ino == kept
    assert bytes_of(tmp_path / "p") == bytes_of(folder)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_byte_is_told_with_the_name_of_the_file(folder, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("flipped") / "p"
    shutil.copytree(folder, path)
    file = path / data.draw(st.sampled_from([shard.name for shard in path.glob("*.tfrecord")] + ["valid.jsonl"]))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    with pytest.raises(InputError, match=f"{file.name}: the shard is damaged") as caught:
        corpora.load(path)
    assert "\n" not in str(caught.value)


def test_what_is_missing_or_another_is_told(table, folder, tmp_path):
    path = tmp_path / "p"
    shutil.copytree(folder, path)
    (path / "train-00001.tfrecord").unlink()
    with pytest.raises(InputError, match=r"train-00001.tfrecord: the shard is missing"):
        corpora.load(path)
    with pytest.raises(InputError, match="was prepared from other options"):
        corpora.prepare(table, path, **{**OPTIONS, "shard_texts": 60})
    (tmp_path / "other.txt").write_text("a\nb\nc\n")
    with pytest.raises(InputError, match="was prepared from another source"):
        corpora.prepare(tmp_path / "other.txt", path, shard_texts=50, vocabulary_size=60, labels={})
    with pytest.raises(InputError, match="holds something else"):
        corpora.prepare(table, tmp_path)
    with pytest.raises(InputError, match="unknown option of prepare 'sampel'; did you mean 'sample'"):
        corpora.prepare(table, tmp_path / "q", sampel=3)
    (path / "index.json").write_text("{")
    with pytest.raises(InputError, match=r"index.json: is damaged"):
        corpora.load(path)


def test_a_model_must_fit_the_corpus(table, folder, tmp_path):
    corpus = corpora.load(folder)
    with pytest.raises(InputError, match="prepared with another tokenizer"):
        zoo.build("lstm_lm", texts=["one two"], **TINY).fit(corpus.shards)
    with pytest.raises(InputError, match="without the attribute 'mood'"):
        model_for(corpus, attributes={"mood": ["a", "b"]}).fit(corpus.shards)
    cut = corpora.prepare(table, tmp_path / "cut", max_tokens=5, **OPTIONS)
    assert cut.index["cut"] > 0 and max(np.flatnonzero(cut.index["lengths"])) == 5
    with pytest.raises(InputError, match="at most 5 tokens a text, the model reads 22"):
        model_for(cut).fit(cut.shards)
    assert model_for(cut, sequence_length=6).fit(cut.shards, verbose=0).history["loss"][0] > 0


def test_a_vocabulary_from_all_texts_is_that_of_a_sample_that_holds_all(table, folder, tmp_path):
    corpus = corpora.prepare(table, tmp_path / "p", **{**OPTIONS, "sample": 0})
    assert corpus.tokenizer.vocabulary == corpora.load(folder).tokenizer.vocabulary


@settings(max_examples=20, deadline=None)
@given(num=st.integers(3, 400), seed=st.integers(0, 5))
def test_a_stream_is_split_as_a_list_is(num, seed):
    lottery = Lottery(seed, 40)
    for number in range(num):
        lottery.offer(str(number))
    drawn = [number for number, item in lottery.lowest() if item == str(number)]
    listed = held_out(num, ["valid", "test"], seed, "a")
    size = len(listed["valid"])
    assert [sorted(drawn[:size]), sorted(drawn[size : 2 * size])] == [listed["valid"], listed["test"]]


def test_a_sample_keeps_to_its_size_in_characters():
    lottery = Lottery(0, 1000, most_characters=500)
    for number in range(2000):
        lottery.offer(number, 10)
    assert len(lottery.lowest()) == 50


def run_config(data, **changes):
    options = dict(hyperparameters=TINY, epochs=2, batch_size=16, validation_texts=10, samples_every=2)
    return trainer.RunConfig("lstm_lm", str(data), **{**options, **changes})


def test_a_corpus_too_large_for_the_memory_is_prepared_on_the_way(table, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "IN_MEMORY", 1000)
    config = run_config(table, attributes=["sentiment=mood"], tokens_per_batch=300)
    trainer.start(config, tmp_path / "run")
    kept = json.loads((tmp_path / "run" / "config.json").read_text())
    assert (kept["data"], kept["attributes"]) == (f"{tmp_path}/run.data", ["sentiment"])
    assert zoo.load(tmp_path / "run").attributes.values == {"sentiment": ["mixed", "negative", "positive"]}


def test_a_run_on_shards_resumes_to_the_same_numbers(folder, tmp_path):
    config = run_config(folder)
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    trainer.start(config, whole)

    class Stop(Exception):
        pass

    def watch(folder, config, steps):
        import keras

        def stop(epoch, logs):
            raise Stop

        return [keras.callbacks.LambdaCallback(on_epoch_end=stop)]

    with pytest.raises(Stop):
        trainer.start(config, halves, watch)
    trainer.resume(halves)
    assert (halves / "metrics.jsonl").read_bytes() == (whole / "metrics.jsonl").read_bytes()


def test_the_commands(textgen, table, tmp_path):
    out = tmp_path / "p"
    answer = textgen("prepare", table, "--out", out, "--attribute", "sentiment=mood", "--shard-texts", 100, "--json")
    found = json.loads(answer.out)
    assert (answer.code, found["texts"], found["shards"]) == (0, 216, 3)
    sizes = ["--set", "embedding_dim=8", "--set", "hidden_dim=8", "--epochs", 1, "--tokens-per-batch", 400]
    answer = textgen("train", "lstm_lm", "--data", out, "--out", tmp_path / "run", "--attribute", "sentiment", *sizes)
    assert answer.code == 0
    answer = textgen("train", "lstm_lm", "--data", out, "--attribute", "mood", *sizes)
    assert (answer.code, answer.err) == (2, f"textgen: unknown attribute of {out} 'mood'; choose from: sentiment\n")
    answer = textgen("prepare", tmp_path / "none.txt", "--out", tmp_path / "q")
    assert answer.code == 2 and answer.err.splitlines()[-1].startswith(f"textgen: {tmp_path}/none.txt: no such file")
    (tmp_path / "bad.txt").write_bytes(b"a\nb\xff\n")
    answer = textgen("prepare", tmp_path / "bad.txt", "--out", tmp_path / "q")
    assert answer.code == 2 and "bad.txt, line 2: not UTF-8" in answer.err
    assert not (tmp_path / "q").exists()

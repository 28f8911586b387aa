import dataclasses
import functools
import json
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from keras_textgen import devices
from keras_textgen.errors import InputError
from training import trainer
from training.checkpoints import DamageWarning
from training.interruption import Stopped
from training.run_folder import RunFolder

ROOT = Path(__file__).parents[2]


def settings(run, **changes):
    return trainer.RunConfig(**{**RunFolder.open(run.path).config(), **changes})


def test_a_run_leaves_all_that_it_promises(tiny_run):
    folder = RunFolder.open(tiny_run.path)
    assert [line["epoch"] for line in folder.history()] == [1, 2, 3, 4]
    assert {"loss", "rate", "distortion", "perplexity", "val_nll", "kl_weight"} <= set(folder.history()[-1])
    assert sorted(path.name for path in (tiny_run.path / "samples").iterdir()) == ["epoch-0002.txt", "epoch-0004.txt"]
    assert len((tiny_run.path / "samples" / "epoch-0004.txt").read_text().splitlines()) == 20
    assert list((tiny_run.path / "logs").rglob("events*"))
    assert json.loads((tiny_run.path / "figures.json").read_text()) == tiny_run.figures


def test_the_final_model_is_the_best_one(tiny_run):
    state = RunFolder.open(tiny_run.path).state()
    best = zoo.load(RunFolder.open(tiny_run.path).checkpoint(state["best"]))
    texts = ["the pizza was great."]
    assert zoo.load(tiny_run.path).score(texts, num_samples=3) == best.score(texts, num_samples=3)
    values = {line["epoch"]: line["val_nll"] for line in RunFolder.open(tiny_run.path).history()}
    settled = {epoch: value for epoch, value in values.items() if epoch * 7 >= 10}  # 7 steps an epoch, 10 of warm-up
    assert state["best_epoch"] == min(settled, key=settled.get)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tiny_run, tmp_path):
    """The same one is resumed before its first epoch is done, so it starts over."""
    RunFolder.create(tmp_path / "same", dataclasses.asdict(settings(tiny_run)))
    assert trainer.resume(tmp_path / "same") == tiny_run.figures
    trainer.start(settings(tiny_run, seed=1), tmp_path / "other")
    metrics = (tiny_run.path / "metrics.jsonl").read_bytes()
    assert (tmp_path / "same" / "metrics.jsonl").read_bytes() == metrics
    assert (tmp_path / "other" / "metrics.jsonl").read_bytes() != metrics


def test_the_automatic_precision_is_the_one_of_the_device_and_is_noted(tiny_run, monkeypatch):
    monkeypatch.setattr(devices, "gpus", lambda: [])
    for flags, precision in ((set(), "float32"), ({"avx512_bf16"}, "mixed_bfloat16")):
        monkeypatch.setattr(devices, "processor_flags", lambda flags=flags: flags)
        config = settings(tiny_run, precision="auto").check()
        assert config.precision == precision
        assert config.build_model(config.load_corpus()).dtype_policy.name == precision


@pytest.mark.parametrize("attributes, widths", [([], 0), (["sentiment", "tense"], 2)])
def test_a_model_is_built_for_the_corpus_that_comes_with_the_package(attributes, widths):
    sizes = {"embedding_dim": 4, "hidden_dim": 4, "output_dim": 4, "latent_dim": 2}
    config = trainer.RunConfig("lstm_vae", "reviews", attributes=attributes, hyperparameters=sizes, limit=50).check()
    corpus = config.load_corpus()
    model = config.build_model(corpus)
    assert list(model.attributes.values) == attributes and len(model.attributes) == widths
    assert config.batches(model, corpus).steps == 2


def test_a_run_takes_the_optimizer_that_was_asked_for(tiny_run):
    config = settings(tiny_run, optimizer="sgd", learning_rate=0.5)
    model = config.build_model(config.load_corpus())
    assert type(model.optimizer).__name__ == "SGD" and model.optimizer.global_clipnorm == 5
    assert float(model.optimizer.learning_rate) == 0.5 and model.optimizer.built


def test_a_run_starts_from_another_with_its_weights_words_and_sizes(tiny_run):
    config = trainer.RunConfig(
        "lstm_vae",
        str(tiny_run.data),
        start_from=str(tiny_run.path),
        hyperparameters={"kl_weight": 1.0, "dropout": 0.4},
    )
    first, model = zoo.load(tiny_run.path), config.check().build_model(config.load_corpus())
    assert model.tokenizer.vocabulary == first.tokenizer.vocabulary
    assert (model.hidden_dim, model.latent_dim, model.dropout) == (16, 4, 0.4)
    texts = list(config.load_corpus().valid)
    assert model.score(texts, seed=1, num_samples=3).tolist() == first.score(texts, seed=1, num_samples=3).tolist()
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"model": "lstm_lm"}, "holds a LSTMVAE, so no lstm_lm can start from it"),
        ({"hyperparameters": {"hidden_dim": 8}}, "do not fit: leave its sizes"),
        ({"preset": "reconstruction"}, "leave out the preset"),
        ({"start_from": "nowhere"}, "there is no file nowhere"),
    ],
    ids=["another model", "another size", "a preset", "nothing there"],
)
def test_a_run_cannot_start_from_what_does_not_fit(tiny_run, changes, message):
    settings = {"model": "lstm_vae", "data": str(tiny_run.data), "start_from": str(tiny_run.path), **changes}
    with pytest.raises(InputError, match=message):
        config = trainer.RunConfig(**settings).check()
        config.build_model(config.load_corpus())


def test_a_run_of_two_networks_goes_through_its_phases_and_keeps_both_optimizers(tiny_run, tmp_path):
    sizes = {"embedding_dim": 8, "hidden_dim": 8, "output_dim": 0, "filters": [[2, 8], [3, 8]], "num_rollouts": 2}
    changes = dict(model="seqgan", hyperparameters={**sizes, "pretraining_epochs": 1, "discriminator_epochs": 1})
    config = settings(tiny_run, epochs=3, **changes)
    trainer.start(config, tmp_path / "whole")
    first, second, third = RunFolder.open(tmp_path / "whole").history()
    assert "discriminator_loss" not in first and "reward" not in second and {"reward", "distinct"} <= set(third)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Keras warns of an optimizer whose weights do not fit
        model = zoo.load(tmp_path / "whole")
    assert int(model.optimizer.iterations) == 2 * 7 and int(model.discriminator_optimizer.iterations) == 2 * 7
    assert json.loads((tmp_path / "whole" / "checkpoints" / "state.json").read_text())["best"] is None


def test_a_run_of_counts_takes_one_epoch_unless_told_otherwise(tiny_run, tmp_path):
    changes = dict(model="ngram_lm", hyperparameters={"order": 2})
    trainer.start(settings(tiny_run, epochs=None, **changes), tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    assert [line["epoch"] for line in folder.history()] == [1]
    assert "num_samples" not in json.loads((folder.path / "figures.json").read_text())["valid"]


def test_a_run_killed_in_the_middle_of_an_epoch_ends_as_if_it_had_not_been(tiny_run, tmp_path):
    program = """
import os, signal, sys
from training import trainer
from training.run_folder import RunFolder
import keras
import tensorflow as tf

tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})  # as in the process of the tests

class Die(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == 2 and batch == 3:
            os.kill(os.getpid(), signal.SIGKILL)

config = trainer.RunConfig(**RunFolder.open(sys.argv[1]).config())
trainer.start(config, sys.argv[2], lambda *arguments: [Die()])
"""
    path = tmp_path / "killed"
    command = [sys.executable, "-c", program, str(tiny_run.path), str(path)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert RunFolder.open(path).state()["epoch"] == 2
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')  # as if it had died while writing
    figures = trainer.resume(path)
    assert figures == tiny_run.figures
    for name in ("metrics.jsonl", "figures.json", "samples/epoch-0004.txt"):
        assert (path / name).read_bytes() == (tiny_run.path / name).read_bytes(), name


def test_resuming_a_finished_run_changes_nothing(tiny_run):
    before = (tiny_run.path / "metrics.jsonl").read_bytes()
    assert trainer.resume(tiny_run.path) == tiny_run.figures
    assert (tiny_run.path / "metrics.jsonl").read_bytes() == before


def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    folder = RunFolder.open(tmp_path / "run")
    place = folder.checkpoint(folder.state()["latest"])
    place.write_bytes(place.read_bytes()[:-500])
    with pytest.warns(DamageWarning, match=f"{place.name} is damaged"):
        assert trainer.resume(tmp_path / "run") == tiny_run.figures
    assert folder.metrics.read_bytes() == (tiny_run.path / "metrics.jsonl").read_bytes()


def test_a_run_that_is_asked_to_stop_goes_on_in_the_middle_of_the_epoch(tiny_run, tmp_path):
    path, taken = tmp_path / "run", []

    class Press(keras.callbacks.Callback):
        def __init__(self, at=None):
            super().__init__()
            self.at = at

        def on_train_batch_end(self, batch, logs=None):
            taken.append(batch)
            if len(taken) == self.at:
                signal.raise_signal(signal.SIGTERM if self.at == 2 else signal.SIGINT)

    for begin, at in ((functools.partial(trainer.start, settings(tiny_run)), 2), (trainer.resume, 18)):
        with pytest.raises(Stopped):  # in the first epoch, and in the third
            begin(path, lambda *arguments, at=at: [Press(at)])
        assert len(taken) == at and (path / "checkpoints" / "interrupted.keras").exists()
    assert trainer.resume(path, lambda *arguments: [Press()]) == tiny_run.figures
    assert len(taken) == 4 * 7  # no step was taken twice
    for name in ("metrics.jsonl", "figures.json", "samples/epoch-0004.txt"):
        assert (path / name).read_bytes() == (tiny_run.path / name).read_bytes(), name
    assert not list((path / "checkpoints").glob("interrupted*"))


def test_an_exploding_loss_stops_the_run_and_keeps_no_broken_model(tiny_run, tmp_path):
    given = settings(tiny_run, learning_rate=1e30, decay="none", rollbacks=1)
    message = "the loss is nan in epoch 1 after the rate was lowered 1 times; start again with a lower learning rate"
    with pytest.warns(trainer.DivergenceWarning, match="back to the start"), pytest.raises(InputError, match=message):
        trainer.start(given, tmp_path / "run")
    assert not list((tmp_path / "run" / "checkpoints").glob("*.keras"))


def test_a_run_whose_weights_break_goes_back_and_on_with_a_lower_rate(tiny_run, tmp_path):
    class Break(keras.callbacks.Callback):
        done = False

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1 and not self.done:
                self.done = True
                self.model.trainable_variables[0].assign(np.nan * self.model.trainable_variables[0])

    with pytest.warns(trainer.DivergenceWarning, match="the loss is nan in epoch 3; back to epoch 2, with 25%"):
        trainer.start(settings(tiny_run), tmp_path / "run", lambda *arguments: [Break()])
    whole, found = (RunFolder.open(path).history() for path in (tiny_run.path, tmp_path / "run"))
    assert found[:2] == whole[:2] and len(found) == 4
    for epoch in (2, 3):
        assert found[epoch]["learning_rate"] == pytest.approx(whole[epoch]["learning_rate"] / 4)
    assert RunFolder.open(tmp_path / "run").state()["lowered"] == 1


def test_the_same_command_again_goes_on_with_the_run(tiny_run, tmp_path):
    shutil.copytree(tiny_run.path, tmp_path / "run")
    assert trainer.start_or_resume(settings(tiny_run), tmp_path / "run") == tiny_run.figures
    with pytest.raises(InputError, match="holds a run with batch_size 32, not 16; give another --out"):
        trainer.start_or_resume(settings(tiny_run, batch_size=16), tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "lstm_vea"}, "did you mean 'lstm_vae'"),
        ({"preset": "recon"}, "unknown preset"),
        ({"precision": "float8"}, "unknown precision"),
        ({"optimizer": "sdg"}, "unknown optimizer"),
        ({"optimizer": "sgd", "learning_rate": None}, "needs a learning rate"),
        ({"decay": "linear"}, "unknown decay"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"keep_checkpoints": 0}, "keep_checkpoints must be at least 1"),
        ({"distribute": "mirored"}, "did you mean 'mirrored'"),
        ({"distribute": "multiworker"}, "several machines need TF_CONFIG"),
        ({"batch_size": 1.5}, "batch_size must be a whole number"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
    ],
)
def test_a_configuration_is_checked_before_anything_is_written(tiny_run, tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        trainer.start(settings(tiny_run, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()

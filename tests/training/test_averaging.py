"""The mean of the last epochs' weights."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

import zoo
from keras_textgen.errors import InputError
from training import trainer
from training.averaging import mean_of_last
from training.run_folder import RunFolder


@pytest.fixture
def run(tiny_run, tmp_path):
    """A copy of a finished run, to be summed up again by the configuration that it is given: a function of changes."""
    path = tmp_path / "run"
    shutil.copytree(tiny_run.path, path)

    def again(**changes):
        folder = RunFolder.open(path)
        (path / "config.json").write_text(json.dumps({**folder.config(), **changes}))
        return folder, trainer.resume(path)

    return again


def weights_of(model):
    return [np.asarray(weight) for weight in model.trainable_variables]


@pytest.mark.parametrize("num", [1, 2, 3])
def test_the_mean_is_that_of_the_last_checkpoints(tiny_run, num):
    folder = RunFolder.open(tiny_run.path)
    last = [weights_of(zoo.load(folder.checkpoint(f"epoch-{epoch:04d}.keras"))) for epoch in (4, 3, 2)[:num]]
    for mean, *each in zip(weights_of(mean_of_last(folder, num)), *last, strict=True):
        np.testing.assert_allclose(mean, sum(each) / num, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("better", [True, False])
def test_the_mean_is_the_final_model_where_it_validates_better(run, better):
    folder, _ = run()
    place = folder.path / "checkpoints" / "state.json"
    place.write_text(json.dumps({**folder.state(), "best_value": 1e6 if better else 0.0}))
    folder, figures = run(average_epochs=2)
    expected = mean_of_last(folder, 2) if better else zoo.load(folder.checkpoint(folder.state()["best"]))
    assert figures["averaged_epochs"] == (2 if better else 1)
    for one, other in zip(weights_of(zoo.load(folder.path)), weights_of(expected), strict=True):
        np.testing.assert_array_equal(one, other)


def test_as_many_checkpoints_stay_as_are_averaged(tiny_run):
    config = trainer.RunConfig(**RunFolder.open(tiny_run.path).config())
    assert config.kept == config.keep_checkpoints
    assert dataclasses.replace(config, average_epochs=9).kept == 9


def test_a_model_without_a_likelihood_is_not_averaged(tmp_path):
    config = trainer.RunConfig("dense_ae", "reviews", limit=50, epochs=1, average_epochs=2)
    with pytest.raises(InputError, match="dense_ae has no likelihood"):
        trainer.start(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()

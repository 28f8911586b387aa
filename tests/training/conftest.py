import dataclasses
import json
import sys
from typing import NamedTuple

import pytest

from training import cli, corpora, trainer


@dataclasses.dataclass
class TinyRun:
    """A run on a few reviews, with the file that it was trained on."""

    path: object
    data: object
    config: trainer.RunConfig
    figures: dict


def tiny_config(data, **changes):
    settings = dict(
        hyperparameters={"embedding_dim": 16, "hidden_dim": 16, "latent_dim": 4, "kl_weight": "linear:10"},
        epochs=4,
        batch_size=32,
        validation_texts=20,
        validation_samples=2,
        samples_every=2,
    )
    return trainer.RunConfig("lstm_vae", str(data), **{**settings, **changes})


@pytest.fixture(scope="session")
def reviews_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "reviews.txt"
    path.write_text("\n".join(corpora.load("reviews").train[:240]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory, reviews_file):
    path = tmp_path_factory.mktemp("runs") / "tiny"
    config = tiny_config(reviews_file)
    return TinyRun(path, reviews_file, config, trainer.start(config, path))


@pytest.fixture(scope="session")
def made_up_run():
    """`made_up_run(path, evaluation=…, history=…, **config)`: a run folder that no training has written."""

    def make(path, evaluation=None, history=(), **config):
        path.mkdir(parents=True)
        config = {"model": "lstm_lm", "data": "reviews", "seed": 0, **config}
        (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
        if history:
            (path / "metrics.jsonl").write_text("".join(json.dumps(epoch) + "\n" for epoch in history))
        if evaluation is not None:
            (path / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")
        return path

    return make


class Answer(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


@pytest.fixture
def textgen(monkeypatch, capsys):
    """`textgen("generate", run, …)` in this process: exit code, standard output, standard error."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["textgen", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
            sys.exit(0)
        captured = capsys.readouterr()
        return Answer(stop.value.code or 0, captured.out, captured.err)

    return call

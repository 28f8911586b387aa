"""The search for hyper-parameters: what it tries, what it keeps, and that a kill changes nothing of it."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_textgen.errors import InputError
from training import trainer, tuning
from training.run_folder import RunFolder
from training.search_record import ATTEMPTS, open_study
from training.tuning import Choice, Range, Search

ROOT = Path(__file__).parents[2]
SPACE = {
    "latent_dim": Range(2, 6, log=True),
    "dropout": Range(0.0, 0.5),
    "tie_embeddings": Choice((True, False)),
    "learning_rate": Range(1e-3, 1e-2, log=True),
}


def tiny_search(data, space=SPACE, trials=3, **changes):
    hyperparameters = {"embedding_dim": 8, "hidden_dim": 8, "output_dim": 0, "sequence_length": 8}
    hyperparameters["kl_weight"] = "linear:8"
    settings = dict(epochs=2, limit=128, validation_texts=10, validation_samples=2)
    config = trainer.RunConfig("lstm_vae", str(data), hyperparameters=hyperparameters, **{**settings, **changes})
    return Search(config, space, trials)


def made_up(trial):
    """An objective with a known minimum, in the place of a training."""
    return abs(trial.params["latent_dim"] - 3) + trial.params["dropout"]


def parameters(rows):
    """What was tried, in the order in which it was."""
    return [row["parameters"] for row in sorted(rows, key=lambda row: row["number"]) if row["state"] != "interrupted"]


class Interrupting:
    """Callbacks for `trainer.start` that press Ctrl-C in the second epoch of one trial."""

    def __init__(self, trial):
        self.left = trial

    def __call__(self, folder, config, steps):
        import keras

        def stop(epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

        self.left -= 1
        return [keras.callbacks.LambdaCallback(on_epoch_begin=stop)] if self.left == 0 else []


@pytest.fixture(scope="module")
def searched(tmp_path_factory, reviews_file):
    """A search of two trials that was interrupted in its second and has gone on: its folder and its table."""
    path = tmp_path_factory.mktemp("searches") / "search"
    with pytest.raises(KeyboardInterrupt):
        tuning.start(tiny_search(reviews_file, trials=2), path, watch=Interrupting(2))
    told = []
    return path, tuning.resume(path, told=told.append), told


def test_an_interrupted_search_repeats_the_trial_and_ends_with_as_many_as_wanted(searched):
    path, rows, told = searched
    assert [row["state"] for row in rows] == ["complete", "complete", "interrupted"]
    by_number = {row["number"]: row for row in rows}
    assert by_number[2]["parameters"] == by_number[1]["parameters"] != by_number[0]["parameters"]
    assert by_number[1]["state"] == "interrupted" and by_number[1]["epochs"] == 1
    assert [row["number"] for row in told] == [2]
    assert sorted(place.name for place in (path / "trials").iterdir()) == ["0000", "0001", "0002"]


def test_a_trial_is_a_run_of_its_own_with_the_best_epochs_value(searched):
    path, rows, _ = searched
    for row in rows[:2]:
        run = RunFolder(path / row["run"])
        assert row["value"] == run.state()["best_value"] == min(line["val_nll"] for line in run.history())
        assert row["epochs"] == 2
        config = run.config()
        tried = {**config["hyperparameters"], "learning_rate": config["learning_rate"]}
        assert row["parameters"].items() <= tried.items()
        assert config["hyperparameters"]["hidden_dim"] == 8
        assert (run.path / "model.keras").exists()


def test_epochs_before_the_kl_weight_has_settled_are_not_reported(searched):
    path, _, _ = searched  # four steps an epoch, and eight until the weight stands
    assert [list(trial.intermediate_values) for trial in open_study(path).trials] == [[2], [], [2]]


def test_the_table_is_kept_best_first_in_both_forms(searched):
    path, rows, _ = searched
    assert rows[0]["value"] <= rows[1]["value"]
    assert json.loads((path / "trials.json").read_text()) == rows
    written = list(csv.DictReader((path / "trials.csv").open()))
    assert [float(row["value"]) for row in written[:2]] == [row["value"] for row in rows[:2]]
    assert [int(row["latent_dim"]) for row in written] == [row["parameters"]["latent_dim"] for row in rows]


def test_a_search_grows_from_the_terminal(searched, textgen):
    path, rows, _ = searched
    code, out, err = textgen("tune", "--resume", path, "--trials", 3, "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert [row["state"] for row in answer["trials"]] == ["complete", "complete", "complete", "interrupted"]
    assert all(row in answer["trials"] for row in rows)
    best = answer["best"]
    assert best["value"] == min(row["value"] for row in answer["trials"][:3])
    assert answer["command"].startswith("textgen train lstm_vae --data ")
    assert f"--learning-rate {best['parameters']['learning_rate']}" in answer["command"]
    assert f"--set tie_embeddings={json.dumps(best['parameters']['tie_embeddings'])}" in answer["command"]
    lines = err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("0003  latent_dim ")
    again = textgen("tune", "--resume", path)  # there is nothing left to do but to show the table
    assert again[0] == 0 and again[1].splitlines()[-1] == answer["command"]
    code, out, err = textgen("tune", "--resume", path, "--trials", 2)
    assert (code, out, err) == (2, "", "textgen: trials must be at least 3, not 2\n")


def test_a_loss_that_is_not_finite_fails_the_trial(tmp_path, reviews_file, textgen):
    tiny = ("--set", "embedding_dim=8", "--set", "hidden_dim=8", "--limit", 64, "--epochs", 2, "--trials", 1)
    place = tmp_path / "search"
    hopeless = ("--search", "learning_rate=1e8..1e12")
    code, _, err = textgen("tune", "lstm_vae", "--data", reviews_file, "--out", place, *tiny, *hopeless)
    assert code == 2
    line, last = err.splitlines()
    assert "failed: the loss is nan in epoch 1" in line
    assert last == f"textgen: no trial was completed; see {place / 'trials.csv'} for the reasons"
    (row,) = json.loads((place / "trials.json").read_text())
    assert (row["state"], row["value"]) == ("failed", None)


def test_the_search_goes_on_after_a_trial_that_failed(tmp_path):
    def failing(trial):
        if trial.number == 1:
            raise InputError("the loss is nan in epoch 3; start again with a lower learning rate")
        return made_up(trial)

    rows = tuning.conduct(tiny_search("x", trials=3), tmp_path, failing)
    assert [row["state"] for row in rows] == ["complete", "complete", "failed"]
    assert rows[-1]["number"] == 1 and rows[-1]["reason"].startswith("the loss is nan in epoch 3")
    written = list(csv.DictReader((tmp_path / "trials.csv").open()))
    assert written[-1]["reason"] == rows[-1]["reason"] and written[-1]["value"] == ""


def test_parameters_lie_in_their_ranges_and_the_same_seed_gives_the_same(tmp_path):
    tables = []
    for name, seed in ("a", 0), ("b", 0), ("c", 1):
        (tmp_path / name).mkdir()
        tables.append(tuning.conduct(tiny_search("x", trials=15, seed=seed), tmp_path / name, made_up))
    first, same, other = map(parameters, tables)
    assert first == same != other
    assert all(type(tried["latent_dim"]) is int and 2 <= tried["latent_dim"] <= 6 for tried in first)
    assert all(0 <= tried["dropout"] <= 0.5 and 1e-3 <= tried["learning_rate"] <= 1e-2 for tried in first)
    assert {tried["tie_embeddings"] for tried in first} == {True, False}
    values = [row["value"] for row in tables[0]]
    assert values == sorted(values)
    best = tables[0][0]
    assert best["value"] == abs(best["parameters"]["latent_dim"] - 3) + best["parameters"]["dropout"]


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, "tests/training")
from test_tuning import made_up, tiny_search
from training import tuning

def objective(trial):
    if trial.number in (0, 4, 5):
        os.kill(os.getpid(), signal.SIGKILL)
    return made_up(trial)

tuning.conduct(tiny_search("x", trials=12), Path(sys.argv[1]), objective)
"""


def test_kills_change_nothing_of_what_is_tried(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    expected = tuning.conduct(tiny_search("x", trials=12), whole, made_up)
    codes = []
    while not codes or codes[-1] < 0:
        codes.append(subprocess.run([sys.executable, "-c", KILLED, str(killed)], cwd=ROOT).returncode)
        with (killed / "journal.jsonl").open("a") as journal:
            journal.write('{"op_code": 5, "worker')  # a kill can come in the middle of a line
        (killed / "journal.jsonl.lock").symlink_to("journal.jsonl")  # and between taking the lock and giving it back
    assert codes == [-9, -9, -9, 0]
    rows = json.loads((killed / "trials.json").read_text())
    assert parameters(rows) == parameters(expected)
    assert sorted(row["number"] for row in rows if row["state"] == "interrupted") == [0, 4, 5]


def test_a_trial_that_always_takes_the_process_down_is_given_up(tmp_path):
    def breaking(trial):
        if trial.params == first:
            raise MemoryError
        return made_up(trial)

    first = parameters(tuning.conduct(tiny_search("x", trials=1), tmp_path, made_up))[0]
    search = tiny_search("x", trials=2)
    for path in tmp_path.iterdir():
        path.unlink()
    for _ in range(ATTEMPTS):
        with pytest.raises(MemoryError):
            tuning.conduct(search, tmp_path, breaking)
    rows = tuning.conduct(search, tmp_path, breaking)
    assert [row["state"] for row in rows] == ["complete", "failed", "interrupted", "interrupted"]
    assert rows[1]["reason"] == "was interrupted 3 times" and rows[1]["parameters"] == first


def test_a_full_disk_stops_the_search_and_is_not_blamed_on_the_parameters(tmp_path):
    def full(trial):
        raise InputError("the run cannot be written") from OSError("no space left")

    with pytest.raises(InputError, match="cannot be written"):
        tuning.conduct(tiny_search("x", trials=1), tmp_path, full)
    assert parameters(tuning.conduct(tiny_search("x", trials=1), tmp_path, made_up))


def test_poor_trials_are_pruned(tmp_path):
    """Curves that do not cross: after the five trials that the pruner waits for, those above the median of the
    completed ones must end at the first epoch that counts, and no other."""
    reached = {}

    def curve(trial):
        run = FakeRun()
        report = tuning.report_epochs(trial, run, epochs=4)
        for epoch in range(4):
            reached[trial.number] = epoch + 1
            run.best_value = None if epoch == 0 else trial.params["dropout"] + 1 / (epoch + 1)
            report.on_epoch_end(epoch)
        return run.best_value

    rows = tuning.conduct(tiny_search("x", trials=14), tmp_path, curve)
    by_number = sorted(rows, key=lambda row: row["number"])
    completed = []
    for row in by_number:
        poor = len(completed) >= 5 and row["parameters"]["dropout"] > np.median(completed)
        assert row["state"] == ("pruned" if poor else "complete")
        assert row["epochs"] == reached[row["number"]] == (2 if poor else 4)
        if not poor:
            completed.append(row["parameters"]["dropout"])
    assert 5 < len(completed) < 14
    assert [row["state"] for row in rows] == sorted(row["state"] for row in rows), "a pruned trial before a whole one"


class FakeRun:
    """The folder of a run, as far as `report_epochs` looks at it."""

    best_value = None

    def state(self):
        return {"best_value": self.best_value}


def test_a_value_that_is_not_finite_fails_the_trial(tmp_path):
    def broken(trial):
        run = FakeRun()
        run.best_value = float("nan")
        tuning.report_epochs(trial, run, epochs=4).on_epoch_end(0)

    (row,) = tuning.conduct(tiny_search("x", trials=1), tmp_path, broken)
    assert (row["state"], row["reason"]) == ("failed", "the value of the validation texts is nan in epoch 1")


def test_the_default_space_holds_what_is_not_set(reviews_file):
    config = trainer.RunConfig("lstm_vae", str(reviews_file), hyperparameters={"dropout": 0.1})
    assert list(tuning.default_space(config)) == ["learning_rate", "hidden_dim", "latent_dim", "free_bits"]
    config.preset = "reconstruction"
    assert list(tuning.default_space(config)) == ["learning_rate", "hidden_dim"]
    Search(config, tuning.default_space(config)).check()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("latent_dim=16..64", Range(16, 64)),
        ("free_bits=0..0.5", Range(0, 0.5)),
        ("learning_rate=1e-4..1e-2:log", Range(1e-4, 1e-2, log=True)),
        ("bidirectional=true,false", Choice((True, False))),
        ("kl_weight=linear:25%, 1.0", Choice(("linear:25%", 1.0))),
    ],
)
def test_the_space_is_read_as_it_is_written(text, values):
    from training.cli.tune import parse_search

    name, read = parse_search(text)
    assert (name, read) == (text.partition("=")[0], values)
    kind = type(read.distribution()).__name__
    expected = {"latent_dim": "Int", "free_bits": "Float", "learning_rate": "Float"}.get(name, "Categorical")
    assert kind == f"{expected}Distribution"


TUNE = ("tune", "lstm_vae", "--data", "{data}")
BAD = {
    "unknown model": (("tune", "lstm_vea", "--data", "x"), "unknown model 'lstm_vea'; did you mean 'lstm_vae'?"),
    "no data": (("tune", "lstm_vae"), "give a model and --data"),
    "missing file": (("tune", "lstm_vae", "--data", "{tmp}/missing.txt"), "missing.txt: no such file"),
    "unknown name": ((*TUNE, "--search", "latent_dims=2..4"), "did you mean 'latent_dim'?"),
    "no values": ((*TUNE, "--search", "latent_dim"), "--search takes name=low..high"),
    "no name": ((*TUNE, "--search", "=1..2"), "--search takes name=low..high"),
    "half a range": ((*TUNE, "--search", "latent_dim=2.."), "an end of a range must be a number, not ''"),
    "words for numbers": ((*TUNE, "--search", "latent_dim=a..b"), "an end of a range must be a number, not 'a'"),
    "low over high": ((*TUNE, "--search", "latent_dim=8..2"), "a range goes from low to high, not from 8 to 2"),
    "low equals high": ((*TUNE, "--search", "latent_dim=8..8"), "a range goes from low to high"),
    "endless range": ((*TUNE, "--search", "free_bits=0..1e999"), "must be a number, not inf"),
    "too large for Optuna": ((*TUNE, "--search", "latent_dim=1..1" + 30 * "0"), "must be at most 9007199254740992"),
    "logarithm of zero": ((*TUNE, "--search", "free_bits=0.0..1.0:log"), "starts above 0, not at 0.0"),
    "unknown scale": ((*TUNE, "--search", "latent_dim=2..4:lgo"), "only :log may follow a range, not ':lgo'"),
    "one choice": ((*TUNE, "--search", "latent_dim=4"), "between two different values or more, not [4]"),
    "the same choice twice": ((*TUNE, "--search", "latent_dim=4,4"), "between two different values or more"),
    "a list as a choice": ((*TUNE, "--search", "latent_dim=[1],2"), "a choice is a number, a text, true, false"),
    "out of range": ((*TUNE, "--search", "dropout=0.0..1.0"), "dropout must be below 1, not 1.0"),
    "ill-typed": ((*TUNE, "--search", "latent_dim=2.0..4.0"), "latent_dim of lstm_vae must be of type int, not 2.0"),
    "batch size out of range": ((*TUNE, "--search", "batch_size=0..4"), "batch_size must be at least 1, not 0"),
    "learning rate out of range": ((*TUNE, "--search", "learning_rate=-1..1"), "learning_rate must be above 0"),
    "not comparable": ((*TUNE, "--search", "vocabulary_size=10..99"), "likelihoods under different ones cannot be"),
    "searched twice": ((*TUNE, *(2 * ("--search", "latent_dim=2..4"))), "latent_dim is searched twice"),
    "set and searched": (
        (*TUNE, "--search", "latent_dim=2..4", "--set", "latent_dim=2"),
        "latent_dim is both set and searched",
    ),
    "given and searched": (
        (*TUNE, "--search", "learning_rate=0.1..0.2", "--learning-rate", "0.1"),
        "--learning-rate is given and searched",
    ),
    "unknown hyper-parameter": ((*TUNE, "--set", "latent_dims=4"), "did you mean 'latent_dim'?"),
    "no trials": ((*TUNE, "--trials", "0"), "trials must be at least 1, not 0"),
    "no epochs": ((*TUNE, "--epochs", "0"), "epochs must be at least 1, not 0"),
    "bad seed": ((*TUNE, "--seed", "-1"), "seed must be at least 0, not -1"),
    "existing folder": ((*TUNE, "--out", "{tmp}/used"), "used exists already"),
    "folder below a file": ((*TUNE, "--out", "{data}/search"), "cannot be written"),
    "resume with options": (("tune", "lstm_vae", "--resume", "{tmp}/used"), "give it alone, or with --trials"),
    "resume with a seed": (("tune", "--resume", "{tmp}/used", "--seed", "1"), "give it alone, or with --trials"),
    "resume nothing": (("tune", "--resume", "{tmp}/missing"), "there is no folder"),
    "resume no search": (("tune", "--resume", "{tmp}/used"), "used holds no search: there is no search.json in it"),
    "resume a damaged search": (("tune", "--resume", "{tmp}/damaged"), "search.json is damaged"),
    "resume of another version": (("tune", "--resume", "{tmp}/other"), "search.json is not of this version"),
}


@pytest.fixture
def folders(tmp_path):
    for name, file, text in (
        ("used", "notes.txt", "something else"),
        ("damaged", "search.json", "{"),
        ("other", "search.json", '{"space": {"latent_dim": {"from": 1}}, "config": {}, "trials": 2}'),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    return tmp_path


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_line(textgen, reviews_file, folders, case, monkeypatch):
    monkeypatch.chdir(folders)
    arguments, message = BAD[case]
    before = sorted(folders.rglob("*"))
    code, out, err = textgen(*(argument.format(data=reviews_file, tmp=folders) for argument in arguments))
    assert code == 2 and out == ""
    assert err.startswith("textgen: ") and err.count("\n") == 1, err
    assert message in err
    assert [path for path in sorted(folders.rglob("*")) if path.name != ".lock"] == before, "something was left behind"


def test_a_damaged_journal_gets_one_clear_line(textgen, reviews_file, tmp_path):
    tiny_search(reviews_file).save(tmp_path)
    (tmp_path / "journal.jsonl").write_text("not\njournal\nlines\n")
    code, out, err = textgen("tune", "--resume", tmp_path)
    assert (code, out, err) == (2, "", f"textgen: {tmp_path / 'journal.jsonl'} is damaged\n")


def test_without_optuna_it_says_what_to_install(textgen, reviews_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    code, _, err = textgen("tune", "lstm_vae", "--data", reviews_file)
    assert (code, err) == (2, "textgen: a search needs Optuna: pip install 'keras-textgen[tune]'\n")


def test_a_second_process_is_kept_out(textgen, reviews_file, tmp_path):
    tiny_search(reviews_file).save(tmp_path)
    with RunFolder(tmp_path).locked():
        code, _, err = textgen("tune", "--resume", tmp_path)
    assert code == 2 and "another run is writing to" in err


def test_ctrl_c_says_how_to_go_on(textgen, reviews_file, tmp_path, monkeypatch):
    def stopped(config, path, watch):
        raise KeyboardInterrupt

    monkeypatch.setattr(trainer, "start", stopped)
    place = tmp_path / "search"
    options = ("--search", "latent_dim=2..4", "--set", "hidden_dim=8", "--trials", 1, "--out", place)
    code, out, err = textgen("tune", "lstm_vae", "--data", reviews_file, *options)
    assert (code, out, err) == (130, "", f"textgen: stopped; go on with: textgen tune --resume {place}\n")


def test_the_command_trains_the_setting_in_full():
    from training.cli.tune import train_command

    config = trainer.RunConfig("lstm_vae", "my reviews.txt", hyperparameters={"latent_dim": 4, "kl_weight": "linear:9"})
    config.epochs, config.learning_rate, config.tokenizer_options = 5, 0.01, {"splitting": "whitespace"}
    assert train_command(config) == (
        "textgen train lstm_vae --data 'my reviews.txt' --set latent_dim=4 --set kl_weight=linear:9 "
        "--splitting whitespace --learning-rate 0.01"
    )
    config.epochs, config.attributes = 50, ["tense", "mood=sentiment"]
    assert train_command(config).endswith(" --epochs 50 --learning-rate 0.01")
    assert " --attribute tense --attribute mood=sentiment " in train_command(config)


def test_nothing_heavy_is_imported_before_it_is_needed():
    program = "import sys, training.cli, training.tuning; sys.exit(bool({'tensorflow', 'optuna'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0

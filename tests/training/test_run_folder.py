import json

import pytest

from keras_textgen.errors import InputError
from training.run_folder import RunFolder


class SavedAsText:
    """Stands in for a model: saving writes its name."""

    def __init__(self, name):
        self.name = name

    def save(self, path):
        path.write_text(self.name)


class FailsToSave:
    def save(self, path):
        path.write_text("half")
        raise OSError(28, "No space left on device")


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", {"model": "lstm_vae"})


def test_a_new_run_keeps_its_configuration(folder):
    assert RunFolder.open(folder.path).config() == {"model": "lstm_vae"}
    assert folder.state() is None


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"exists already.*--resume"):
        RunFolder.create(tmp_path, {})
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_best_and_the_latest_checkpoint_stay_and_the_others_go(folder):
    for epoch, value in enumerate([3.0, 1.0, 2.0, 5.0], start=1):
        folder.finish_epoch(SavedAsText(f"model {epoch}"), epoch, {"loss": value}, value)
    state = folder.state()
    assert (state["best_epoch"], state["best_value"], state["epoch"]) == (2, 1.0, 4)
    kept = {path.name: path.read_text() for path in folder.checkpoint("").glob("*.keras")}
    assert kept == {"epoch-0002.keras": "model 2", "epoch-0004.keras": "model 4"}
    assert [line["loss"] for line in folder.history()] == [3.0, 1.0, 2.0, 5.0]


def test_an_epoch_that_must_not_be_selected_is_not(folder):
    folder.finish_epoch(SavedAsText("early"), 1, {}, None)
    folder.finish_epoch(SavedAsText("late"), 2, {}, 9.0)
    assert folder.state()["best_epoch"] == 2


def test_a_failed_save_leaves_the_folder_at_the_epoch_before(folder):
    folder.finish_epoch(SavedAsText("good"), 1, {"loss": 1.0}, 1.0)
    before = sorted(path.name for path in folder.path.rglob("*"))
    with pytest.raises(OSError):
        folder.finish_epoch(FailsToSave(), 2, {"loss": 0.5}, 0.5)
    assert sorted(path.name for path in folder.path.rglob("*")) == before
    assert folder.state()["epoch"] == 1
    assert folder.checkpoint(folder.state()["latest"]).read_text() == "good"


def test_metrics_after_the_last_finished_epoch_are_forgotten(folder):
    folder.finish_epoch(SavedAsText("good"), 1, {"loss": 1.0}, 1.0)
    with folder.metrics.open("a") as file:
        file.write('{"epoch": 2, "loss": 0.5}\n{"epo')  # a kill in the middle of a line
    folder.forget_unfinished()
    assert folder.history() == [{"epoch": 1, "loss": 1.0}]


def test_two_runs_never_write_into_one_folder(folder):
    with folder.locked(), pytest.raises(InputError, match="another run"), RunFolder.open(folder.path).locked():
        pass
    with folder.locked():  # free again
        pass


@pytest.mark.parametrize(
    ("content", "message"), [(None, "is .* a run folder"), ("{", "not JSON"), (b"\xff\xfe", "not JSON")]
)
def test_a_damaged_configuration_is_named(folder, content, message):
    place = folder.path / "config.json"
    place.unlink()
    if content is not None:
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=message) as error:
        RunFolder.open(folder.path)
    assert str(place) in str(error.value)


def test_the_state_is_readable_json(folder):
    folder.finish_epoch(SavedAsText("m"), 1, {"loss": 1.0}, 1.0)
    assert json.loads(folder.checkpoint("state.json").read_text())["latest"] == "epoch-0001.keras"

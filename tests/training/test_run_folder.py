import json
from types import SimpleNamespace

import numpy as np
import pytest

from keras_textgen.errors import InputError
from training.checkpoints import DamageWarning
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


def test_the_best_and_the_last_checkpoints_stay_and_the_others_go(folder):
    for epoch, value in enumerate([3.0, 1.0, 2.0, 5.0, 4.0], start=1):
        folder.finish_epoch(SavedAsText(f"model {epoch}"), epoch, {"loss": value}, value, keep=2)
    state = folder.state()
    assert (state["best_epoch"], state["best_value"], state["epoch"]) == (2, 1.0, 5)
    kept = {path.name: path.read_text() for path in folder.checkpoint("").glob("*.keras")}
    assert kept == {f"epoch-000{epoch}.keras": f"model {epoch}" for epoch in (2, 4, 5)}
    assert len(list(folder.checkpoint("").glob("epoch-*.json"))) == 3
    assert [line["loss"] for line in folder.history()] == [3.0, 1.0, 2.0, 5.0, 4.0]


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
    folder.recover()
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


@pytest.fixture
def four(folder):
    """A run of four epochs, of which the second is the best; the checkpoints of 2 to 4 are there."""
    for epoch, value in enumerate([3.0, 1.0, 2.0, 5.0], start=1):
        folder.finish_epoch(SavedAsText(f"model {epoch}"), epoch, {"loss": value}, value)
    return folder


DAMAGES = {
    "truncated": lambda content: content[:-1],
    "a flipped bit": lambda content: content[:3] + bytes([content[3] ^ 1]) + content[4:],
    "longer": lambda content: content + b"x",
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_newest_checkpoint_that_is_whole_is_found(four, damage):
    place = four.checkpoint("epoch-0004.keras")
    place.write_bytes(DAMAGES[damage](place.read_bytes()))
    with pytest.warns(DamageWarning, match="epoch-0004.keras is damaged or truncated; going on from epoch 3"):
        four.recover()
    assert four.state()["latest"] == "epoch-0003.keras" and [line["epoch"] for line in four.history()] == [1, 2, 3]
    four.recover()  # without a warning
    four.finish_epoch(SavedAsText("model 4 again"), 4, {"loss": 5.0}, 5.0)
    assert four.state()["epoch"] == 4 and len(four.history()) == 4


def test_a_missing_checkpoint_is_passed_over_too(four):
    four.checkpoint("epoch-0004.keras").unlink()
    with pytest.warns(DamageWarning):
        four.recover()
    assert four.state()["epoch"] == 3


STATES = [
    *(None, b"", b"{", b"[]", b"\xff", b'{"epoch": 4, "latest": "../../model.keras"}', b'{"epoch": true, "latest": 4}'),
    b'{"epoch": 4, "latest": "epoch-0004.keras", "best": "epoch-0002.keras"}',
    b'{"epoch": 4, "latest": "epoch-0004.keras", "best": "epoch-0002.keras", "best_epoch": 2, "best_value": NaN}',
    b'{"epoch": 4, "latest": "epoch-0004.keras", "lowered": "twice"}',
]


@pytest.mark.parametrize("content", STATES)
def test_a_damaged_state_is_made_anew_from_the_checkpoints(four, content):
    state = four.state()
    place = four.checkpoint("state.json")
    place.unlink() if content is None else place.write_bytes(content)
    with pytest.warns(DamageWarning, match="going on from epoch 4"):
        four.recover()
    assert four.state() == state


def test_a_best_checkpoint_that_is_damaged_is_sought_anew(four):
    four.checkpoint("epoch-0002.keras").write_text("model 3")
    with pytest.warns(DamageWarning, match="the best epoch is sought anew"):
        four.recover()
    assert four.state()["best"] is None and four.state()["epoch"] == 4
    assert four.finish_epoch(SavedAsText("model 5"), 5, {"loss": 4.0}, 4.0)["best_epoch"] == 5


def test_without_any_whole_checkpoint_nothing_is_made_up(four):
    for place in four.checkpoint("").glob("*.keras"):
        place.write_bytes(b"no")
    before = four.checkpoint("state.json").read_bytes()
    with pytest.raises(InputError, match=r"epoch-0004.keras is damaged.*no other checkpoint is whole"):
        four.recover()
    assert four.checkpoint("state.json").read_bytes() == before


def test_a_checkpoint_whose_epoch_was_not_finished_does_not_count(four):
    four.checkpoints.save(SavedAsText("model 5"), 5, 0.5)  # killed before the state was moved there
    four.recover()
    assert four.state()["epoch"] == 4


def test_where_a_run_was_interrupted_is_kept_until_the_epoch_is_finished(four):
    assert four.checkpoints.interrupted(4) is None
    four.checkpoints.save_interrupted(SavedAsText("half"), 4, 7, [1.5, 2.0])
    found = four.checkpoints.interrupted(4)
    assert (found["step"], found["metrics"], found["latest"]) == (7, [1.5, 2.0], "interrupted.keras")
    assert four.checkpoints.interrupted(3) is None  # of another epoch
    four.finish_epoch(SavedAsText("model 5"), 5, {"loss": 4.0}, 4.0)
    assert not list(four.checkpoint("").glob("interrupted*"))
    four.checkpoints.save_interrupted(SavedAsText("half"), 5, 7, [])
    four.checkpoint("interrupted.keras").write_text("hal")
    assert four.checkpoints.interrupted(5) is None


def test_a_disk_without_room_is_refused_before_the_training(folder, monkeypatch):
    class Weight:
        def numpy(self):
            return np.zeros(1_000_000, np.float32)

    model = SimpleNamespace(weights=[Weight()], optimizer=SimpleNamespace(variables=[Weight(), Weight()]))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=50_000_000))
    with pytest.raises(InputError, match=r"has 50 MB left, and the checkpoints .* about 72 MB"):
        folder.require_room(model)
    folder.require_room(model, keep=1)


def test_two_runs_that_start_at_once_do_not_take_each_others_place(tmp_path):
    (tmp_path / "run").mkdir()
    with RunFolder(tmp_path / "run").locked(), pytest.raises(InputError, match="another run"):
        RunFolder.create(tmp_path / "run", {})
    assert not (tmp_path / "run" / "config.json").exists()

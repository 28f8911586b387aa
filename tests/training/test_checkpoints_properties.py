"""What holds for every damage and every history, by hypothesis."""

import json
import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_textgen.errors import InputError
from training.checkpoints import Checkpoints, checked
from training.run_folder import RunFolder

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["epoch-0001.keras", "../epoch-0001.keras", "epoch-0001.keras\n", "epoch-0001.keras/..", "/etc/passwd"]
STATES = st.fixed_dictionaries(
    {},
    optional={
        "epoch": st.integers(-1, 5) | JSON,
        "latest": st.sampled_from(NAMES) | JSON,
        "best": st.sampled_from([None, *NAMES]) | JSON,
        "best_value": st.floats() | JSON,
        "sha256": JSON,
        "size": JSON,
    },
)
BYTES = st.binary(max_size=60) | (JSON | STATES).map(lambda value: json.dumps(value).encode())


class Saved:
    """Stands in for a model: saving writes what it was given."""

    def __init__(self, content: bytes):
        self.content = content

    def save(self, path):
        path.write_bytes(self.content)


def run_of(path, epochs: int, keep: int) -> RunFolder:
    """A run of so many epochs; the value of each is its distance to the second."""
    folder = RunFolder.create(Path(path) / "run", {})
    for epoch in range(1, epochs + 1):
        folder.finish_epoch(Saved(f"model {epoch}".encode()), epoch, {"loss": 1.0}, abs(epoch - 2), keep=keep)
    return folder


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 3), st.dictionaries(st.integers(0, 12), BYTES | st.none(), max_size=4))
def test_whatever_is_damaged_a_run_goes_on_from_a_whole_checkpoint_or_says_why_not(epochs, keep, damages):
    with tempfile.TemporaryDirectory() as path, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = run_of(path, epochs, keep)
        places = sorted(place for place in folder.path.rglob("*") if place.is_file() and place.name != ".lock")
        for number, content in damages.items():
            place = places[number % len(places)]
            place.unlink(missing_ok=True) if content is None else place.write_bytes(content)
        try:
            folder.recover()
        except InputError as error:
            assert "\n" not in str(error)
            return
        state = folder.state()
        if state is None:  # everything that names a checkpoint is gone
            return
        assert state["epoch"] <= epochs and state["best_epoch"] in (None, 1, 2)
        untouched = folder.checkpoint(state["latest"]).read_bytes() == f"model {state['epoch']}".encode()
        assert untouched or folder.checkpoints.is_whole(state["latest"], state)
        folder.recover()
        assert folder.state() == state  # a second look finds nothing more


@settings(max_examples=200, deadline=None)
@given(STATES)
def test_a_state_never_leads_out_of_the_folder(state):
    found = checked(state)
    if found is not None:
        for name in (found["latest"], found["best"] if found.get("best") else found["latest"]):
            assert Path(name).name == name and name.startswith("epoch-") and name.endswith(".keras")
        assert found["epoch"] >= 0


@settings(max_examples=100, deadline=None)
@given(BYTES, BYTES)
def test_no_record_of_an_interruption_breaks_its_reader(record, content):
    with tempfile.TemporaryDirectory() as path:
        (Path(path) / "interrupted.json").write_bytes(record)
        (Path(path) / "interrupted.keras").write_bytes(content)
        found = Checkpoints(Path(path)).interrupted(1)
        assert found is None or found["step"] > 0


@pytest.mark.parametrize("keep", [1, 2])
def test_checkpoints_do_not_pile_up(tmp_path, keep):
    folder = run_of(tmp_path, 9, keep)
    assert len(list(folder.checkpoint("").glob("*.keras"))) == keep + 1

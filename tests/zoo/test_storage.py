"""Loading: what is no model is refused in one line that says what is wrong."""

import json
import zipfile

import keras
import pytest

import zoo
from keras_textgen.errors import InputError
from zoo.storage import read_config


@pytest.fixture(scope="module")
def good(saved):
    return saved("lstm_vae")


def refused(path, match):
    with pytest.raises(InputError, match=match) as error:
        zoo.load(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_a_model_loads_from_a_path_a_string_and_a_run_folder(good, untraced, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "model.keras").write_bytes(good.read_bytes())
    with untraced():
        texts = [zoo.load(path).generate(2, seed=1) for path in (good, str(good), tmp_path / "run")]
    assert texts[0] == texts[1] == texts[2]


@pytest.mark.parametrize("name", ["lstm_vae", "gan"])
def test_a_model_loaded_without_its_optimizer_has_a_new_one_as_soon_as_it_trains(saved, untraced, corpus, name):
    whole, model = zoo.load(saved(name)), zoo.load(saved(name), compile=False)
    assert int(whole.optimizer.iterations) and not model.optimizer.built
    with untraced():
        assert model.generate(2, seed=1) == whole.generate(2, seed=1)
    model.run_eagerly = True
    model.fit(corpus[:16], batch_size=16, verbose=0)
    counted = 1 + (int(whole.training_steps) if name == "gan" else 0)  # an adversarial model counts its steps itself
    assert int(model.training_steps) == counted
    assert model.optimizer.built and len(model.optimizer.variables) == len(whole.optimizer.variables)


def test_a_missing_file_is_refused(tmp_path):
    refused(tmp_path / "none.keras", "there is no file")


def test_a_folder_without_a_model_is_refused(tmp_path):
    refused(tmp_path, "folder without a model.keras")


def test_a_path_below_a_file_is_refused(good):
    refused(good / "model.keras", "")


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "m.keras").touch()
    refused(tmp_path / "m.keras", "is empty")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(good, tmp_path, share):
    whole = good.read_bytes()
    (tmp_path / "m.keras").write_bytes(whole[: int(len(whole) * share)])
    refused(tmp_path / "m.keras", "truncated")


@pytest.mark.parametrize("content", [b"hello", b"\x89HDF\r\n\x1a\n" + b"\0" * 500, b"PK\x03\x04" + b"\0" * 500])
def test_another_kind_of_file_is_refused(tmp_path, content):
    (tmp_path / "m.keras").write_bytes(content)
    refused(tmp_path / "m.keras", "no .keras file")


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75])
def test_flipped_bytes_are_noticed(good, tmp_path, share):
    content = bytearray(good.read_bytes())
    content[int(len(content) * share)] ^= 0xFF
    (tmp_path / "m.keras").write_bytes(content)
    refused(tmp_path / "m.keras", "damaged|truncated|cannot be loaded")


def test_a_flipped_byte_anywhere_in_the_directory_raises_nothing_else(good, tmp_path):
    content = good.read_bytes()
    with zipfile.ZipFile(good) as archive:
        places = range(archive.start_dir, len(content))
        heads = [place for info in archive.infolist() for place in range(info.header_offset, info.header_offset + 30)]
    path, survived = tmp_path / "m.keras", 0
    for place in [*places, *heads]:
        for flip in (0x01, 0xFF):
            path.write_bytes(content[:place] + bytes([content[place] ^ flip]) + content[place + 1 :])
            try:
                assert read_config(path)["class_name"] == "LSTMVAE"  # a date, for one, may be anything
                survived += 1
            except InputError as error:
                assert "\n" not in str(error)
    assert survived < 2 * len([*places, *heads]) * 0.8


def archive_of(path, **files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_json", ".json"), content)
    return path


def test_an_archive_that_is_no_model_is_refused(tmp_path):
    refused(archive_of(tmp_path / "m.keras", readme="hello"), "no .keras file")
    refused(archive_of(tmp_path / "m.keras", config_json="{"), "no .keras file")
    refused(archive_of(tmp_path / "m.keras", config_json=b"\xff"), "no .keras file")


@pytest.mark.parametrize("config", ["[]", "null", "3", '"text"', "{}", '{"module": 3}'])
def test_a_configuration_that_is_none_is_refused(tmp_path, config):
    refused(archive_of(tmp_path / "m.keras", config_json=config), "")


def test_a_foreign_keras_model_is_refused(tmp_path):
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
    model.save(tmp_path / "m.keras")
    refused(tmp_path / "m.keras", "holds a Sequential, not a model of the zoo")


def test_a_model_of_an_unknown_class_is_refused_and_its_module_not_imported(good, tmp_path, monkeypatch):
    (tmp_path / "planted.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with zipfile.ZipFile(good) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])
    config.update(module="planted", class_name="Planted", registered_name="planted>Planted")
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, content in {**files, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)
    refused(tmp_path / "m.keras", "cannot be loaded")


def test_weights_that_do_not_fit_are_refused(good, tmp_path):
    with zipfile.ZipFile(good) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])
    config["config"]["hidden_dim"] += 1
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, content in {**files, "config.json": json.dumps(config)}.items():
            archive.writestr(name, content)
    refused(tmp_path / "m.keras", "cannot be loaded")


def test_a_file_without_permission_is_refused(good, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # as root nothing is forbidden
    refused(good, "no permission")


def changed(good, path, compression=zipfile.ZIP_STORED, **changes):
    """A copy of a good file with other contents for some of its members, by name."""
    with zipfile.ZipFile(good) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in {**files, **changes}.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name", ["../planted.py", "/etc/planted", "assets/../../planted", "planted.pkl", "assets\\..\\x"]
)
def test_an_archive_with_other_members_is_refused(good, tmp_path, name):
    refused(changed(good, tmp_path / "m.keras", **{name: b"x"}), "it holds ")
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


@pytest.mark.parametrize("member", ["assets/zeros", "config.json"])
def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused_unread(good, tmp_path, member, monkeypatch):
    content = b" " * 300_000_000  # 300 kB when packed
    path = changed(good, tmp_path / "m.keras", zipfile.ZIP_DEFLATED, **{member: content})
    monkeypatch.setattr(zipfile.ZipFile, "testzip", lambda self: pytest.fail("it was unpacked"))
    refused(path, "claims to unpack to 300,")


@pytest.mark.parametrize("config", ["[" * 100_000, '{"a": ' * 100_000, "1" * 10_000, '{"config": 1e999999}'])
def test_json_that_is_made_to_break_its_reader_is_refused(good, tmp_path, config):
    refused(changed(good, tmp_path / "m.keras", **{"config.json": config}), "")


@pytest.mark.parametrize("width", [10**9, 10**30, float("inf")])
def test_a_width_beyond_the_weights_that_are_stored_is_refused_before_they_are_made(good, tmp_path, width):
    config = json.loads(zipfile.ZipFile(good).read("config.json"))
    config["config"]["hidden_dim"] = width
    refused(changed(good, tmp_path / "m.keras", **{"config.json": json.dumps(config)}), "claims a hidden_dim of")


def test_weights_that_lie_in_another_file_are_refused(good, tmp_path):
    import io

    import h5py

    weights = io.BytesIO(zipfile.ZipFile(good).read("model.weights.h5"))
    with h5py.File(weights, "r+") as file:
        path = next(name for name in names_of(file) if name.endswith("vars/0"))
        del file[path]
        file[path] = h5py.ExternalLink(str(good), path)
    changed(good, tmp_path / "m.keras", **{"model.weights.h5": weights.getvalue()})
    refused(tmp_path / "m.keras", "cannot be loaded")


def names_of(file) -> list[str]:
    """The paths of everything in an HDF5 file."""
    found = []
    file.visit(found.append)
    return found


@pytest.mark.parametrize("function", ["os>system", "run", "eval", "builtins.eval"])
def test_a_function_in_a_configuration_is_taken_from_those_that_are_registered_alone(function):
    from keras_textgen.rewards import known_reward

    for module in ("os", "subprocess", "builtins", "planted"):
        config = {"module": module, "class_name": "function", "config": function, "registered_name": function}
        with pytest.raises((TypeError, ValueError)):
            known_reward(config)

"""The registry: names, suggestions, presets, checks of hyper-parameters, models of other packages."""

import importlib.metadata
import inspect
import subprocess
import sys
import textwrap

import pytest

import zoo
from keras_textgen.errors import InputError
from zoo import registry


@pytest.fixture
def empty_registry(monkeypatch):
    """A copy of the registry, thrown away after the test, that looks at other packages anew."""
    monkeypatch.setattr(registry, "_registered", dict(registry._registered))
    registry._from_other_packages.cache_clear()
    yield
    registry._from_other_packages.cache_clear()


def other_package(monkeypatch, *points):
    found = [importlib.metadata.EntryPoint(name, value, registry.ENTRY_POINTS) for name, value in points]
    monkeypatch.setattr(
        importlib.metadata, "entry_points", lambda group: found if group == "keras_textgen.models" else []
    )


def one_line(error) -> bool:
    return "\n" not in str(error.value)


def test_models_are_listed_by_wildcard_in_order():
    names = zoo.list_models()
    assert names == sorted(names) and "lstm_vae" in names
    assert zoo.list_models("lstm*") == [name for name in names if name.startswith("lstm")]
    assert zoo.list_models("lstm_va?") == ["lstm_vae"]
    assert zoo.list_models("none_of_*") == []


def test_every_model_is_described(model_name):
    spec = zoo.spec(model_name)
    assert spec.name == model_name and spec.summary and spec.source
    assert "\n" not in spec.summary + spec.source


def test_an_unknown_model_gets_a_suggestion():
    with pytest.raises(InputError, match="unknown model 'lstm_vea'; did you mean 'lstm_vae'") as error:
        zoo.build("lstm_vea")
    assert one_line(error)


def test_a_model_nothing_is_like_gets_the_list():
    with pytest.raises(InputError, match=r"choose from: .*lstm_vae"):
        zoo.spec("zzzzzz")


def test_every_class_is_imported_from_its_entry_point(model_name):
    from keras_textgen.models.text_model import TextModel

    model = zoo.spec(model_name).load()
    assert issubclass(model, TextModel)
    assert f"{model.__module__}:{model.__name__}" == zoo.spec(model_name).entry_point


def test_hyperparameters_include_those_of_the_base_classes(model_name):
    known = zoo.spec(model_name).hyperparameters
    assert {"vocabulary_size", "sequence_length", "seed"} <= set(known)
    assert not {"tokenizer", "self", "kwargs", "name", "dtype"} & set(known)


def test_hyperparameters_of_variational_models_include_the_bound(variational_name):
    known = set(zoo.spec(variational_name).hyperparameters)
    assert {"latent_dim", "kl_weight", "free_bits", "free_bits_kind", "aggressive", "pretraining_epochs"} <= known


def test_the_class_has_the_last_word_on_a_default():
    own = inspect.signature(zoo.spec("lstm_vae").load()).parameters["kl_weight"].default
    assert zoo.spec("lstm_vae").hyperparameters["kl_weight"].default == own != 1.0  # 1.0 is that of the base


def test_an_unknown_hyperparameter_is_refused_with_a_suggestion(model_name):
    with pytest.raises(InputError, match=f"hyper-parameter of {model_name} 'sequence_lenght'; did you mean") as error:
        zoo.build(model_name, sequence_lenght=3)
    assert one_line(error)


@pytest.mark.parametrize("wrong", ["many", 2.5, True, None, [3]])
def test_a_hyperparameter_of_the_wrong_type_is_refused(model_name, wrong):
    with pytest.raises(InputError, match=f"sequence_length of {model_name} must be of type int") as error:
        zoo.build(model_name, sequence_length=wrong)
    assert one_line(error)


def test_a_value_that_is_none_of_the_named_ones_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match="unknown positions of transformer_lm 'rotaty'; did you mean") as error:
        zoo.build("transformer_lm", positions="rotaty")
    assert one_line(error)


@pytest.mark.parametrize("wrong", [0, 1, -5])
def test_a_hyperparameter_out_of_range_is_refused(model_name, wrong):
    with pytest.raises(InputError, match="sequence_length must be at least 2"):
        zoo.build(model_name, sequence_length=wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"dropout": 1.0}, {"dropout": "much"}, {"dropout": -0.1}, {"free_bits": -1.0}, {"free_bits": float("nan")},
     {"free_bits_kind": "dimensions"}, {"kl_weight": "linaer:3"}, {"bidirectional": 1}, {"latent_dim": 0},
     {"vocabulary_size": 3}, {"embedding_dim": -1}, {"word_dropout": 2.0}, {"seed": 1.5}],
    ids=str,
)  # fmt: skip
def test_wrong_settings_of_the_lstm_vae_are_refused(wrong):
    with pytest.raises(InputError) as error:
        zoo.build("lstm_vae", **wrong)
    assert one_line(error)


@pytest.mark.parametrize(
    "value, expected, answer",
    [
        (3, int, True), (3, float, True), (3.0, float, True), (3.0, int, False), (True, int, False),
        (True, float, False),
        (True, bool, True), (1, bool, False), (None, int | None, True), (3, int | None, True), ("3", int | None, False),
        ("a", str, True), (3, str, False), (True, int | None, False),
    ],
)  # fmt: skip
def test_what_fits_a_type(value, expected, answer):
    assert registry.fits(value, expected) is answer


@pytest.mark.parametrize("expected", ["int", list[int], tuple[int, ...]])
def test_annotations_that_other_packages_may_write_raise_no_error(expected):
    value = 3 if expected == "int" else expected([3])
    assert registry.fits(value, expected) is True


def test_presets_are_hyperparameters_of_their_model(model_name):
    for preset, values in zoo.spec(model_name).presets.items():
        assert set(values) <= set(zoo.spec(model_name).hyperparameters)
        by_preset = zoo.build(model_name, preset=preset).get_config()
        by_hand, default = zoo.build(model_name, **values).get_config(), zoo.build(model_name).get_config()
        assert all(by_preset[key] == by_hand[key] for key in values)
        assert any(by_preset[key] != default[key] for key in values)


def test_keywords_go_over_a_preset():
    assert zoo.list_presets("lstm_vae") == sorted([*zoo.spec("lstm_vae").presets, "reviews"])
    model = zoo.build("lstm_vae", preset="reconstruction", free_bits=0.75)
    assert (model.free_bits, model.dropout) == (0.75, 0.1)


def test_an_unknown_preset_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'reconstruction'"):
        zoo.build("lstm_vae", preset="reconstructing")


def test_a_name_and_a_dtype_go_to_keras(model_name):
    model = zoo.build(model_name, name="mine", dtype="mixed_bfloat16")
    assert model.name == "mine" and model.dtype_policy.name == "mixed_bfloat16"


# Registration


def test_a_registered_model_is_built_by_name(empty_registry):
    zoo.register("my_vae", "keras_textgen.models.lstm_vae:LSTMVAE", presets={"small": {"hidden_dim": 8}})
    assert "my_vae" in zoo.list_models()
    assert zoo.build("my_vae", preset="small").hidden_dim == 8


@pytest.mark.parametrize(
    "name, entry_point, message",
    [
        ("lstm_vae", "a:B", "registered already"),
        ("My", "a:B", "lower-case"),
        ("a-b", "a:B", "lower-case"),
        ("", "a:B", "lower-case"),
        ("good", "module", "module:Class"),
        ("good", ":Class", "module:Class"),
    ],
)
def test_what_cannot_be_registered_is_refused(empty_registry, name, entry_point, message):
    with pytest.raises(InputError, match=message):
        zoo.register(name, entry_point)


@pytest.mark.parametrize(
    "entry_point", ["no_such_module:A", "keras_textgen.text:NoSuch", "keras_textgen.text:as_texts"]
)
def test_an_entry_point_that_is_no_model_is_an_error_when_built(empty_registry, entry_point):
    zoo.register("broken", entry_point)
    with pytest.raises(InputError, match="'broken'") as error:
        zoo.build("broken")
    assert one_line(error)


def test_models_of_other_packages_are_found(empty_registry, monkeypatch):
    other_package(monkeypatch, ("their_vae", "keras_textgen.models.lstm_vae:LSTMVAE"))
    assert "their_vae" in zoo.list_models() and "lstm_vae" in zoo.list_models()
    assert zoo.spec("their_vae").summary == "from keras_textgen.models.lstm_vae"
    assert type(zoo.build("their_vae")) is zoo.spec("lstm_vae").load()


def test_another_package_does_not_replace_a_model_of_the_zoo(empty_registry, monkeypatch):
    other_package(monkeypatch, ("lstm_vae", "evil:Model"))
    with pytest.warns(UserWarning, match="'lstm_vae' of 'evil:Model' is left out"):
        assert zoo.spec("lstm_vae").entry_point.startswith("keras_textgen")


def test_a_broken_package_does_not_keep_the_others_from_working(empty_registry, monkeypatch):
    other_package(monkeypatch, ("their_vae", "no_such_package:Model"))
    assert "lstm_vae" in zoo.list_models()
    with pytest.raises(InputError, match="no_such_package"):
        zoo.build("their_vae")


def test_listing_models_imports_no_tensorflow():
    code = """
        import sys, zoo
        zoo.list_models(), zoo.list_presets("lstm_vae"), zoo.spec("lstm_vae")
        print(sorted({"tensorflow", "keras", "numpy"} & set(sys.modules)))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""Exports: versions that appear whole or not at all, and that answer as the Python model does."""

import os

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import zoo
from keras_textgen.errors import InputError
from keras_textgen.sampling import Options

OPTIONS = {name: value.dtype for name, value in Options.tensors()._asdict().items()}
SIGNATURES = {
    "generate": ({"num": tf.int32, "seed": tf.int64, **OPTIONS}, {"texts": tf.string}),
    "generate_batched": (
        {"seed": tf.int64, "prompt": tf.string, **{name: OPTIONS[name] for name in ("temperature", "top_k", "top_p")}},
        {"texts": tf.string},
    ),
    "encode": ({"texts": tf.string}, {"latents": tf.float32}),  # a Gaussian's scales, too
    "decode": ({"latents": tf.float32}, {"texts": tf.string}),
    "reconstruct": ({"texts": tf.string}, {"texts": tf.string}),
    "interpolate": ({"a": tf.string, "b": tf.string, "steps": tf.int32, "spherical": tf.bool}, {"texts": tf.string}),
    "interpolate_batched": ({"a": tf.string, "b": tf.string}, {"texts": tf.string}),
    "score_batched": ({"texts": tf.string, "seed": tf.int64}, {"log_likelihood": tf.float32}),
    "score": ({"texts": tf.string, "num_samples": tf.int32, "seed": tf.int64}, {"log_likelihood": tf.float32}),
}


@pytest.fixture(scope="session")
def exported(export_of, latest):
    """`exported(name)`: the folder of version 1 of the fitted model, and what TensorFlow loads from it."""
    return latest(lambda name: (export_of(name), tf.saved_model.load(str(export_of(name)))), most=1)


def ask(loaded, signature, **inputs):
    return loaded.signatures[signature](**inputs)


def wish(num, seed, **options):
    """The inputs of `generate`: TensorFlow in Python needs every one, also those that a server may leave out."""
    return dict(num=tf.constant(num), seed=tf.constant(seed, tf.int64), **Options.tensors(**options)._asdict())


def score_inputs(model, **numbers):
    """What `score` takes beside the texts: nothing where the likelihood is exact."""
    numbers = {"num_samples": tf.constant(2), "seed": tf.constant(0, tf.int64), **numbers}
    return {name: value for name, value in numbers.items() if name in model.signatures()["score"].inputs}


def strings(texts):
    return [text.decode("utf-8") for text in np.ravel(texts.numpy())]


def names(folder):
    return sorted(os.listdir(folder))


def test_versions_count_up_and_nothing_else_is_left(fitted, tmp_path):
    model = fitted("lstm_vae")
    places = [zoo.export(model, tmp_path / "a" / "b") for _ in range(3)]
    assert [place.name for place in places] == ["1", "2", "3"]
    assert names(tmp_path / "a" / "b") == ["1", "2", "3", "models.config"]
    assert all((place / "saved_model.pb").is_file() for place in places)


def test_a_version_is_one_over_the_highest_whatever_else_is_there(fitted, tmp_path):
    for name in ("3", "07", "notes", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "12").write_text("a file")
    assert zoo.export(fitted("lstm_vae"), str(tmp_path)).name == "13"
    assert names(tmp_path) == [".hidden", "07", "12", "13", "3", "models.config", "notes"]


@pytest.mark.parametrize(
    "failure, raised",
    [
        (OSError(28, "No space left on device"), InputError),
        (tf.errors.ResourceExhaustedError(None, None, "disk full"), InputError),
        (RuntimeError("a bug"), RuntimeError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_a_failure_while_writing_leaves_nothing(fitted, tmp_path, monkeypatch, failure, raised):
    zoo.export(fitted("lstm_vae"), tmp_path)

    def fail(module, folder, signatures=None, **kwargs):
        os.makedirs(folder)
        (folder / "saved_model.pb").write_text("half of it")
        raise failure

    monkeypatch.setattr(tf.saved_model, "save", fail)
    with pytest.raises(raised) as error:
        zoo.export(fitted("lstm_vae"), tmp_path)
    assert "\n" not in str(error.value)
    assert names(tmp_path) == ["1", "models.config"]


def test_a_race_for_a_number_takes_the_next(fitted, tmp_path, monkeypatch):
    rename, calls = os.rename, []

    def other_export_first(source, target):
        calls.append(target)
        if len(calls) == 1:
            os.makedirs(target / "variables")
        rename(source, target)

    monkeypatch.setattr(os, "rename", other_export_first)
    assert zoo.export(fitted("lstm_vae"), tmp_path).name == "2"
    assert names(tmp_path) == ["1", "2", "models.config"]


def test_a_target_that_cannot_be_written_is_refused(fitted, tmp_path):
    (tmp_path / "file").touch()
    for target in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="cannot be written") as error:
            zoo.export(fitted("lstm_vae"), target)
        assert "\n" not in str(error.value)


def test_a_read_only_target_is_refused(fitted, tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")  # as root nothing is forbidden

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        zoo.export(fitted("lstm_vae"), tmp_path)
    assert names(tmp_path) == []


def test_a_model_without_vocabulary_is_refused(model_name, tmp_path):
    with pytest.raises(InputError, match="no vocabulary yet"):
        zoo.export(zoo.build(model_name), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_other_accounts_may_read_an_export(exported):
    folder, _ = exported("lstm_vae")
    assert folder.stat().st_mode & 0o055 == 0o055


# Answers


def test_signatures_take_and_give_named_tensors_of_fixed_types(fitted, exported, model_name):
    model, (_, loaded) = fitted(model_name), exported(model_name)
    assert set(loaded.signatures) == {"serving_default", *model.signatures()}
    for name in model.signatures():
        takes, gives = SIGNATURES[name]
        if name == "score" and not hasattr(model, "encode"):  # it is exact
            takes = {"texts": tf.string}
        signature = loaded.signatures[name]
        assert {key: spec.dtype for key, spec in signature.structured_input_signature[1].items()} == takes
        found = {key: spec.dtype for key, spec in signature.structured_outputs.items() if key != "scales"}
        assert found == gives


def test_every_verb_of_a_model_is_a_signature(fitted, model_name):
    model = fitted(model_name)
    verbs = {verb for verb in SIGNATURES if callable(getattr(model, verb, None))}
    assert {name.removesuffix("_batched") for name in model.signatures()} == verbs


def test_what_a_server_may_leave_out_has_the_defaults_of_python(exported, model_name):
    folder, _ = exported(model_name)
    definitions = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    signatures = definitions.meta_graphs[0].signature_def
    for name in signatures:
        defaults = {key: tf.make_ndarray(value) for key, value in signatures[name].defaults.items()}
        if name not in ("generate", "serving_default"):
            assert name == "__saved_model_init_op" or not defaults
            continue
        expected = {key: value.numpy() for key, value in Options.tensors()._asdict().items()}
        assert set(defaults) == set(expected)
        for key, value in expected.items():
            assert defaults[key].shape == value.shape and defaults[key].tolist() == value.tolist(), key


def is_batched(function):
    """Whether all inputs and outputs share their first dimension, so that a server may put requests together."""
    specs = [*function.structured_input_signature[1].values(), *function.structured_outputs.values()]
    return all(spec.shape.rank and spec.shape[0] is None for spec in specs)


def test_every_signature_has_a_form_that_a_server_can_batch(exported, model_name):
    _, loaded = exported(model_name)
    for name, function in loaded.signatures.items():
        if name == "serving_default":
            continue
        if name.endswith("_batched"):
            assert is_batched(function), name
        else:
            assert is_batched(function) != (f"{name}_batched" in loaded.signatures), name


def test_each_text_of_a_batch_is_that_of_its_own_seed_and_options(fitted, exported, model_name):
    model, (_, loaded) = fitted(model_name), exported(model_name)
    rows = [
        (3, 1.0, 0, 1.0, ""),
        (3, 0.0, 0, 1.0, ""),
        (4, 0.7, 5, 1.0, "the cat"),
        (-9, 1.3, 0, 0.8, ""),
        (3, 1, 2, 0.5, "it"),
    ]
    columns = zip(("seed", "temperature", "top_k", "top_p", "prompt"), zip(*rows, strict=True), strict=True)
    inputs = {name: tf.constant(column, SIGNATURES["generate_batched"][0][name]) for name, column in columns}
    texts = strings(ask(loaded, "generate_batched", **inputs)["texts"])
    for text, (seed, temperature, top_k, top_p, prompt) in zip(texts, rows, strict=True):
        options = dict(temperature=temperature, top_k=top_k, top_p=top_p, prompt=prompt)
        assert [text] == model.generate(1, seed=seed, **options), options


def test_batches_score_and_interpolate_as_python_does(fitted, exported, variational_name, corpus):
    model, (_, loaded) = fitted(variational_name), exported(variational_name)
    answer = ask(loaded, "score_batched", texts=tf.constant(corpus[:3]), seed=tf.constant([0, 5, 5], tf.int64))
    expected = [
        model.score([text], num_samples=100, seed=seed)[0] for text, seed in zip(corpus[:3], (0, 5, 5), strict=True)
    ]
    np.testing.assert_allclose(answer["log_likelihood"], expected, rtol=1e-4)
    texts = ask(loaded, "interpolate_batched", a=tf.constant(corpus[:2]), b=tf.constant(corpus[-2:]))["texts"]
    assert strings(texts) == [text for path in model.interpolate(corpus[:2], corpus[-2:], 5) for text in path]


WISHES = [
    {},
    {"temperature": 0.5},
    {"temperature": 0.0},
    {"top_k": 9, "top_p": 0.9, "typical_p": 0.8, "repetition_penalty": 1.3, "min_length": 4, "max_length": 8},
    {"num_beams": 3, "num_best": 2, "length_penalty": 0.5, "banned": ["the", "."]},
    {"num_beams": 2, "prompt": ["The old horse,"], "repetition_penalty": 1.3},
    {"prompt": ["the cat", "", "a zebra", "it", "a " * 30, "our", "dog"], "banned": ["sat"]},
]


def test_an_export_writes_what_python_writes(fitted, exported, model_name):
    model, (_, loaded) = fitted(model_name), exported(model_name)
    for options in WISHES:
        texts = strings(ask(loaded, "generate", **wish(7, 11, **options))["texts"])
        strategy = "beam" if "num_beams" in options else "sample"
        assert texts == model.generate(7, seed=11, strategy=strategy, **options), options
    assert strings(ask(loaded, "serving_default", **wish(7, 11))["texts"]) == model.generate(7, seed=11)


def test_an_export_scores_as_python_does(fitted, exported, likelihood_name, corpus):
    model, (_, loaded) = fitted(likelihood_name), exported(likelihood_name)
    numbers = score_inputs(model, num_samples=tf.constant(20), seed=tf.constant(3, tf.int64))
    answer = ask(loaded, "score", texts=tf.constant(corpus[:9]), **numbers)
    expected = model.score(corpus[:9], **{name: int(value) for name, value in numbers.items()})
    np.testing.assert_allclose(answer["log_likelihood"], expected, rtol=1e-5)


def test_an_export_encodes_decodes_and_reconstructs_as_python_does(fitted, exported, latent_name, corpus):
    model, (_, loaded) = fitted(latent_name), exported(latent_name)
    latents = ask(loaded, "encode", texts=tf.constant(corpus))["latents"]
    np.testing.assert_allclose(latents, model.encode(corpus), rtol=1e-5, atol=1e-6)
    z = np.random.default_rng(0).normal(size=[9, *model.latent_shape]).astype(np.float32)
    assert strings(ask(loaded, "decode", latents=tf.constant(z))["texts"]) == model.decode(z)
    assert strings(ask(loaded, "reconstruct", texts=tf.constant(corpus))["texts"]) == model.reconstruct(corpus)


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_an_export_interpolates_as_python_does(fitted, exported, latent_name, corpus, method):
    model, (_, loaded) = fitted(latent_name), exported(latent_name)
    a, b = corpus[:2], corpus[-2:]
    texts = ask(
        loaded, "interpolate", a=tf.constant(a), b=tf.constant(b), steps=tf.constant(4),
        spherical=tf.constant(method == "spherical"),
    )["texts"]  # fmt: skip
    assert texts.shape == (2, 4)
    assert strings(texts) == [text for path in model.interpolate(a, b, 4, method=method) for text in path]


ODD = [b"", b"  ", b"zebra xylophone", b"the \xff\xfe cat", b"\xe4\xb8", b"<pad> </s> <s> <unk>", b"the cat " * 99]


@pytest.mark.parametrize("texts", [[text] for text in ODD] + [ODD], ids=lambda texts: str(texts)[:30])
def test_odd_texts_get_an_answer_in_valid_utf8(fitted, exported, model_name, texts):
    model, (_, loaded) = fitted(model_name), exported(model_name)
    if "encode" in loaded.signatures:
        answer = ask(loaded, "encode", texts=tf.constant(texts))
        assert all(np.isfinite(values).all() for values in answer.values())
        assert len(strings(ask(loaded, "reconstruct", texts=tf.constant(texts))["texts"])) == len(texts)
    if "score" in loaded.signatures:
        scores = ask(loaded, "score", texts=tf.constant(texts), **score_inputs(model))
        assert np.isfinite(scores["log_likelihood"]).all()
    for beams in (1, 2):
        odd = wish(len(texts), 3, prompt=texts, banned=texts, num_beams=beams)
        assert len(strings(ask(loaded, "generate", **odd)["texts"])) == len(texts)


@pytest.mark.parametrize("kind", ["characters", "bytes"])
def test_odd_texts_get_valid_utf8_from_other_tokenizers(build_tiny, corpus, tmp_path, kind):
    model = build_tiny("lstm_vae", tokenizer=kind, texts=corpus)
    loaded = tf.saved_model.load(str(zoo.export(model, tmp_path)))
    for texts in (ODD, [b""], [b"\xff"]):
        assert len(strings(ask(loaded, "reconstruct", texts=tf.constant(texts))["texts"])) == len(texts)
    assert strings(ask(loaded, "generate", **wish(20, 1))["texts"]) == model.generate(20, seed=1)


def test_no_texts_get_no_answer(exported, model_name):
    _, loaded = exported(model_name)
    for beams in (1, 2):
        assert strings(ask(loaded, "generate", **wish(0, 1, num_beams=beams))["texts"]) == []


def test_an_export_holds_each_weight_once(fitted, exported, model_name):
    folder, _ = exported(model_name)
    stored = sum(path.stat().st_size for path in (folder / "variables").iterdir())
    needed = sum(int(np.prod(weight.shape)) * 4 for weight in fitted(model_name).weights)
    assert stored < 1.5 * needed + 10_000


PLAIN = """
    import json, sys
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    def answer(folder):
        with open(folder + "/saved_model.pb", "rb") as file:
            signature = saved_model_pb2.SavedModel.FromString(file.read()).meta_graphs[0].signature_def["generate"]
        inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in signature.defaults.items()}
        inputs |= dict(num=tf.constant(5), seed=tf.constant(8, tf.int64))
        texts = tf.saved_model.load(folder).signatures["generate"](**inputs)["texts"].numpy().tolist()
        assert "keras_textgen" not in sys.modules
        return [text.decode() for text in texts]
"""


def test_a_process_with_plain_tensorflow_writes_the_same_texts(fitted, exported, process_of, model_name):
    folder, _ = exported(model_name)
    assert process_of(PLAIN).ask(folder=str(folder)) == fitted(model_name).generate(5, seed=8)

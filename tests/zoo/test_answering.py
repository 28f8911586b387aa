"""TensorFlow's C library alone, the code that a server runs, answers what Python does."""

import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen.errors import InputError
from zoo.audit import warm_up
from zoo.audit.answering import NoAnswer, answers, installed_libraries

pytestmark = pytest.mark.skipif(
    not (installed_libraries() / "libtensorflow_cc.so.2").is_file(), reason="this TensorFlow has no C++ library"
)
VALUES = {"num": 4, "seed": 3, "steps": 3, "num_samples": 2, "spherical": True, "temperature": 0.9, "top_k": 9}
WISHES = [
    {"temperature": 0.8, "top_k": 20, "top_p": 0.95, "typical_p": 0.9, "min_length": 2, "banned": ["the", "."]},
    {"num_beams": 3, "num_best": 2, "prompt": ["the cat", "", "it", "a zebra"], "repetition_penalty": 1.3},
]


def example(name, spec, corpus):
    """Three rows, or one value, of what an input may be."""
    if spec.dtype == tf.string:
        return corpus[7:10]
    if spec.shape.rank == 0:
        return VALUES[name]
    if name in ("latents", "top_p"):
        return np.random.default_rng(0).uniform(0.2, 1.0, [3, *spec.shape[1:]])
    return [VALUES[name] + row for row in range(3)]


def requests(model, corpus) -> list[tuple[str, dict]]:
    """Every signature once, those with options again with some of them; options left out have their defaults."""
    found = []
    for name, signature in model.signatures().items():
        inputs = {key: example(key, spec, corpus) for key, spec in signature.inputs.items()}
        found += [(name, inputs), *((name, inputs | wish) for wish in (WISHES if signature.options else []))]
    return found


def by_python(model, name, inputs):
    """What a model's function answers."""
    signature = model.signatures()[name]
    given = [tf.cast(inputs[key], spec.dtype) for key, spec in signature.inputs.items()]
    given += [tf.constant(inputs[key]) for key in model.attributes.values if signature.takes_attributes]
    options = [
        tf.constant(inputs[key], value.dtype) if key in inputs else value for key, value in signature.options.items()
    ]
    return {key: tensor.numpy() for key, tensor in model.functions[name](*given, *options).items()}


def own_requests(folder) -> list[tuple[str, dict]]:
    """Those that a server warms up with: every signature of the export once or twice."""
    found = warm_up.requests(folder)
    return [(name, {key: tf.make_ndarray(value) for key, value in inputs.items()}) for name, inputs in found]


def test_every_signature_answers_as_in_python(fitted, export_of, corpus, model_name):
    model, folder = fitted(model_name), export_of(model_name)
    default = ("serving_default", {"num": 2, "seed": 5})
    by_default = compare(model, folder, [*requests(model, corpus), *own_requests(folder)], [default])
    assert [text.decode() for text in by_default[0]["texts"]] == model.generate(2, seed=5)


def test_what_is_told_attributes_answers_as_in_python(build_tiny, corpus, tmp_path):
    values = {"mark": ["calm", "loud"], "size": ["large", "small", "tiny"]}
    model = build_tiny("lstm_vae", texts=corpus, attributes=values)
    folder = zoo.export(model, tmp_path)
    assert "| attribute `size` | large, small, tiny |" in (folder / "README.md").read_text()
    told = {"mark": ["loud"] * 2, "size": ["tiny", "small"]}
    wish = {"num": 2, "seed": 5, **told}
    others = [
        ("generate", wish),
        ("attributes", {"names": ["size", "mark"]}),
        ("generate", {**wish, "mark": ["laud"]}),
        ("attributes", {"names": ["sise"]}),
    ]
    found, known, refused, unknown = compare(model, folder, own_requests(folder), others)
    assert [text.decode() for text in found["texts"]] == model.generate(2, seed=5, attributes=told)
    assert known["values"].tolist() == [[b"large", b"small", b"tiny"], [b"calm", b"loud", b""]]
    assert refusal(refused) == "unknown mark; choose from: calm, loud laud"
    assert refusal(unknown) == "unknown attribute; choose from: mark, size sise"


def compare(model, folder, asked, others) -> list:
    """All signatures of a model are asked, and the C library answers as Python does; its answers to `others`."""
    assert {name for name, _ in asked} == set(model.signatures())
    found = answers(folder, [*asked, *others])
    for (name, inputs), answer in zip(asked, found, strict=False):
        assert not isinstance(answer, NoAnswer), (name, answer)
        expected = by_python(model, name, inputs)
        assert set(answer) == set(expected)
        for key, value in expected.items():
            assert answer[key].shape == value.shape
            if value.dtype == object:
                assert answer[key].tolist() == value.tolist(), name
            else:
                np.testing.assert_allclose(answer[key], value, rtol=1e-5, atol=1e-5, err_msg=name)
    return found[len(asked) :]


REFUSED = [
    {"temperature": -1.0},
    {"temperature": 1001.0},
    {"top_k": -1},
    {"top_p": 0.0},
    {"top_p": 1.5},
    {"typical_p": -0.5},
    {"num_beams": 0},
    {"num_beams": 1001},
    {"num_best": 0},
    {"length_penalty": 11.0, "num_beams": 2},
    {"repetition_penalty": 0.5},
    {"min_length": 0},
    {"min_length": 13},
    {"max_length": 13},
    {"max_length": -1},
    {"num": -1},
]
REFUSED_OTHERWISE = {
    "min_length is over max_length: 5 4": {"min_length": 5, "max_length": 4},
    "num_best is over num_beams: 3 2": {"num_best": 3, "num_beams": 2},
    "prompts and texts must be as many, not 2 4": {"prompt": ["a", "b"]},
    "num times num_beams must be at most 10000, not 2147483647": {"num": 2**31 - 1},
    "num times num_beams must be at most 10000, not 10002": {"num": 5001, "num_beams": 2},
    "temperature must be at least 0, not nan": {"temperature": np.nan},
}


def refusal(answer) -> str:
    """What a graph said: the message and the values stand in brackets."""
    assert isinstance(answer, NoAnswer), answer
    return " ".join(re.findall(r"\[(.*?)\]", str(answer).partition("\n")[0].partition("assertion failed: ")[2]))


def test_options_out_of_range_are_refused_without_python(fitted, export_of):
    model = fitted("ngram_lm")
    wishes = [*REFUSED, *REFUSED_OTHERWISE.values()]
    found = answers(export_of("ngram_lm"), [("generate", {"num": 4, "seed": 1, **wish}) for wish in wishes])
    for wish, answer in zip(REFUSED, found, strict=False):
        with pytest.raises(InputError) as error:
            model.generate(**{"num": 4, "seed": 1, "strategy": "beam" if "num_beams" in wish else "sample", **wish})
        assert refusal(answer) == str(error.value).replace(".0", "")
    for message, answer in zip(REFUSED_OTHERWISE, found[len(REFUSED) :], strict=True):
        assert refusal(answer) == message


def test_other_numbers_are_refused_without_python(fitted, export_of, corpus):
    model, path = fitted("lstm_vae"), {"a": corpus[:2], "b": corpus[:2], "steps": 3, "spherical": False}
    wrong = {
        "steps must be at least 2, not 1": ("interpolate", {**path, "steps": 1}),
        "a and b must be as many texts, not 2 3": ("interpolate", {**path, "b": corpus[:3]}),
        "texts times steps must be at most 10000, not 10002": ("interpolate", {**path, "steps": 5001}),
        "num_samples must be at least 1, not 0": ("score", {"texts": corpus[:2], "num_samples": 0, "seed": 1}),
    }
    for message, answer in zip(wrong, answers(export_of("lstm_vae"), list(wrong.values())), strict=True):
        assert refusal(answer) == message
    with pytest.raises(InputError, match="texts times steps must be at most 10000, not 10002"):
        model.interpolate(corpus[:2], corpus[:2], 5001)


def test_a_row_of_a_batch_out_of_range_is_the_nearest_that_is_allowed(fitted, export_of):
    """It must not fail those of other clients."""
    model = fitted("lstm_vae")
    rows = [(0.8, 3, 0.9), (-1.0, 0, 1.0), (1.0, -5, 1.0), (1.0, 0, 0.0), (1.0, 0, 7.0)]
    allowed = [(0.8, 3, 0.9), (0.0, 0, 1.0), (1.0, 0, 1.0), (1.0, 0, 1e-6), (1.0, 0, 1.0)]
    columns = dict(zip(("temperature", "top_k", "top_p"), zip(*rows, strict=True), strict=True))
    asked = {"seed": [2] * len(rows), "prompt": [""] * len(rows), **columns}
    (answer,) = answers(export_of("lstm_vae"), [("generate_batched", asked)])
    expected = [
        model.generate(1, seed=2, temperature=heat, top_k=top_k, top_p=top_p)[0] for heat, top_k, top_p in allowed
    ]
    assert [text.decode() for text in answer["texts"]] == expected


def save(folder, function, *specs):
    module = tf.Module()
    module.function = tf.function(function, input_signature=specs, autograph=False)
    tf.saved_model.save(module, folder, {"serving_default": module.function})
    return folder


def test_every_kind_of_tensor_goes_in_and_comes_out(tmp_path):
    kinds = [tf.float32, tf.float64, tf.int32, tf.int64, tf.bool, tf.string]
    names = [kind.name for kind in kinds]
    folder = save(
        tmp_path / "1",
        lambda *values: dict(zip(names, map(tf.identity, values), strict=True)),
        *(tf.TensorSpec(None if kind == tf.bool else [None, 2], kind, kind.name) for kind in kinds),
    )
    given = {
        "float32": [[1.5, np.nan], [-np.inf, 1e-30]], "float64": [[np.pi, 1e300]], "int32": np.zeros([0, 2]),
        "int64": [[2**62, -1]], "bool": True, "string": [[b"", b"\xff\x00 \xe4"], ["ä", "a text longer than 24 bytes"]],
    }  # fmt: skip
    (answer,) = answers(tmp_path, [("serving_default", given)])
    assert answer.pop("string").tolist() == [[b"", b"\xff\x00 \xe4"], ["ä".encode(), b"a text longer than 24 bytes"]]
    assert folder.name == "1"
    for name, value in answer.items():
        np.testing.assert_array_equal(value, np.asarray(given[name], value.dtype))
        assert value.dtype == name


@pytest.mark.parametrize(
    "function, message",
    [
        (lambda x: tf.py_function(lambda x: x, [x], tf.float32), "EagerPyFunc"),
        (tf.function(lambda x: x + 1, jit_compile=True), "XLA"),
    ],
    ids=["python", "compiled"],
)
def test_what_a_server_cannot_run_is_refused(tmp_path, function, message):
    save(tmp_path / "1", lambda x: {"y": function(x)}, tf.TensorSpec([None], name="x"))
    (answer,) = answers(tmp_path, [("serving_default", {"x": [1.0]})])
    assert isinstance(answer, NoAnswer) and message in str(answer)


def test_text_ops_need_their_libraries(tmp_path):
    """Hence `allow_text_ops`: a server answers only if it links them."""
    import tensorflow_text

    tokens = lambda x: {"y": tensorflow_text.WhitespaceTokenizer().tokenize(x).to_tensor()}  # noqa: E731
    save(tmp_path / "1", tokens, tf.TensorSpec([None], tf.string, name="x"))
    asked = [("serving_default", {"x": ["the old  horse", "it"]})]
    with pytest.raises(NoAnswer, match="WhitespaceTokenize"):
        answers(tmp_path, asked)
    libraries = sorted(Path(tensorflow_text.__file__).parent.glob("python/ops/_whitespace*.so"))
    (answer,) = answers(tmp_path, asked, more_ops=libraries)
    assert answer["y"].tolist() == [[b"the", b"old", b"horse"], [b"it", b"", b""]]


def test_a_wrong_request_gets_one_line(export_of, tmp_path):
    folder = export_of("ngram_lm")
    wrong = {
        "no signature 'write'": [("write", {})],
        "see to seed$": [("generate", {"num": 1})],
        "see to temprature$": [("generate", {"num": 1, "seed": 1, "temprature": 1.0})],
    }
    for message, asked in wrong.items():
        with pytest.raises(InputError, match=message):
            answers(folder, asked)
    with pytest.raises(InputError, match="no libtensorflow_cc"):
        answers(folder, [], libraries=tmp_path)
    with pytest.raises(InputError, match="is empty"):
        answers(tmp_path, [])

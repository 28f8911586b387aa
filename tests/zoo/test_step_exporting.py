"""The step of a model as LiteRT and ONNX: what is written by the files is what the model writes."""

import contextlib
import io
import json
import sys

import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen import sampling
from keras_textgen.errors import InputError
from keras_textgen.text import END, PADDING, START, UNKNOWN
from zoo.step_formats import FORMATS
from zoo.step_functions import StepFunctions


def installed() -> list[str]:
    """The formats whose packages are there; the test is skipped if there are none."""
    found = []
    for form, writer in FORMATS.items():
        with contextlib.suppress(ImportError):
            writer.require()
            found.append(form)
    return found or pytest.skip("neither ai-edge-litert nor tf2onnx and onnxruntime are installed")


def likeliest(model, folder, form, **given):
    """Two texts that the files of a folder write, the likeliest token at every step."""
    found = FORMATS[form].load(folder)
    state, token, written = found["start"](**given), np.full(2, START, np.int32), []
    for _ in range(model.sequence_length):
        answer = found["step"](tokens=token, **state)
        logits = np.array(answer.pop("logits"))
        logits[:, [PADDING, START, UNKNOWN, *([END] if not written else [])]] = -np.inf
        token = logits.argmax(axis=1).astype(np.int32)
        written.append(token)
        state = {name.removeprefix("next_"): value for name, value in answer.items()}
    return [text.decode() for text in model.tokenizer.detokenize(np.stack(written, axis=1)).numpy()]


def latents_of(model, seed):
    """What two texts of a seed are written from, as `start` takes it."""
    drawn = model.draw(sampling.row_seeds(seed, tf.range(2), stream=0))
    return {} if drawn is None else {"latents": drawn.numpy()}


def test_the_files_write_what_the_model_writes(fitted, model_name, tmp_path, capfd):
    model = fitted(model_name)
    for form in installed():
        if model_name == "ngram_lm":
            with pytest.raises(InputError, match=r"has no operation \w+, so it cannot have the step of NGramLM"):
                zoo.export_step(model, tmp_path / form, form)
            assert not list(tmp_path.iterdir())
            continue
        folder = zoo.export_step(model, tmp_path / form, form, batch_size=2)
        assert capfd.readouterr() == ("", "")  # converters are talkative
        expected = model.generate(2, seed=3, strategy="greedy", min_length=2)
        assert likeliest(model, folder, form, **latents_of(model, 3)) == expected


def test_attributes_are_numbers_and_the_loop_on_the_card_writes(build_tiny, corpus, tmp_path, monkeypatch):
    values = {"mark": ["calm", "loud"], "size": ["large", "small", "tiny"]}
    model = build_tiny("lstm_vae", texts=corpus, attributes=values)
    told = {"mark": ["loud", "calm"], "size": ["large", "tiny"]}
    given = {"attributes": np.array([[1, 0], [0, 2]], np.int32), **latents_of(model, 0)}
    expected = model.generate(2, seed=0, strategy="greedy", min_length=2, attributes=told)
    for form in installed():
        folder = zoo.export_step(model, tmp_path / form, form, batch_size=2)
        assert likeliest(model, folder, form, **given) == expected
        card = (folder / "README.md").read_text()
        assert "`attributes[:, 1]`: size: 0 large, 1 small, 2 tiny." in card
        loop = card.split("```python\n")[1].split("```")[0]
        monkeypatch.chdir(folder)
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            exec(loop, {})
        lines = shown.getvalue().splitlines()
        assert len(lines) == 2 and {word for line in lines for word in line.split()} <= set(model.tokenizer.vocabulary)
        known = json.loads((folder / "tokens.json").read_text())
        assert known == ["<pad>", "<s>", "</s>", "<unk>", *model.tokenizer.vocabulary]


def test_half_precision_becomes_single(build_tiny, corpus):
    model = build_tiny("lstm_lm", texts=corpus, dtype="mixed_bfloat16")
    whole = StepFunctions(model, 2).model
    assert (model.compute_dtype, whole.compute_dtype) == ("bfloat16", "float32")
    for ours, theirs in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert StepFunctions(whole, 2).model is whole


@pytest.fixture
def one_format(monkeypatch):
    """A format that is always there, and writes nothing."""

    def write(functions, folder):
        (folder / "step").write_text("half of it")

    monkeypatch.setattr(FORMATS["onnx"], "require", lambda: None)
    monkeypatch.setattr(FORMATS["onnx"], "write", write)
    return FORMATS["onnx"]


def test_files_that_answer_otherwise_are_not_left(build_tiny, corpus, tmp_path, one_format, monkeypatch):
    model = build_tiny("lstm_lm", texts=corpus)
    functions = StepFunctions(model, 1)

    def ask(name, change, **inputs):
        values = [inputs[key] for key in functions.inputs[name]]
        answer = {key: value.numpy() for key, value in functions.functions[name](*values).items()}
        return change(answer) if name == "step" else answer

    def loading(change):
        ways = {name: lambda name=name, **inputs: ask(name, change, **inputs) for name in ("start", "step")}
        monkeypatch.setattr(one_format, "load", lambda folder: ways)

    wrong = [
        lambda answer: {**answer, "logits": answer["logits"] + 0.01},
        lambda answer: {**answer, "next_state_0": answer["next_state_0"] * np.nan},
        lambda answer: {**answer, "logits": answer["logits"][:, 1:]},
    ]
    for change in wrong:
        loading(change)
        with pytest.raises(InputError, match="ONNX computes the step of LSTMLM otherwise"):
            zoo.export_step(model, tmp_path / "new", "onnx")
        assert not list(tmp_path.iterdir())
    loading(lambda answer: answer)
    assert zoo.export_step(model, tmp_path / "below" / "new", "onnx").stat().st_mode & 0o055 == 0o055


def test_what_cannot_be_written_is_refused_in_a_line(fitted, tmp_path, one_format, monkeypatch):
    model = fitted("lstm_lm")
    (tmp_path / "file").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "step.onnx").touch()
    refused = {
        "is there already; name a new folder": [(model, "full", "onnx"), (model, "file", "onnx")],
        "cannot be written": [(model, "file/below", "onnx")],
        "unknown format of a step 'litrt'; did you mean 'litert'": [(model, "new", "litrt")],
        "no vocabulary yet": [(zoo.build("lstm_lm"), "new", "onnx")],
    }
    for message, cases in refused.items():
        for given, place, form in cases:
            with pytest.raises(InputError, match=message) as error:
                zoo.export_step(given, tmp_path / place, form)
            assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="batch_size must be at least 1, not 0"):
        zoo.export_step(model, tmp_path / "new", "onnx", batch_size=0)
    monkeypatch.setattr(one_format, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        zoo.export_step(model, tmp_path / "new", "onnx")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]


def test_a_missing_package_is_named(fitted, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(InputError, match=r'ai_edge_litert is missing: pip install "keras-textgen\[litert\]"'):
        zoo.export_step(fitted("lstm_lm"), tmp_path / "new", "litert")

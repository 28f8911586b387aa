"""The audit of an export: every model of the zoo passes, and every planted fault is found and named in a line."""

import json
import re
import shutil

import keras
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2
from typer.testing import CliRunner

import zoo
from keras_textgen.errors import InputError
from training.cli import app
from zoo.audit import op_lists, warm_up

NUMBERS = tf.TensorSpec([None], tf.float32, name="x")
TEXTS = tf.TensorSpec([None], tf.string, name="x")


def test_every_model_passes(fitted, export_of, model_name):
    report = zoo.check_export(export_of(model_name))
    assert report.problems == []
    assert report.tensorflow == tf.__version__
    signatures = fitted(model_name).signatures()
    assert set(report.signatures) == {"serving_default", *signatures}
    for name, signature in signatures.items():
        found = report.signatures[name].inputs
        assert set(found) == {*signature.inputs, *signature.options}
        for key, spec in signature.inputs.items():
            assert (found[key].dtype, found[key].shape) == (spec.dtype.name, spec.shape.as_list()), key
            assert found[key].default is None
        for key, value in signature.options.items():
            default = [text.decode() for text in value.numpy()] if value.dtype == tf.string else value.numpy().item()
            assert found[key].default == default, key
        assert report.signatures[name].outputs


def save(folder, function, spec=NUMBERS):
    """An export of one function."""
    module = tf.Module()
    module.function = tf.function(function, input_signature=[spec], autograph=False)
    tf.saved_model.save(module, folder, {"serving_default": module.function})
    return folder


def on_gpu(x):
    with tf.device("/device:GPU:0"):
        return {"y": x + 1}


def words(x):
    from tensorflow_text import WhitespaceTokenizer

    return {"y": WhitespaceTokenizer().tokenize(x).to_tensor()}


FAULTS = {
    "python": (
        lambda x: {"y": tf.py_function(lambda x: x, [x], tf.float32)}, NUMBERS,
        [r"op EagerPyFunc calls Python.* in function __inference_\S+; write it with TensorFlow's own ops"],
    ),
    "numpy": (lambda x: {"y": tf.numpy_function(lambda x: x, [x], tf.float32)}, NUMBERS, ["op PyFunc calls Python"]),
    "compiled": (
        tf.function(lambda x: {"y": x + 1}, jit_compile=True), NUMBERS,
        [r"must be compiled by XLA .* in function __inference_\S*\d+.*; export it without jit_compile"],
    ),
    "xla": (
        lambda x: {"y": keras.ops.slice_update(x, [0], x[:1])}, NUMBERS,
        [r"op XlaDynamicUpdateSlice needs XLA.* in function \S+; write it with core ops"],
    ),
    "ragged": (
        lambda x: {"y": tf.strings.split(x)}, TEXTS,
        ["output 'y' is a ragged, .* in signature 'serving_default'; make it dense"],
    ),
    "device": (
        on_gpu, NUMBERS,
        [r"code is pinned to /device:GPU:0 in function \S+ \(2 nodes\); export it without tf.device"],
    ),
    "rank": (
        lambda x: {"y": x + 1}, tf.TensorSpec(None, tf.float32, name="x"),
        ["input 'x' has an unknown number of axes in signature 'serving_default'; export with a tf.TensorSpec"],
    ),
    "text": (words, TEXTS, [r"op TFText>WhitespaceTokenize\S+ is tensorflow-text's.* in function \S+; allow text ops"]),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(tmp_path, fault):
    function, spec, lines = FAULTS[fault]
    problems = zoo.check_export(save(tmp_path / "1", function, spec)).problems
    assert len(problems) == len(lines)
    for problem, line in zip(problems, lines, strict=True):
        assert "\n" not in problem and re.search(line, problem), problem


def test_text_ops_pass_where_they_are_allowed(tmp_path):
    assert zoo.check_export(save(tmp_path / "1", words, TEXTS), allow_text_ops=True).problems == []


@pytest.fixture
def changed(export_of, tmp_path):
    """`changed(change)`: the problems of a copy of an export after `change(meta_graph)`."""

    def problems(change):
        folder = tmp_path / "1"
        shutil.copytree(export_of("lstm_lm"), folder)
        saved_model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
        change(saved_model.meta_graphs[0])
        (folder / "saved_model.pb").write_bytes(saved_model.SerializeToString())
        return zoo.check_export(tmp_path).problems

    return problems


def nodes_of(meta_graph, op):
    return [node for function in meta_graph.graph_def.library.function for node in function.node_def if node.op == op]


def test_an_unknown_op_is_found(changed):
    def change(meta_graph):
        for node in nodes_of(meta_graph, "MatMul"):
            node.op = "MatMulOfTomorrow"

    (problem,) = changed(change)
    # Which of its functions comes first is TensorFlow's choice.
    assert re.match(
        r"op MatMulOfTomorrow is unknown to TensorFlow 2\.20 and 2\.21 in function (__inference|while)_", problem
    )


def test_an_op_of_one_version_is_found(changed):
    def change(meta_graph):
        meta_graph.graph_def.node[0].op = "DecodeJxl"

    (problem,) = changed(change)
    assert problem.startswith("op DecodeJxl is unknown to TensorFlow 2.20 in the main graph; ")


def test_an_op_without_a_kernel_for_the_cpu_is_found(changed):
    def change(meta_graph):
        meta_graph.graph_def.node[0].op = "CudnnRNN"

    assert changed(change)[0].startswith("op CudnnRNN has no kernel for a CPU in TensorFlow 2.20 and 2.21 in the main ")


@pytest.mark.parametrize("value, found", [(tf.int32, False), (tf.int64, True)])
def test_an_attribute_of_one_version_may_only_hold_its_default(changed, value, found):
    def change(meta_graph):
        for node in nodes_of(meta_graph, "TensorListGetItem"):
            node.attr["Tshape"].type = value.as_datatype_enum
            node.attr["_a_note"].b = True

    problems = changed(change)
    assert len(problems) == found
    for problem in problems:
        assert problem.startswith("attribute Tshape of op TensorListGetItem is unknown to TensorFlow 2.20 in function ")


def test_signatures_that_do_not_fit_the_graph_are_found(changed):
    def change(meta_graph):
        signature = meta_graph.signature_def["generate"]
        signature.outputs["texts"].name = "gone:0"
        signature.inputs["seed"].name = ""
        signature.defaults["sed"].CopyFrom(tf.make_tensor_proto(1))
        signature.defaults["num"].CopyFrom(tf.make_tensor_proto("one"))
        meta_graph.signature_def["score"].outputs.clear()

    problems = changed(change)
    assert [problem.partition(" in signature ")[0] for problem in problems] == [
        "input 'seed' has no name in the graph",
        "output 'texts' is the tensor gone:0, which is not there,",
        "the default of input 'num' has another dtype",
        "there is a default for 'sed', which is no input,",
        "signature 'score' has no output; give it one",
    ]


def test_a_call_of_a_missing_function_is_found(changed):
    def change(meta_graph):
        (node, *_) = nodes_of(meta_graph, "StatefulPartitionedCall")
        node.attr["f"].func.name = "gone"

    assert changed(change)[0].startswith("a call of function 'gone', which is not there, in function ")


# Files


@pytest.fixture
def copy(export_of, tmp_path):
    """A folder with one version, to be damaged."""
    shutil.copytree(export_of("lstm_lm"), tmp_path / "model" / "3")
    return tmp_path / "model"


def test_the_highest_version_is_audited(copy):
    shutil.copytree(copy / "3", copy / "12")
    (copy / "20").write_text("a file")
    (copy / "notes").mkdir()
    assert zoo.check_export(copy).path == str(copy / "12")
    assert zoo.check_export(copy / "3").path == str(copy / "3")
    (copy / "100").mkdir()
    with pytest.raises(InputError, match=r"100, the highest version there, has no saved_model.pb"):
        zoo.check_export(copy)


def test_what_is_no_saved_model_gets_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "folder").mkdir(parents=True)
    (tmp_path / "file").touch()
    for name, message in {
        "gone": "is not there",
        "file": "is a file",
        "empty": "is empty",
        "other": "neither saved_model.pb nor a version",
    }.items():
        with pytest.raises(InputError, match=message) as error:
            zoo.check_export(tmp_path / name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [0, 1, 1000, -1])
def test_a_graph_that_is_cut_short_is_refused(copy, size):
    content = (copy / "3" / "saved_model.pb").read_bytes()
    (copy / "3" / "saved_model.pb").write_bytes(content[:size])
    with pytest.raises(InputError, match=r"damaged or cut short|no graph with the tag 'serve'") as error:
        zoo.check_export(copy)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["variables.index", "variables.data-00000-of-00001"])
@pytest.mark.parametrize("harm", ["missing", "cut", "changed"])
def test_damaged_weights_are_found(copy, name, harm):
    path = copy / "3" / "variables" / name
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if harm == "cut" else content[:50] + b"\0\1\2\3" + content[54:])
    (problem,) = zoo.check_export(copy).problems
    assert problem.startswith("the weights ") and problem.endswith("; export the model again") and "\n" not in problem


def test_a_missing_asset_is_found(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb\n")
    module = tf.Module()
    module.asset = tf.saved_model.Asset(str(tmp_path / "words.txt"))
    module.read = tf.function(lambda x: {"y": tf.io.read_file(module.asset)}, input_signature=[NUMBERS])
    tf.saved_model.save(module, tmp_path / "1", {"serving_default": module.read})
    assert zoo.check_export(tmp_path).problems == []
    (tmp_path / "1" / "assets" / "words.txt").unlink()
    (problem,) = zoo.check_export(tmp_path).problems
    assert problem.startswith("the asset 'words.txt' is not in ")


def log_of(signature, **inputs):
    """A warm-up request."""
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.model_spec.signature_name = signature
    for name, value in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return log.SerializeToString()


@pytest.mark.parametrize(
    "signature, inputs, problem",
    [
        ("write", {}, "signature 'write' is asked for, which is not there, in"),
        ("", {"num": 1}, "signature 'serving_default' is not given its input 'seed' in"),
        ("score", {"texts": ["a"], "seed": 1}, "signature 'score' is given 'seed', which is no input of it, in"),
        ("score", {"texts": [1.0]}, "input 'texts' of signature 'score' is given another dtype than its own in"),
    ],
)
def test_a_warm_up_request_that_would_fail_is_found(copy, signature, inputs, problem):
    with tf.io.TFRecordWriter(str(copy / "3" / warm_up.FILE)) as file:
        file.write(log_of("score", texts=["a"]))
        file.write(log_of(signature, **inputs))
    (found,) = zoo.check_export(copy).problems
    assert found == f"{problem} warm-up request 2; export the model again, or delete the file"


def test_damaged_or_too_many_warm_up_requests_are_found(copy):
    path = copy / "3" / warm_up.FILE
    path.write_bytes(path.read_bytes()[:-3])
    (found,) = zoo.check_export(copy).problems
    assert found.startswith("the warm-up requests in ") and "\n" not in found
    with tf.io.TFRecordWriter(str(path)) as file:
        for _ in range(1001):
            file.write(log_of("score", texts=["a"]))
    (found,) = zoo.check_export(copy).problems
    assert "1001 warm-up requests" in found


# The lists and the command


def test_the_lists_have_what_their_docstring_says():
    listed = op_lists.versions()
    runnable = {version: [op for op in ops.values() if op.kernel] for version, ops in listed.items()}
    core = {version: sum(op.group != "text" for op in ops) for version, ops in runnable.items()}
    assert core == {"2.20": 1473, "2.21": 1474}
    plain = {version: sum(op.group is None for op in ops) for version, ops in runnable.items()}
    assert plain == {"2.20": 1312, "2.21": 1313}
    assert len(op_lists.accepted()) == 1312 + 38
    assert {"PyFunc", "EagerPyFunc", "DecodeJxl", "XlaDot", "CudnnRNN"}.isdisjoint(op_lists.accepted())


def run(*arguments):
    return CliRunner().invoke(app, ["check-export", *map(str, arguments)])


def test_the_command_says_what_it_found(export_of, tmp_path):
    passed = run(export_of("lstm_lm"))
    assert passed.exit_code == 0 and "no problems" in passed.output
    folder = save(tmp_path / "1", *FAULTS["text"][:2])
    failed = run(folder)
    assert failed.exit_code == 1 and "1 problem:\n- op TFText>" in failed.output
    assert run(folder, "--allow-text-ops").exit_code == 0


def test_the_command_gives_one_json_object(export_of, tmp_path):
    passed = run(export_of("lstm_lm").parent, "--json")
    report = json.loads(passed.stdout)
    assert passed.exit_code == 0 and report["problems"] == []
    assert report["signatures"]["generate"]["inputs"]["prompt"] == {"dtype": "string", "shape": [None], "default": [""]}
    assert report["ops"]["MatMul"] > 0
    failed = run(save(tmp_path / "1", *FAULTS["device"][:2]), "--json")
    assert failed.exit_code == 1 and len(json.loads(failed.stdout)["problems"]) == 1

"""What stands beside an exported model: warm-up requests, configuration, batching, the card."""

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

import zoo
from zoo.audit.warm_up import FILE


def test_a_server_warms_up_with_every_signature(fitted, export_of, model_name):
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(str(export_of(model_name) / FILE))
    ]
    requests = [log.predict_log.request for log in logs]
    assert {request.model_spec.signature_name for request in requests} == set(fitted(model_name).signatures())
    assert {request.model_spec.name for request in requests} == {model_name}
    beams = [int(tf.make_ndarray(request.inputs["num_beams"])) for request in requests if "num_beams" in request.inputs]
    assert beams == [1, 2]  # both halves of the graph; what they answer is in test_answering.py


def test_the_configuration_is_one_that_a_server_reads(fitted, tmp_path):
    for newest, stable in ((1, 1), (2, 1), (3, 2)):
        zoo.export(fitted("ngram_lm"), tmp_path / "my_model")
        text = (tmp_path / "my_model" / "models.config").read_text()
        parsed = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
        (config,) = parsed.model_config_list.config
        assert (config.name, config.base_path, config.model_platform) == ("my_model", "/models/my_model", "tensorflow")
        assert dict(config.version_labels) == {"stable": stable, "newest": newest}
        assert config.model_version_policy.latest.num_versions == 2  # so both labels have a version


def test_batches_are_described_where_a_server_looks_for_it(export_of):
    lines = (export_of("ngram_lm") / "batching_params.pbtxt").read_text().splitlines()
    assert [line.split()[0] for line in lines if not line.startswith("#")] == [
        "max_batch_size", "batch_timeout_micros", "num_batch_threads", "max_enqueued_batches"
    ]  # fmt: skip


def test_the_card_names_every_signature_and_input(fitted, export_of, model_name):
    text = (export_of(model_name) / "README.md").read_text()
    for name, signature in fitted(model_name).signatures().items():
        (line,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert all(part in line for part in (*signature.inputs, *signature.options))

"""The manifests for the stock server can be read, and speak of the same files and ports."""

from pathlib import Path

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

DEPLOY = Path(__file__).parents[3] / "deploy"


@pytest.fixture
def kubernetes():
    """The parts of the manifest by kind."""
    return {part["kind"]: part for part in yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())}


def read(text):
    (config,) = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config
    return config


def test_both_model_configurations_are_the_same(kubernetes):
    config = read((DEPLOY / "models.config").read_text())
    assert config == read(kubernetes["ConfigMap"]["data"]["models.config"])
    assert config.base_path == f"/models/{config.name}" and dict(config.version_labels) == {"stable": 1}
    assert config.model_version_policy.latest.num_versions == 2


def test_mounts_ports_and_probes_fit(kubernetes):
    pod = kubernetes["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/v1/models/lstm_vae", "port": "rest"}
    assert {port["targetPort"] for port in kubernetes["Service"]["spec"]["ports"]} == set(ports)
    (service,) = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["services"].values()
    assert {flag.split("=")[0] for flag in service["command"]} == {flag.split("=")[0] for flag in container["args"]}


def batching(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_batching_is_the_same_in_both(kubernetes):
    settings = batching((DEPLOY / "batching.config").read_text())
    assert settings == batching(kubernetes["ConfigMap"]["data"]["batching.config"]) and len(settings) == 4

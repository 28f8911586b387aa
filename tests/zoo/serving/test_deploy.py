"""The manifests for the stock server can be read, and speak of what an export writes."""

import re
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


@pytest.fixture
def compose():
    """The only service."""
    (service,) = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["services"].values()
    return service


def test_mounts_ports_and_probes_fit(kubernetes, compose):
    pod = kubernetes["Deployment"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/v1/models/lstm_vae", "port": "rest"}
    assert {port["targetPort"] for port in kubernetes["Service"]["spec"]["ports"]} == set(ports)
    assert [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", flag) for flag in compose["command"]] == container["args"]


def test_a_server_reads_the_configuration_of_an_export(kubernetes, compose, served_folder):
    """Both mount the folder of the exports, and name the file in it."""
    (container,) = kubernetes["Deployment"]["spec"]["template"]["spec"]["containers"]
    (mount,) = container["volumeMounts"]
    (file,) = (flag.partition("=")[2] for flag in container["args"] if flag.startswith("--model_config_file="))
    assert compose["volumes"] == [f"../saved_models:{mount['mountPath']}:ro"]
    text = (served_folder / Path(file).relative_to(mount["mountPath"])).read_text()
    (config,) = text_format.Parse(text, model_server_config_pb2.ModelServerConfig()).model_config_list.config
    assert Path(config.base_path) == Path(file).parent
    assert (served_folder / Path(config.base_path).relative_to(mount["mountPath"]) / "1" / "saved_model.pb").is_file()

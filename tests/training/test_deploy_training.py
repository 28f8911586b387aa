import os
import subprocess
from pathlib import Path

import pytest
import yaml

from training import distribution

DEPLOY = Path(__file__).parents[2] / "deploy"


@pytest.fixture(scope="module")
def parts():
    return {part["kind"]: part for part in yaml.safe_load_all((DEPLOY / "training.yaml").read_text())}


def test_the_pods_of_the_job_are_the_workers_that_the_service_names(parts):
    job, service = parts["Job"], parts["Service"]
    pod = job["spec"]["template"]
    assert service["spec"]["clusterIP"] == "None" and pod["spec"]["subdomain"] == service["metadata"]["name"]
    assert service["spec"]["selector"] == pod["metadata"]["labels"]
    (container,) = pod["spec"]["containers"]
    workers = next(int(one["value"]) for one in container["env"] if one["name"] == "WORKERS")
    assert workers == job["spec"]["completions"] == job["spec"]["parallelism"]
    assert service["spec"]["ports"][0]["port"] == container["ports"][0]["containerPort"] == 2222


@pytest.mark.parametrize("index", [0, 2])
def test_a_pod_makes_its_tf_config_from_its_index(parts, tmp_path, monkeypatch, index):
    (container,) = parts["Job"]["spec"]["template"]["spec"]["containers"]
    (tmp_path / "textgen").write_text('#!/bin/sh\nprintf "%s" "$TF_CONFIG"\necho "$@" >&2\n')
    (tmp_path / "textgen").chmod(0o755)
    given = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "WORKERS": "3", "JOB_COMPLETION_INDEX": str(index)}
    ended = subprocess.run([*container["command"], *container["args"]], env=given, capture_output=True, text=True)
    monkeypatch.setenv("TF_CONFIG", ended.stdout)
    assert distribution.cluster() == (index, 3)
    assert f'"textgen-training-{index}.textgen-training:2222"' in ended.stdout
    assert "--auto-resume" in ended.stderr

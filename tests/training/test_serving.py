"""`textgen serve` and `textgen call` as a user meets them."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def url(served_folder):
    """The address of a server of a tiny model."""
    from zoo.serving import Server

    with Server(served_folder, port=0, threads=2, labels={"lstm_vae": {"stable": 1}}) as server:
        yield server.url


def test_texts_are_generated_one_a_line(textgen, fitted, url):
    wish = ("--set", "num=3", "--set", "seed=1", "--set", "temperature=0.8", "--set", 'banned=["mat", "."]')
    expected = fitted("lstm_vae").generate(3, seed=1, temperature=0.8, banned=["mat", "."])
    assert textgen("call", url, "lstm_vae", "generate", *wish) == (0, "".join(text + "\n" for text in expected), "")
    answer = textgen("call", url, "lstm_vae", "generate", *wish, "--json", "--label", "stable")
    assert json.loads(answer.out) == {"texts": expected}
    assert textgen("call", url, "lstm_vae", "generate", *wish, "--version", 1).out.splitlines() == expected


def test_texts_come_from_arguments_or_standard_input(textgen, fitted, url, corpus, monkeypatch):
    model, texts = fitted("lstm_vae"), corpus[:2]
    assert textgen("call", url, "lstm_vae", "reconstruct", *texts).out.splitlines() == model.reconstruct(texts)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(texts).encode())))
    numbers = ("--set", "num_samples=2", "--set", "seed=3", "--data", "-")
    scores = [float(line) for line in textgen("call", url, "lstm_vae", "score", *numbers).out.splitlines()]
    assert scores == pytest.approx(model.score(texts, num_samples=2, seed=3).tolist(), rel=1e-5)
    rows = [json.loads(line) for line in textgen("call", url, "lstm_vae", "encode", *texts).out.splitlines()]
    assert len(rows) == 2 and rows[0].keys() == {"latents", "scales"}
    latents = json.dumps([row["latents"] for row in rows])
    written = textgen("call", url, "lstm_vae", "decode", "--set", f"latents={latents}").out.splitlines()
    assert written == model.reconstruct(texts)
    ends = ("--set", f"a={texts[0]}", "--set", f"b={texts[1]}", "--set", "steps=3", "--set", "spherical=false")
    (path,) = textgen("call", url, "lstm_vae", "interpolate", *ends).out.splitlines()
    assert json.loads(path) == model.interpolate(texts[0], texts[1], 3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("call", "URL", "lstm_vea", "generate"), "unknown model 'lstm_vea'; did you mean 'lstm_vae'?"),
        (("call", "URL", "lstm_vae", "genrate"), "did you mean 'generate'?"),
        (("call", "URL", "lstm_vae", "generate"), "generate needs the input 'num' and 'seed'"),
        (("call", "URL", "lstm_vae", "generate", "--set", "nun=3"), "did you mean 'num'?"),
        (("call", "URL", "lstm_vae", "generate", "--set", "num"), "--set takes name=value"),
        (("call", "URL", "lstm_vae", "generate", "--set", "num=three"), "is no value of the type DT_INT32"),
        (("call", "URL", "lstm_vae", "generate", "--set", "num=9999", "--set", "seed=1"), "num must be at most 1000"),
        (("call", "URL", "lstm_vae", "encode", ""), "a text is empty"),
        (("call", "localhost:8501", "lstm_vae", "encode", "a"), "http://host:port or grpc://host:port"),
        (("call", "http://127.0.0.1:1", "a", "encode", "a", "--retries", "0"), "refused"),
        (("serve", "nowhere"), "nowhere cannot be served: No such file"),
        (("serve", "FOLDER", "--label", "stable=1"), "--label takes model:label=version"),
        (("serve", "FOLDER", "--label", "a:b=1", "--label", "a:b=2"), "gives a:b twice"),
        (("serve", "FOLDER", "--versions", "some"), "--versions takes a whole number or all"),
        (("serve", "FOLDER", "--port", "99999"), "port must be at most 65535"),
        (("serve", "FOLDER", "--max-num", "0"), "num must be above 0"),
        (("serve", "FOLDER", "--port", "PORT"), "choose another --port"),
    ],
)
def test_what_is_wrong_gets_one_line(textgen, served_folder, url, arguments, message):
    stands_for = {"URL": url, "FOLDER": served_folder, "PORT": url.rpartition(":")[2]}
    answer = textgen(*(stands_for.get(argument, argument) for argument in arguments))
    assert answer.code == 2 and answer.out == "" and message in answer.err
    assert answer.err.startswith("textgen: ") and answer.err.count("\n") == 1


def test_missing_packages_are_named(textgen, served_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "zoo.serving.server", None)  # as if its imports failed
    answer = textgen("serve", served_folder)
    assert answer.code == 2 and 'is missing: pip install "keras-textgen[serve]"' in answer.err


def test_a_server_says_where_it_is_and_drains_at_a_signal(fitted, served_folder, tmp_path):
    shutil.copytree(served_folder, tmp_path / "models")
    command = [sys.executable, "-c", "from training.cli import main; main()", "serve", str(tmp_path / "models")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    log = tmp_path / "log.txt"
    with log.open("w") as stderr:
        process = subprocess.Popen([*command, "--port", "0"], stderr=stderr, env=environment)
    try:
        while not log.read_text().endswith("\n"):
            assert process.poll() is None
            time.sleep(0.1)
        url = re.match(r"textgen: serving \S+ at (http://127\.0\.0\.1:\d+)\n", log.read_text())[1]
        assert requests.get(f"{url}/healthz", timeout=60).status_code == 200
        while requests.get(f"{url}/readyz", timeout=60).status_code == 503:
            time.sleep(0.1)
        body = {"inputs": {"num": 1000, "seed": 1}}
        found = []
        path = f"{url}/v1/models/lstm_vae:predict"
        asking = threading.Thread(target=lambda: found.append(requests.post(path, json=body, timeout=60)))
        figures, waiting = f"{url}/monitoring/prometheus/metrics", "textgen_requests_waiting 1.0"
        asking.start()
        while asking.is_alive() and waiting not in requests.get(figures, timeout=60).text:
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        asking.join()
        assert process.wait(120) == 0
    finally:
        process.kill()
    assert found[0].json()["outputs"] == fitted("lstm_vae").generate(1000, seed=1)
    lines = log.read_text().splitlines()
    assert sum('"POST /v1/models/lstm_vae:predict" 200' in line for line in lines) == 1
    assert not any("Traceback" in line for line in lines) and "version 1 is unloaded" in lines[-1]

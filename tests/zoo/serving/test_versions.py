"""Versions that come, go and fail while requests run: no answer fails, none is of two versions."""

import base64
import itertools
import shutil
import threading

import numpy as np
import pytest

from keras_textgen.errors import InputError
from zoo.serving import Limits, Server
from zoo.serving.servable import Servable
from zoo.serving_files import write_warm_up


def tags(found):
    """Which versions an answer was computed by."""
    late = base64.b64decode(found["outputs"]["late_bytes"][0]["b64"]).decode()
    return {found["outputs"]["marked"][0], late}


@pytest.fixture
def states(get):
    """`states(server)`: the state of each version of the toy."""

    def of(server):
        return {
            int(known["version"]): known["state"] for known in get(server, "/v1/models/toy")[1]["model_version_status"]
        }

    return of


def test_versions_are_exchanged_while_requests_run(put, base, serve, post, states, wait_for):
    put(1)
    server = serve(versions=1)
    answers, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            answers.append(post(server, {"inputs": ["a"]}))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in (2, 3):
        put(number)
        wait_for(
            lambda number=number: states(server) == {number: "AVAILABLE", **dict.fromkeys(range(1, number), "END")}
        )
    seen = len(answers)
    wait_for(lambda: len(answers) > seen + 6)
    shutil.rmtree(base / "toy" / "3")
    wait_for(lambda: states(server)[2] == "AVAILABLE")
    stop.set()
    for thread in threads:
        thread.join()
    found = [tags(body) if status == 200 else body for status, body in answers]
    assert all(found_tags in ({"a-v1"}, {"a-v2"}, {"a-v3"}) for found_tags in found)
    assert {"a-v1"} in found and {"a-v3"} in found


def test_a_running_request_ends_on_the_version_that_it_began_on(put, serve, post, states, wait_for, tmp_path):
    put(1)
    server = serve(versions=1)
    gate, found = tmp_path / "gate", []
    gate.touch()
    held = threading.Thread(target=lambda: found.append(post(server, {"inputs": {"texts": ["a"], "gate": str(gate)}})))
    held.start()
    wait_for(lambda: server.app.intake.waiting == 1)
    put(2)
    wait_for(lambda: states(server) == {2: "AVAILABLE", 1: "END"})
    assert tags(post(server, {"inputs": ["a"]})[1]) == {"a-v2"} and not found
    gate.unlink()
    held.join()
    assert found[0][0] == 200 and tags(found[0][1]) == {"a-v1"}


def test_a_version_that_fails_is_reported_and_the_old_one_stays(put, base, serve, post, get, states, wait_for):
    put(1)
    server = serve(versions=1)
    (base / "toy" / "2").mkdir()
    (base / "toy" / "2" / "saved_model.pb").write_bytes(b"half of it")
    wait_for(lambda: states(server).get(2) == "END")
    status = get(server, "/v1/models/toy/versions/2")[1]["model_version_status"][0]["status"]
    assert status["error_code"] != "OK" and status["error_message"] and "\n" not in status["error_message"]
    assert tags(post(server, {"inputs": ["a"]})[1]) == {"a-v1"}
    code, found = post(server, {"inputs": ["a"]}, "/v1/models/toy/versions/2:predict")
    assert code == 404 and status["error_message"] in found["error"]
    shutil.rmtree(base / "toy" / "2")
    put(2)  # repaired
    wait_for(lambda: states(server) == {2: "AVAILABLE", 1: "END"})
    assert tags(post(server, {"inputs": ["a"]})[1]) == {"a-v2"}


ADD = {"x": np.float32([[1, 2], [3, 4]]), "num": np.int64(7), "scale": np.float32(2)}


def test_a_version_is_asked_its_own_requests_first(put, base, monkeypatch):
    put(1)
    write_warm_up({"add": [ADD, {**ADD, "count": np.int64(9)}]}, "toy", base / "toy" / "1")
    asked, run = [], Servable.run

    def watched(servable, signature, inputs, seconds):
        asked.append((signature.name, {name: value.tolist() for name, value in inputs.items()}))
        return run(servable, signature, inputs, seconds)

    monkeypatch.setattr(Servable, "run", watched)
    Servable(base / "toy" / "1").warm_up(60)
    own = {name: value.tolist() for name, value in ADD.items()}
    assert asked == [("add", own), ("add", {**own, "count": 9}), ("serving_default", {"texts": [b""]})]


@pytest.mark.parametrize(
    "request_, message",
    [
        ({**ADD, "x": np.float32([[1, 2, 3]])}, ""),  # the graph refuses it
        ({**ADD, "scale": np.int32(2)}, "another dtype than its own in warm-up request 1"),
        ({**ADD, "nun": np.int32(2)}, "given 'nun', which is no input of it, in warm-up request 1"),
    ],
)
def test_a_version_whose_own_requests_fail_is_not_served(put, base, serve, get, states, request_, message):
    put(1, 2)
    write_warm_up({"add": [request_]}, "toy", base / "toy" / "2")
    server = serve()
    assert states(server) == {2: "END", 1: "AVAILABLE"}
    (status,) = get(server, "/v1/models/toy/versions/2")[1]["model_version_status"]
    assert message in status["status"]["error_message"] != ""


def test_a_start_falls_back_to_the_newest_version_that_loads(put, base, serve, post, states):
    put(1, 2)
    (base / "toy" / "3").mkdir()
    (base / "empty").mkdir()
    server = serve(versions=1)
    assert states(server) == {3: "END", 2: "AVAILABLE"}
    assert tags(post(server, {"inputs": ["a"]})[1]) == {"a-v2"}


def test_the_newest_versions_and_those_with_a_label_are_loaded(put, serve, post, states):
    put(1, 2, 3)
    server = serve(versions=1, labels={"toy": {"old": 1}})
    assert states(server) == {3: "AVAILABLE", 1: "AVAILABLE"}
    assert tags(post(server, {"inputs": ["a"]}, "/v1/models/toy/labels/old:predict")[1]) == {"a-v1"}


def test_models_come_and_go(put, base, serve, post, get, wait_for):
    server = serve()
    assert get(server, "/readyz") == (503, {"ready": False, "models": {}})
    put(1)
    wait_for(lambda: get(server, "/readyz")[0] == 200)
    assert post(server, {"inputs": ["a"]})[0] == 200
    shutil.rmtree(base / "toy")
    wait_for(lambda: get(server, "/readyz") == (503, {"ready": False, "models": {"toy": []}}))
    assert post(server, {"inputs": ["a"]}) == (404, {"error": "toy has no version in service"})


def test_files_that_are_still_copied_are_left_alone(put, toys, base, serve, states, wait_for, monkeypatch):
    put(1)
    server = serve()
    repository = server.repository
    from zoo.serving import repository as module

    moving = itertools.count()
    real = module.files
    monkeypatch.setattr(module, "files", lambda folder: (next(moving),) if folder.name == "2" else real(folder))
    put(2)
    wait_for(lambda: next(moving) > 4)
    assert states(server) == {1: "AVAILABLE"}
    monkeypatch.setattr(module, "files", real)
    wait_for(lambda: states(server) == {2: "AVAILABLE", 1: "AVAILABLE"})
    assert repository.in_service() == {"toy": [2, 1]}


def test_a_request_that_takes_too_long_is_ended(put, serve, post, wait_for, tmp_path):
    put(1)
    server = serve(limits=Limits(request_seconds=1.5))
    (tmp_path / "gate").touch()
    code, found = post(server, {"inputs": {"texts": ["a"], "gate": str(tmp_path / "gate")}})
    assert code == 504 and found == {"error": "the answer took longer than 1.5 s"}
    (tmp_path / "gate").unlink()
    wait_for(lambda: post(server, {"inputs": ["a"]})[0] == 200)


def test_a_place_that_cannot_be_had_is_refused(base, serve):
    server = serve()
    port = int(server.url.rpartition(":")[2])
    for options in ({"port": port}, {"port": 0, "host": "no.such.host.invalid"}):
        with pytest.raises(InputError, match="cannot be listened on"):
            Server(base, **options)
    with pytest.raises(InputError, match="must be above 0"):
        Limits(body_bytes=0)

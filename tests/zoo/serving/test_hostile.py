"""Bad requests: each is refused in words, and the next good one is answered."""

import json
import socket
import threading

import pytest
import requests

from zoo.serving import Limits


def add(**changes):
    inputs = {"x": [[1, 2]], "num": 1, "scale": 1, **changes}
    return {"signature_name": "add", "inputs": {key: value for key, value in inputs.items() if value is not ...}}


BAD = {
    "nothing": (b"", "the body is not JSON"),
    "no JSON": (b"{'inputs': 3}", "the body is not JSON"),
    "half of it": (b'{"inputs": ["a"', "the body is not JSON"),
    "two of it": (b'{"inputs": []} {}', "the body is not JSON"),
    "not UTF-8": (b'{"inputs": ["caf\xe9"]}', "the body is not UTF-8 (byte 16)"),
    "UTF-16": ('{"inputs": ["a"]}'.encode("utf-16"), "the body is not UTF-8 (byte 0)"),
    "a list": ([], "must be a JSON object"),
    "no inputs": ({}, 'either "instances" (row form) or "inputs"'),
    "both forms": ({"inputs": [], "instances": []}, 'either "instances" (row form) or "inputs"'),
    "unknown key": ({"inputs": [], "signature": "add"}, "did you mean 'signature_name'?"),
    "a key twice": (b'{"inputs": ["a"], "inputs": ["b"]}', "has a key twice"),
    "signature of another type": ({"inputs": [], "signature_name": 3}, '"signature_name" must be a string'),
    "unknown signature": ({"inputs": [], "signature_name": "ad"}, "unknown signature 'ad'; did you mean 'add'?"),
    "internal signature": ({"inputs": [], "signature_name": "__saved_model_init_op"}, "unknown signature"),
    "missing input": (add(num=...), "add needs the input 'num'"),
    "missing inputs": ({"inputs": {}}, "serving_default needs the input 'texts'"),
    "unknown input": (add(nun=3), "unknown input of add 'nun'; did you mean 'num'?"),
    "unnamed input": ({"signature_name": "add", "inputs": [1]}, "add has several inputs"),
    "text for a number": (add(scale="1"), 'scale must be a number, not "1"'),
    "null for a number": (add(scale=None), "scale must be a number, not null"),
    "truth for a number": (add(scale=True), "scale must be a number, not true"),
    "object for a number": (add(scale={"a": 1}), "scale must be a number"),
    "fraction for an integer": (add(num=7.0), "num must be a whole number, not 7.0"),
    "number for truth": (add(negative=0), "negative must be true or false, not 0"),
    "number for a text": ({"inputs": ["a", 3]}, "texts must be a string"),
    "NaN": (b'{"signature_name": "add", "inputs": {"x": [[1, NaN]], "num": 1, "scale": 1}}', "NaN is not JSON"),
    "infinity": (b'{"inputs": -Infinity}', "-Infinity is not JSON"),
    "beyond float32": (add(scale=1e39), "scale must be a finite float32"),
    "beyond float64": (b'{"signature_name": "add", "inputs": {"x": [], "num": 1, "scale": 1e999}}', "finite float32"),
    "beyond int64": (add(num=2**63), "num must be between -9223372036854775808 and 9223372036854775807"),
    "hundreds of digits": (add(num=10**400), "not a number of hundreds of digits"),
    "thousands of digits": (b'{"inputs": ' + b"9" * 9000 + b"}", "a number of the body is too long"),
    "huge num": (add(num=10**9), "num must be at most 100, not 1000000000"),
    "negative num": (add(num=-1), "num must be at least 0"),
    "scalar for a list": ({"inputs": {"texts": "a"}}, "texts must be a list"),
    "list for a scalar": (add(num=[1]), "num must be one value; it is nested deeper"),
    "too deep a list": ({"inputs": [["a"]]}, "texts must be a list; it is nested deeper"),
    "ragged": (add(x=[[1, 2], [3]]), "x has lists of different lengths (1 and 2)"),
    "mixed nesting": (add(x=[[1, 2], 3]), "x must be a list of lists, not 3"),
    "wrong width": (add(x=[[1, 2, 3]]), "x must have the shape [?, 2], not [1, 3]"),
    "too many texts": ({"inputs": ["a"] * 51}, "texts has 51 rows; at most 50"),
    "too long a text": ({"inputs": ["ü" * 251]}, "a text of 502 bytes; at most 500"),
    "no base64": ({"inputs": [{"b64": "a"}]}, "b64 that is not base64"),
    "b64 of a number": ({"inputs": [{"b64": 3}]}, "must be a string"),
    "half a character": (b'{"inputs": ["\\ud800"]}', "half of a character"),
    "nested deeply": (b'{"inputs": ' + b"[" * 30 + b"]" * 30 + b"}", "nested deeper than 16 levels"),
    "nested abysmally": (b"[" * 19_000, "nested deeper than 16 levels"),
    "objects nested abysmally": (b'{"a":' * 3_500, "nested deeper than 16 levels"),
    "no rows": ({"instances": []}, '"instances" must be a list with at least one row'),
    "rows that are none": ({"instances": "a"}, '"instances" must be a list'),
    "rows of two kinds": ({"instances": ["a", {"texts": "b"}]}, "either objects or values"),
    "rows of other inputs": ({"instances": [{"texts": "a"}, {"text": "b"}]}, "must have the same inputs"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_refused_in_words_and_a_good_one_answered(toy_server, name, post):
    body, message = BAD[name]
    status, found = post(toy_server, body)
    assert status == 400 and list(found) == ["error"] and message in found["error"] and "\n" not in found["error"]
    assert post(toy_server, {"inputs": ["a"]})[0] == 200


PATHS = (
    "/v1/models/..%2f..%2fetc:predict",
    "/v1/models/%2e%2e/toy:predict",
    "/v1/models/toy%00:predict",
    "/v1/models/toy/../toy:predict",
    "/v1/models/toy%2fversions%2f1/x:predict",
    "/v1/models/:predict",
    "/v1/models/toy:classify",
    "/v1/models/toy:predict/",
    "/v1/models",
    "/v1/models/%ff%fe:predict",
    "/v1/models/toy:predict%0d%0aX-Bad:%201",
    "/v2/models/toy",
    "//etc/passwd",
)


@pytest.mark.parametrize("path", PATHS)
def test_tricks_in_paths_find_nothing(toy_server, path):
    answer = raw(
        toy_server, f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode()
    )
    assert (
        answer.split()[1] in (b"400", b"404")
        and b'{"error":' in answer
        and b"X-Bad" not in answer.split(b"\r\n\r\n")[0]
    )


def test_methods_that_a_path_does_not_have_are_refused(toy_server):
    for method, path in [("GET", ":predict"), ("POST", ""), ("DELETE", ""), ("PUT", ":predict"), ("POST", "/metadata")]:
        answer = requests.request(method, f"{toy_server.url}/v1/models/toy{path}", timeout=60)
        assert answer.status_code == 405 and "error" in answer.json()


def raw(server, data, *more):
    """What a server sends on a new connection that sends `data`, until it closes."""
    with socket.create_connection(address(server), timeout=60) as connection:
        connection.sendall(data)
        for part in more:
            connection.sendall(part)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def address(server):
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def test_a_body_over_the_limit_is_refused(toy_server, post):
    large = json.dumps({"inputs": ["a" * 100] * 300}).encode()
    expected = (413, {"error": "the body is larger than 20000 bytes"})
    assert post(toy_server, large) == expected
    assert post(toy_server, iter([large[:5000]] * 2000)) == expected  # 10 MB in chunks, without a length
    head = (
        b"POST /v1/models/toy:predict HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n"
    )
    assert raw(toy_server, head).startswith(b"HTTP/1.1 413")
    assert toy_server.app.intake.held == 0
    assert post(toy_server, {"inputs": ["a"]})[0] == 200


def test_a_compressed_body_is_refused(toy_server, post):
    assert post(toy_server, b"x", headers={"Content-Encoding": "gzip"})[0] == 415


def test_what_is_no_http_is_refused(toy_server, post):
    bad = [
        b"\x16\x03\x01 TLS\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 99_999,
    ]
    bad.append(b"POST /v1/models/toy:predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    bad.append(b"POST /v1/models/toy:predict HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n")
    for data in bad:
        answer = raw(toy_server, data)
        assert answer.startswith(b"HTTP/1.1 400") and b'{"error"' in answer, data[:40]
    assert post(toy_server, {"inputs": ["a"]})[0] == 200


def test_silent_and_slow_connections_are_closed_and_others_answered(toy_server, post):
    predict = b"POST /v1/models/toy:predict HTTP/1.1\r\nHost: a\r\n"
    starts = {b"": b"", b"GET /heal": b"408", predict + b"Content-Length: 9\r\n\r\n{": b"408"}
    found = {}
    threads = [
        threading.Thread(target=lambda start=start: found.update({start: raw(toy_server, start)})) for start in starts
    ]
    for thread in threads:
        thread.start()
    assert post(toy_server, {"inputs": ["a"]})[0] == 200
    for thread in threads:
        thread.join()
    for start, status in starts.items():
        assert found[start].split(b" ")[1:2] == ([status] if status else []), start


def test_a_client_that_leaves_costs_nothing(toy_server, post):
    head = b"POST /v1/models/toy:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\n"
    for data in (head, head + b'{"inputs"', head + b'{"inputs":["a"]}'):
        with socket.create_connection(address(toy_server)) as connection:
            connection.sendall(data)
    assert post(toy_server, {"inputs": ["a"]})[0] == 200


def test_more_requests_than_can_wait_are_sent_away(put, base, serve, tmp_path, post, wait_for):
    put(1)
    gate = tmp_path / "gate"
    gate.touch()
    server = serve(threads=1, limits=Limits(waiting=1, request_seconds=600))
    found = []
    ask = lambda: found.append(post(server, {"inputs": {"texts": ["a"], "gate": str(gate)}})[0])  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for(lambda: server.app.intake.waiting == 2)
    answer = requests.post(f"{server.url}/v1/models/toy:predict", json={"inputs": ["a"]}, timeout=60)
    assert answer.status_code == 429 and answer.headers["retry-after"] == "1"
    assert requests.get(f"{server.url}/healthz", timeout=60).status_code == 200
    gate.unlink()
    for thread in threads:
        thread.join()
    assert found == [200, 200]

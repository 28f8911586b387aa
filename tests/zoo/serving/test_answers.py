"""What a server answers: the same as Python, in the stock server's words."""

import base64
import json

import numpy as np
import pytest
import requests

from keras_textgen.errors import InputError


def test_every_signature_answers_as_python_does(fitted, client, corpus):
    model, texts = fitted("lstm_vae"), corpus[:5]

    def ask(signature, **inputs):
        return client.predict("lstm_vae", signature, inputs)

    assert ask("generate", num=6, seed=3)["texts"] == model.generate(6, seed=3)
    options = {"temperature": 0.7, "top_k": 9, "prompt": ["the old"], "banned": ["mat"], "max_length": 7}
    assert ask("generate", num=6, seed=3, **options)["texts"] == model.generate(6, seed=3, **options)
    assert ask("serving_default", num=2, seed=1)["texts"] == model.generate(2, seed=1)
    latents = ask("encode", texts=texts)["latents"]
    np.testing.assert_allclose(latents, model.encode(texts), rtol=1e-5, atol=1e-6)
    assert ask("decode", latents=latents)["texts"] == model.decode(np.float32(latents))
    assert ask("reconstruct", texts=texts)["texts"] == model.reconstruct(texts)
    paths = ask("interpolate", a=texts[:2], b=texts[3:], steps=4, spherical=False)["texts"]
    assert paths == model.interpolate(texts[:2], texts[3:], 4)
    scores = ask("score", texts=texts, num_samples=5, seed=2)["log_likelihood"]
    np.testing.assert_allclose(scores, model.score(texts, num_samples=5, seed=2), rtol=1e-5)


def test_both_forms_of_a_body_say_the_same(fitted, lstm_vae_server, corpus, post):
    path, texts = "/v1/models/lstm_vae:predict", corpus[:3]
    written = fitted("lstm_vae").reconstruct(texts)
    in_base64 = [{"b64": base64.b64encode(text.encode()).decode()} for text in texts]
    for column in (texts, {"texts": texts}, in_base64, {"texts": in_base64}):
        body = {"signature_name": "reconstruct", "inputs": column}
        assert post(lstm_vae_server, body, path) == (200, {"outputs": written})
    for rows in (texts, [{"texts": text} for text in texts], in_base64):
        body = {"signature_name": "reconstruct", "instances": rows}
        assert post(lstm_vae_server, body, path) == (200, {"predictions": written})
    columns = post(lstm_vae_server, {"signature_name": "encode", "inputs": texts}, path)[1]["outputs"]
    rows = post(lstm_vae_server, {"signature_name": "encode", "instances": texts}, path)[1]["predictions"]
    assert [row["latents"] for row in rows] == columns["latents"]
    assert [row["scales"] for row in rows] == columns["scales"]


def test_a_scalar_is_asked_for_in_column_form(lstm_vae_server, post):
    body = {"signature_name": "generate", "instances": [{"num": 1, "seed": 1}]}
    status, found = post(lstm_vae_server, body, "/v1/models/lstm_vae:predict")
    assert status == 400 and 'use column form, "inputs"' in found["error"]


def test_strings_are_utf8_or_base64_by_their_name(toy_server, post):
    status, found = post(toy_server, {"inputs": {"texts": ["naïve 😀\x00", "\n"]}})
    assert status == 200 and found["outputs"]["marked"] == ["naïve 😀\x00-v2", "\n-v2"]
    late = [base64.b64decode(value["b64"]).decode() for value in found["outputs"]["late_bytes"]]
    assert late == found["outputs"]["marked"]


def test_no_rows_get_no_rows(toy_server, post):
    assert post(toy_server, {"inputs": []}) == (200, {"outputs": {"marked": [], "late_bytes": []}})
    body = {"signature_name": "add", "inputs": {"x": [], "num": 1, "scale": 2}}
    assert post(toy_server, body) == (200, {"outputs": []})


def test_numbers_of_every_type_arrive(toy_server, post):
    inputs = {"x": [[1, 2.5], [-3, 1e3]], "num": 0, "scale": 2, "count": 2**31}
    body = {"signature_name": "add", "inputs": inputs}
    totals = np.float32([7, 1994]) + np.float32(2**31)
    assert post(toy_server, body) == (200, {"outputs": totals.tolist()})
    body["inputs"] = {**inputs, "count": -(2**63)}
    assert post(toy_server, body) == (200, {"outputs": [-(2.0**63)] * 2})
    body["inputs"] = {**inputs, "count": 0, "negative": True}
    assert post(toy_server, body) == (200, {"outputs": [-7.0, -1994.0]})


@pytest.mark.parametrize(
    "place, tag",
    [("", "v2"), ("/versions/1", "v1"), ("/versions/2", "v2"), ("/versions/0001", "v1"), ("/labels/stable", "v1")],
)
def test_versions_and_labels_are_served(toy_server, place, tag, post):
    status, found = post(toy_server, {"inputs": ["a"]}, f"/v1/models/toy{place}:predict")
    assert status == 200 and found["outputs"]["marked"] == [f"a-{tag}"]


@pytest.mark.parametrize(
    "place, status, message",
    [
        ("toy/versions/9", 404, "version 9 of toy is not in service"),
        ("toy/labels/stabel", 400, "unknown label of toy 'stabel'; did you mean 'stable'?"),
        ("toy/labels/gone", 404, "version 7 of toy is not in service"),
        ("tay", 404, "unknown model 'tay'; did you mean 'toy'?"),
        ("toy/versions/9223372036854775808", 400, "malformed request"),
        ("toy/versions/-1", 400, "malformed request"),
        ("toy/versions/one", 400, "malformed request"),
    ],
)
def test_what_is_not_there_is_named(toy_server, place, status, message, post):
    found = post(toy_server, {"inputs": ["a"]}, f"/v1/models/{place}:predict")
    assert found[0] == status and message in found[1]["error"]


def test_status_is_that_of_the_stock_server(toy_server, get):
    fine = {"state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    second, first = {"version": "2", **fine}, {"version": "1", **fine}
    assert get(toy_server, "/v1/models/toy") == (200, {"model_version_status": [second, first]})
    assert get(toy_server, "/v1/models/toy/versions/1") == (200, {"model_version_status": [first]})
    assert get(toy_server, "/v1/models/toy/labels/stable") == (200, {"model_version_status": [first]})
    assert get(toy_server, "/v1/models/toy/versions/3")[0] == 404


def test_metadata_is_the_signature_def(toy_server, get):
    status, found = get(toy_server, "/v1/models/toy/versions/1/metadata")
    assert status == 200
    assert found["model_spec"] == {"name": "toy", "signature_name": "", "version": "1"}
    add = found["metadata"]["signature_def"]["signature_def"]["add"]
    assert add["method_name"] == "tensorflow/serving/predict"
    x = {"dim": [{"size": "-1", "name": ""}, {"size": "2", "name": ""}], "unknown_rank": False}
    assert add["inputs"]["x"] == {"dtype": "DT_FLOAT", "tensor_shape": x, "name": "add_x:0"}
    assert add["defaults"].keys() == {"count", "negative"} and add["outputs"].keys() == {"total"}


def test_health_and_figures(toy_server, post, get):
    assert requests.get(f"{toy_server.url}/healthz", timeout=60).text == "alive\n"
    assert get(toy_server, "/readyz") == (200, {"ready": True, "models": {"toy": [2, 1]}})

    def figures():
        text = requests.get(f"{toy_server.url}/monitoring/prometheus/metrics", timeout=60).text
        return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    before = figures()
    post(toy_server, {"inputs": ["a", "b"]})
    post(toy_server, {"inputs": 3})
    post(toy_server, {"inputs": ["a"]}, "/v1/models/nobody:predict")
    after = figures()

    def grown(name):
        return float(after[name]) - float(before.get(name, 0))

    assert grown('textgen_requests_total{model="toy",signature="serving_default",status="200"}') == 1
    assert grown('textgen_requests_total{model="toy",signature="serving_default",status="400"}') == 1
    assert grown('textgen_requests_total{model="",signature="",status="404"}') == 1
    assert grown('textgen_texts_total{model="toy",signature="serving_default"}') == 4
    assert grown('textgen_request_seconds_count{model="toy",signature="serving_default"}') == 2
    assert after['textgen_version{model="toy"}'] == "2.0"
    assert not any("nobody" in name for name in after)


def test_a_folder_of_versions_is_a_model_of_its_name(put, base):
    from zoo.serving.repository import find_models

    put(1)
    (base / "toy" / "README").touch()
    (base / "toy" / ".unfinished-2").mkdir()
    (base / "toy" / "007").mkdir()
    expected = {1: base / "toy" / "1", 7: base / "toy" / "007"}
    assert find_models(base / "toy") == {"toy": expected} and find_models(base) == {"toy": expected}
    for place in (base / "nothing", base / "toy" / "README"):
        with pytest.raises(InputError, match="cannot be served"):
            find_models(place)


def test_json_is_not_escaped(toy_server):
    answer = requests.post(f"{toy_server.url}/v1/models/toy:predict", data=json.dumps({"inputs": ["ü"]}), timeout=60)
    assert "ü-v2" in answer.content.decode() and answer.headers["content-type"] == "application/json"

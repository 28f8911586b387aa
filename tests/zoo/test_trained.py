"""Trained models that come with the package."""

import json

import numpy as np
import pytest

import zoo
from keras_textgen.errors import InputError
from zoo import trained

PACKAGED = [(model, preset) for model in zoo.list_models() for preset in trained.names(model)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "FOLDER", tmp_path)
    return tmp_path


def test_a_model_comes_back_from_the_package_to_half_precision(model_name, saved, folder):
    model = zoo.load(saved(model_name))
    place = trained.save(model, "small", model_name, {"data": "tiny"}, folder)
    assert model.optimizer is not None and place.stat().st_size < saved(model_name).stat().st_size
    assert "small" in zoo.list_presets(model_name) and trained.card(model_name, "small")["data"] == "tiny"
    again = zoo.build(model_name, preset="small")
    assert type(again) is type(model) and again.tokenizer.vocabulary == model.tokenizer.vocabulary
    for weight, kept in zip(model.trainable_variables, again.trainable_variables, strict=True):
        assert kept.dtype == weight.dtype
        np.testing.assert_allclose(np.asarray(kept), np.asarray(weight), rtol=1e-3, atol=1e-6)


def test_a_trained_model_can_be_trained_on(saved, folder, corpus):
    trained.save(zoo.load(saved("lstm_lm")), "small", "lstm_lm", {}, folder)
    model = zoo.build("lstm_lm", preset="small")
    before = model.evaluate(corpus, verbose=0, return_dict=True)["nll"]
    model.fit(corpus, epochs=3, verbose=0)
    assert model.evaluate(corpus, verbose=0, return_dict=True)["nll"] < before


def test_a_file_that_is_not_that_of_the_card_is_refused(saved, folder):
    place = trained.save(zoo.load(saved("lstm_lm")), "small", "lstm_lm", {}, folder)
    content = place.read_bytes()
    for wrong in (content[:-1], content[:100] + bytes([content[100] ^ 1]) + content[101:]):
        place.write_bytes(wrong)
        with pytest.raises(InputError, match="is not the file of its card; install the package again"):
            zoo.build("lstm_lm", preset="small")
    place.write_bytes(content)
    place.with_suffix(".json").write_text("{")
    with pytest.raises(InputError, match="is not the file of its card"):
        zoo.build("lstm_lm", preset="small")
    place.unlink()
    with pytest.raises(InputError, match="is missing"):
        zoo.build("lstm_lm", preset="small")


@pytest.mark.parametrize("given", [{"hidden_dim": 8}, {"texts": ["a b"]}, {"tokenizer": "bytes"}], ids=str)
def test_a_trained_model_takes_no_settings(saved, folder, given):
    trained.save(zoo.load(saved("lstm_lm")), "small", "lstm_lm", {}, folder)
    with pytest.raises(InputError, match="'small' of lstm_lm is trained: it takes no texts, tokenizer or settings"):
        zoo.build("lstm_lm", preset="small", **given)


def test_every_model_comes_trained_on_reviews(model_name):
    assert "reviews" in trained.names(model_name)


@pytest.mark.parametrize("model, preset", PACKAGED, ids=lambda value: value)
def test_what_is_packaged_writes_and_has_a_card(untraced, model, preset):
    card = trained.card(model, preset)
    assert (card["model"], card["preset"]) == (model, preset)
    assert {"data", "licence", "command", "seed", "figures", "intervals", "epochs"} <= set(card)
    assert json.loads(json.dumps(card, allow_nan=False)) == card
    with untraced():
        texts = zoo.build(model, preset=preset).generate(20, seed=1)
    assert len(set(texts)) > 10 and all(isinstance(text, str) for text in texts)


def test_all_that_is_packaged_is_under_20_megabytes():
    assert sum(trained.card(*pair)["bytes"] for pair in PACKAGED) < 20e6

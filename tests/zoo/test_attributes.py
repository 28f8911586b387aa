"""Attributes in every model that takes them: learned from labels, asked for, refused in one line where they are
wrong."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen.errors import InputError
from keras_textgen.models import LanguageModel
from keras_textgen.sampling import Options

LANGUAGE_MODELS = [name for name in zoo.list_models() if issubclass(zoo.spec(name).load(), LanguageModel)]
TOLD_LANGUAGE_MODELS = [name for name in LANGUAGE_MODELS if zoo.spec(name).load().takes_attributes]

PRAISE, BLAME = ["good", "great"], ["bad", "awful"]
TEXTS = [
    f"the {thing} was {word}{mark}"
    for thing, word, mark in itertools.product(["food", "film", "old hotel", "long walk"], PRAISE + BLAME, [".", "!"])
]
LABELS = {
    "sentiment": ["positive" if any(word in text for word in PRAISE) else "negative" for text in TEXTS],
    "mark": ["loud" if text.endswith("!") else "calm" for text in TEXTS],
}
VALUES = {"mark": ["calm", "loud"], "sentiment": ["negative", "positive"]}
WISH = {"sentiment": "positive", "mark": "loud"}


@pytest.fixture(scope="module")
def told(build_tiny, latest):
    """`told(name)`: a tiny model after an epoch on labelled lists and one on a data set, built once; a test must not
    change it. `losses_so_far` holds those of both, in training and validation."""

    def make(name):
        model = build_tiny(name)
        model.losses_so_far = []
        for x, labels, validation in ((TEXTS, LABELS, (TEXTS, LABELS)), (pairs(), None, pairs())):
            options = dict(labels=labels, validation_data=validation, batch_size=16, verbose=0)
            history = model.fit(x, **options).history
            model.losses_so_far += history["loss"] + history["val_loss"]
        return model

    return latest(make)


def pairs(labels=LABELS):
    return tf.data.Dataset.from_tensor_slices((TEXTS, labels))


# What a model learns and is asked for


def test_the_first_fit_learns_the_attributes(told, latent_name):
    model = told(latent_name)
    assert model.attributes.values == VALUES
    assert len(model.losses_so_far) == 4 and np.isfinite(model.losses_so_far).all()


def test_texts_are_asked_for_with_attributes(told, latent_name):
    model, two = told(latent_name), TEXTS[:2]
    for wish in (WISH, {"sentiment": ["positive", "negative"], "mark": "calm"}):
        each = [{name: value if isinstance(value, str) else value[n] for name, value in wish.items()} for n in (0, 1)]
        written = model.generate(2, attributes=wish, seed=3)
        assert written == [model.generate(2, attributes=one, seed=3)[n] for n, one in enumerate(each)]
        labels = wish if model.encoder_is_told else None
        back = model.reconstruct(two, attributes=wish)
        assert back == model.decode(model.encode(two, labels=labels), attributes=wish)
        assert back == [model.reconstruct(text, attributes=one)[0] for text, one in zip(two, each, strict=True)]
        # An analogy of a text with itself changes nothing.
        assert model.analogy(TEXTS[7:9], TEXTS[7:9], two, attributes=wish) == back
        paths = model.interpolate(two, TEXTS[-2:], 3, attributes=wish)
        assert [path[0] for path in paths] == back
        assert [path[-1] for path in paths] == model.reconstruct(TEXTS[-2:], attributes=wish)
    assert model.analogy(TEXTS[7], TEXTS[7], two[0], attributes=WISH) == model.reconstruct(two[0], attributes=WISH)[0]


def test_what_a_text_is_told_changes_its_probabilities(told, latent_name):
    model = told(latent_name)
    ids, terms = model.tokenizer(TEXTS), []
    for value in ("positive", "negative"):
        model.reseed(0)
        numbers = model.attributes.numbers({"sentiment": value, "mark": "calm"}, len(TEXTS))
        terms.append(model(ids, tf.constant(numbers), training=False))
    assert np.abs(terms[0]["distortion"] - terms[1]["distortion"]).min() > 0
    if not model.encoder_is_told:
        np.testing.assert_array_equal(model.encode(TEXTS), model.encode(TEXTS, labels=LABELS))


def test_a_text_is_its_own_nearest_neighbour(told, latent_name):
    model = told(latent_name)
    labels = WISH if model.encoder_is_told else None
    found = model.neighbours(TEXTS[3:6], TEXTS, 3, labels=labels)
    codes = model.encode(TEXTS, labels=labels).reshape(len(TEXTS), -1)
    for place, neighbours in enumerate(found, start=3):
        assert neighbours[0] == (TEXTS[place], pytest.approx(0, abs=1e-4))
        distances = np.sort(np.linalg.norm(codes - codes[place], axis=1))[:3]
        np.testing.assert_allclose([distance for _, distance in neighbours], distances, atol=1e-4)


@pytest.mark.parametrize("batched", [False, True])
def test_a_data_set_of_pairs_teaches_what_lists_do(build_tiny, told, latent_name, batched):
    model = build_tiny(latent_name)
    model.fit(pairs().batch(5) if batched else pairs(), epochs=0, verbose=0)
    assert model.attributes.values == VALUES
    assert model.tokenizer.vocabulary == told(latent_name).tokenizer.vocabulary


def test_a_data_set_of_pairs_is_judged_as_lists_are(told, latent_name):
    numbers = [
        told(latent_name).evaluate(x, labels=labels, batch_size=16, return_dict=True, verbose=0)
        for x, labels in ((pairs(), None), (TEXTS, LABELS))
    ]
    # In another order, so that each text has other noise; a deterministic model gives the same.
    assert numbers[0]["loss"] == pytest.approx(numbers[1]["loss"], rel=1e-5 if latent_name == "dense_ae" else 0.05)


# What is refused


def one_line(call, **arguments) -> str:
    with pytest.raises(InputError) as error:
        call(**arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


WRONG = {
    "none": (None, "the attribute 'mark' is missing"),
    "one missing": ({"sentiment": "positive"}, "the attribute 'mark' is missing"),
    "one unknown": ({**WISH, "colour": "red"}, "unknown attribute 'colour'"),
    "an unknown value": ({**WISH, "sentiment": "happy"}, "unknown sentiment 'happy'"),
    "too few": ({**WISH, "sentiment": ["positive"] * 2}, "2 values of the attribute 'sentiment'"),
}


@pytest.mark.parametrize("wrong, said", WRONG.values(), ids=WRONG)
def test_wrong_labels_are_refused_in_one_line_by_every_verb(told, latent_name, wrong, said):
    model = told(latent_name)
    for verb in (model.fit, model.evaluate):
        assert said in one_line(verb, x=TEXTS, labels=wrong, verbose=0)
    three = TEXTS[:3]
    if hasattr(model, "score"):
        assert said in one_line(model.score, texts=three, labels=wrong)
    if model.encoder_is_told:
        assert said in one_line(model.encode, texts=three, labels=wrong)
    assert said in one_line(model.generate, num=3, attributes=wrong)
    assert said in one_line(model.reconstruct, texts=three, attributes=wrong)
    assert said in one_line(model.decode, z=np.zeros([3, *model.latent_shape]), attributes=wrong)
    assert said in one_line(model.interpolate, a=three, b=three, attributes=wrong)
    assert said in one_line(model.analogy, a=three, b=three, c=three, attributes=wrong)


def test_data_sets_without_the_labels_are_refused_in_one_line(told, latent_name):
    model = told(latent_name)
    for dataset in (pairs().map(lambda text, labels: text), pairs({"sentiment": LABELS["sentiment"]})):
        for verb in (model.fit, model.evaluate):
            assert "the attribute 'mark' is missing" in one_line(verb, x=dataset, verbose=0)
    assert "missing" in one_line(model.fit, x=TEXTS, labels=LABELS, validation_data=TEXTS, verbose=0)


def test_labels_beside_a_data_set_are_refused_in_one_line(told, latent_name):
    new = zoo.build(latent_name)
    for verb in (told(latent_name).fit, told(latent_name).evaluate, new.fit):
        assert "data set holds its labels itself" in one_line(verb, x=pairs(), labels=LABELS, verbose=0)
    assert not new.built


def test_labels_for_a_model_that_was_built_without_attributes_are_refused(build_tiny, latent_name):
    model = build_tiny(latent_name, texts=TEXTS)
    for verb in (model.fit, model.evaluate):
        assert "knows no attributes" in one_line(verb, x=TEXTS, labels=LABELS, verbose=0)
    assert "knows no attributes" in one_line(model.generate, attributes=WISH)
    assert "knows no attributes" in one_line(model.reconstruct, texts=TEXTS, attributes=WISH)


# Language models


@pytest.mark.parametrize("name", TOLD_LANGUAGE_MODELS)
def test_a_language_model_writes_and_scores_by_attributes(told, name):
    model = told(name)
    assert model.attributes.values == VALUES and np.isfinite(model.losses_so_far).all()
    wish = {"sentiment": ["positive", "negative", "negative"], "mark": "loud"}
    each = [{"sentiment": value, "mark": "loud"} for value in wish["sentiment"]]
    for options in (dict(seed=3), dict(seed=3, strategy="beam", num_beams=2, prompt=["the food", "", "it"])):
        alone = [
            model.generate(3, attributes=one, **{**options, "prompt": options.get("prompt", "")})[place]
            for place, one in enumerate(each)
        ]
        assert model.generate(3, attributes=wish, **options) == alone
    assert "".join(model.stream(attributes=WISH, seed=3)) == model.generate(1, attributes=WISH, seed=3)[0]
    scores = model.score(TEXTS[:3], labels=wish)
    expected = [model.score(text, labels=one)[0] for text, one in zip(TEXTS, each, strict=False)]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    assert np.abs(scores - model.score(TEXTS[:3], labels={"sentiment": "negative", "mark": "calm"})).min() > 0
    # Their mean, over the texts, is what evaluate minimises.
    loss = model.evaluate(TEXTS, labels=LABELS, return_dict=True, verbose=0)["loss"]
    assert loss == pytest.approx(-model.score(TEXTS, labels=LABELS).mean(), rel=1e-5)


@pytest.mark.parametrize("name", TOLD_LANGUAGE_MODELS)
def test_wrong_labels_are_refused_in_one_line_by_a_language_model(told, build_tiny, name):
    model, three = told(name), TEXTS[:3]
    for wrong, said in WRONG.values():
        for verb in (model.fit, model.evaluate):
            assert said in one_line(verb, x=TEXTS, labels=wrong, verbose=0)
        assert said in one_line(model.generate, num=3, attributes=wrong)
        assert said in one_line(model.score, texts=three, labels=wrong)
        assert said in one_line(model.stream, attributes=wrong)
    plain = build_tiny(name, texts=TEXTS)
    assert "knows no attributes" in one_line(plain.fit, x=TEXTS, labels=LABELS, verbose=0)
    assert "knows no attributes" in one_line(plain.generate, attributes=WISH)
    assert "knows no attributes" in one_line(plain.score, texts=TEXTS, labels=LABELS)


@pytest.mark.parametrize("name", TOLD_LANGUAGE_MODELS)
def test_the_attributes_of_a_language_model_survive_saving_and_come_with_an_export(told, name, tmp_path):
    model, wish = told(name), {"mark": "calm", "sentiment": ["negative", "positive", "negative"]}
    model.save(tmp_path / "model.keras")
    other = zoo.load(tmp_path / "model.keras")
    assert other.attributes.values == VALUES
    np.testing.assert_array_equal(other.score(TEXTS[:3], labels=wish), model.score(TEXTS[:3], labels=wish))
    loaded = tf.saved_model.load(str(zoo.export(model, tmp_path / "exported"))).signatures
    columns = {"mark": tf.constant(["calm"]), "sentiment": tf.constant(wish["sentiment"])}
    answer = loaded["score"](texts=tf.constant(TEXTS[:3]), **columns)["log_likelihood"]
    np.testing.assert_allclose(answer, model.score(TEXTS[:3], labels=wish), rtol=1e-5)
    inputs = dict(num=tf.constant(3), seed=tf.constant(4, tf.int64), **Options.tensors()._asdict())
    texts = [text.decode() for text in loaded["generate"](**inputs, **columns)["texts"].numpy()]
    assert texts == model.generate(3, seed=4, attributes=wish)


@pytest.mark.parametrize("name", sorted(set(LANGUAGE_MODELS) - set(TOLD_LANGUAGE_MODELS)))
def test_a_model_that_takes_no_attributes_says_so_in_one_line(build_tiny, name):
    model = build_tiny(name)
    for x, labels in ((TEXTS, LABELS), (pairs(), None)):
        assert "attributes" in one_line(model.fit, x=x, labels=labels, verbose=0)
    assert "attributes" in one_line(build_tiny, name=name, attributes=VALUES)
    model = build_tiny(name, texts=TEXTS)
    assert "knows no attributes" in one_line(model.generate, attributes=WISH)


# Saving and serving


def test_attributes_survive_saving_and_come_with_an_export(told, latent_name, tmp_path):
    model = told(latent_name)
    model.save(tmp_path / "model.keras")
    other = zoo.load(tmp_path / "model.keras")
    assert other.attributes.values == VALUES
    ids, numbers = model.tokenizer(TEXTS), tf.constant(model.attributes.numbers(LABELS, len(TEXTS)))
    for one in (model, other):
        one.reseed(0)
    np.testing.assert_array_equal(*(one(ids, numbers)["distortion"] for one in (model, other)))

    wish, three = {"mark": "calm", "sentiment": ["negative", "positive", "negative"]}, TEXTS[:3]
    texts = model.generate(3, seed=4, attributes=wish)
    loaded = tf.saved_model.load(str(zoo.export(model, tmp_path / "exported"))).signatures
    for name, signature in model.signatures().items():
        told_of = set(VALUES) if signature.takes_attributes else set()
        takes = {key: spec.dtype for key, spec in loaded[name].structured_input_signature[1].items()}
        assert set(takes) == set(signature.inputs) | told_of | set(signature.options)
        assert all(takes[key] == tf.string for key in told_of)
    columns = {"mark": tf.constant(["calm"]), "sentiment": tf.constant(wish["sentiment"])}
    numbers = dict(num=tf.constant(3), seed=tf.constant(4, tf.int64), **Options.tensors()._asdict())
    assert [text.decode() for text in loaded["generate"](**numbers, **columns)["texts"].numpy()] == texts
    answer = loaded["reconstruct"](texts=tf.constant(three), **columns)["texts"].numpy()
    assert [text.decode() for text in answer] == model.reconstruct(three, attributes=wish)
    values = loaded["attributes"](names=tf.constant(["mark", "sentiment", "mark"]))["values"].numpy().tolist()
    assert values == [[b"calm", b"loud"], [b"negative", b"positive"], [b"calm", b"loud"]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown attribute; choose from: mark, sentiment"):
        loaded["attributes"](names=tf.constant(["size"]))
    columns["mark"] = tf.constant(["shrill"])
    with pytest.raises(tf.errors.InvalidArgumentError, match="unknown mark; choose from: calm, loud"):
        loaded["generate"](**numbers, **columns)


# What it is for


def test_a_model_writes_what_it_is_asked_for(build_tiny):
    model = build_tiny("lstm_vae", dropout=0.0)
    model.compile(keras.optimizers.Adam(0.02))
    model.fit(TEXTS, labels=LABELS, batch_size=8, epochs=12, verbose=0)
    for (sentiment, words), (mark, sign) in itertools.product(
        (("positive", PRAISE), ("negative", BLAME)), (("loud", "!"), ("calm", "."))
    ):
        texts = model.generate(30, seed=1, attributes={"sentiment": sentiment, "mark": mark})
        assert np.mean([any(word in text for word in words) for text in texts]) > 0.8
        assert np.mean([text.endswith(sign) for text in texts]) > 0.8
        # A transfer: the latents of other texts do not speak against it.
        back = model.reconstruct(TEXTS, attributes={"sentiment": sentiment, "mark": mark})
        assert np.mean([any(word in text for word in words) and text.endswith(sign) for text in back]) > 0.8

"""The contract that every model of the zoo keeps."""

import contextlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen.errors import InputError
from keras_textgen.optimizers import Adam, AdamW
from keras_textgen.text import END, UNKNOWN


def weights(model):
    return [np.asarray(weight) for weight in model.weights]


def assert_same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def one_line(error) -> bool:
    return "\n" not in str(error.value)


def padded_ids(model, texts):
    return model.tokenizer(texts, sequence_length=model.sequence_length).numpy()


def fitted_eagerly(model):
    """The model, to be fitted step by step in Python: a few steps take longer to trace than to run."""
    model.compile(run_eagerly=True)
    return model


# Building


def test_a_model_is_built_without_arguments_and_has_no_weights_until_fit(model_name, corpus):
    model = zoo.build(model_name)
    assert model.compiled and model.optimizer is not None
    assert not model.built and model.weights == []
    for call in (model.generate, model.stream, lambda: model.evaluate(corpus)):
        with pytest.raises(InputError, match="no vocabulary yet") as error:
            call()
        assert one_line(error)


def test_texts_at_build_give_weights_at_once(build_tiny, untraced, model_name, corpus):
    model = build_tiny(model_name, texts=corpus)
    assert model.built and model.weights
    with untraced():
        assert len(model.generate(2, seed=0)) == 2


@pytest.mark.parametrize("tokenizer", ["characters", "wordpiece", "bytes"])
def test_every_tokenizer_works_as_words_do(build_tiny, model_name, corpus, tokenizer):
    model = fitted_eagerly(build_tiny(model_name, tokenizer=tokenizer))
    history = model.fit(corpus[:8], batch_size=8, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert all(isinstance(text, str) for text in model.generate(3, seed=0))


def test_two_models_share_nothing(build_tiny, model_name, corpus):
    first, second = build_tiny(model_name, texts=corpus), build_tiny(model_name, texts=corpus)
    before = weights(second)
    fitted_eagerly(first).fit(corpus[:16], batch_size=16, verbose=0)
    assert_same(weights(second), before)


# fit

VALIDATION_FORMS = ("list", "tuple", "array", "ids", "dataset", "batched dataset")  # a tuple is a pair with no labels


def forms(model, corpus):
    dataset = tf.data.Dataset.from_tensor_slices(corpus)
    ids = padded_ids(model, corpus)
    return {
        "list": corpus,
        "tuple": tuple(corpus),
        "array": np.array(corpus),
        "object array": np.array(corpus, object),
        "generator": (text for text in corpus),
        "tensor": tf.constant(corpus),
        "ids": ids,
        "int64 ids": ids.astype(np.int64),
        "dataset": dataset,
        "batched dataset": dataset.batch(16),
        "dataset of pairs": dataset.map(lambda text: (text, 0)),
        "dataset of ids": tf.data.Dataset.from_tensor_slices(ids).batch(16),
        "dataset of single ids": tf.data.Dataset.from_tensor_slices(ids),
    }


def test_fit_takes_texts_in_every_form(restored, model_name, corpus):
    model = restored(model_name)
    held_out = forms(model, corpus) | {"tuple": (corpus, None)}
    for form, x in forms(model, corpus).items():
        steps = int(model.training_steps)
        validation = held_out[form] if form in VALIDATION_FORMS else None
        history = model.fit(x, validation_data=validation, batch_size=16, epochs=1, verbose=0).history
        assert np.isfinite(history["loss"]).all(), form
        assert int(model.training_steps) - steps == 4, form
        assert validation is None or np.isfinite(history["val_loss"]).all(), form


@pytest.mark.parametrize("form", ["list", "batched dataset"])
def test_the_first_fit_learns_the_vocabulary(build_tiny, fitted, model_name, corpus, form):
    model = build_tiny(model_name)
    model.fit(forms(fitted(model_name), corpus)[form], batch_size=16, epochs=0, verbose=0)
    assert model.tokenizer.vocabulary == fitted(model_name).tokenizer.vocabulary


def test_evaluate_takes_texts_in_every_form(fitted, model_name, corpus):
    model, expected = fitted(model_name), None
    for form, x in forms(model, corpus).items():
        numbers = model.evaluate(x, batch_size=16, return_dict=True, verbose=0)
        assert all(np.isfinite(number) for number in numbers.values()), form
        if form in ("list", "tuple", "array", "object array", "tensor", "ids", "int64 ids"):
            expected = expected or numbers
            assert numbers == expected, form


def test_validation_after_fit_is_evaluate(restored, model_name, corpus):
    model = restored(model_name)
    history = model.fit(corpus, validation_data=corpus[:30], batch_size=16, epochs=2, verbose=0).history
    numbers = model.evaluate(corpus[:30], batch_size=16, return_dict=True, verbose=0)
    for name, number in numbers.items():
        assert history[f"val_{name}"][-1] == number, name


def test_long_texts_are_cut_in_every_form(fitted, model_name, corpus):
    model = fitted(model_name)
    texts = [" ".join([text] * 5) for text in corpus[:4]]
    ids = model.tokenizer(texts).numpy()
    assert ids.shape[1] > model.sequence_length
    expected = model.evaluate(ids[:, : model.sequence_length], return_dict=True, verbose=0)
    sets = {"ids": ids, "single": tf.data.Dataset.from_tensor_slices(ids), "batch": tf.data.Dataset.from_tensors(ids)}
    for form, x in sets.items():
        numbers = model.evaluate(x, return_dict=True, verbose=0)
        for name, number in expected.items():
            assert numbers[name] == pytest.approx(number, rel=1e-5), (form, name)


def test_the_loss_goes_down(course, likelihood_name):
    found = course(likelihood_name)
    assert found.after < 0.7 * found.before


def test_evaluate_twice_gives_the_same_numbers(fitted, model_name, corpus):
    model = fitted(model_name)
    first, second = (model.evaluate(corpus, batch_size=10, return_dict=True, verbose=0) for _ in range(2))
    assert first == second


def test_padding_changes_no_number(fitted, model_name, corpus):
    model = fitted(model_name)
    ids = padded_ids(model, corpus[:20])
    terms = []
    for more in (0, 1, 7):
        model.reseed(0)
        terms.append(model(np.pad(ids, [[0, 0], [0, more]]), training=False))
    for name in terms[0]:
        for other in terms[1:]:
            # A longer sum may be added up in another order, so the last bit may differ; that of 1, too, for a small
            # rate is a difference of numbers of that size.
            np.testing.assert_allclose(other[name], terms[0][name], rtol=1e-6, atol=2e-7, err_msg=name)


# Writing


def test_the_same_seed_writes_the_same_texts_and_another_others(fitted, model_name):
    model = fitted(model_name)
    texts = model.generate(6, seed=3)
    assert model.generate(6, seed=3) == texts
    assert model.generate(6, seed=4) != texts
    assert model.generate(2, seed=3) == texts[:2]  # however many are written
    assert model.generate(6) != model.generate(6)


def test_texts_are_words_of_the_vocabulary_and_no_longer_than_allowed(fitted, model_name):
    model = fitted(model_name)
    for text in model.generate(20, seed=0, temperature=2.0):
        ids = padded_ids(model, [text]).tolist()[0]
        assert len(ids) <= model.sequence_length + 1
        assert UNKNOWN not in ids and ids.index(END) == len(ids) - 1


def test_functions_that_are_run_eagerly_write_the_same(fitted, untraced, model_name):
    """As who looks for a fault does."""
    model = fitted(model_name)
    with untraced():
        texts = model.generate(2, seed=3, top_k=20)
    assert texts == model.generate(2, seed=3, top_k=20)


def test_temperature_0_is_greedy(fitted, model_name):
    model = fitted(model_name)
    greedy = model.generate(4, seed=1, strategy="greedy")
    assert model.generate(4, seed=1, temperature=0) == greedy
    assert model.generate(4, seed=1, temperature=0.0) == greedy


def test_no_texts_are_an_empty_list(fitted, model_name):
    assert fitted(model_name).generate(0) == []
    assert fitted(model_name).generate(0, strategy="beam", prompt=[]) == []


def tokens_of(model, text):
    """The tokens of a text without its end."""
    return [token for token in model.tokenizer([text]).numpy()[0].tolist() if token != END]


def test_texts_begin_with_their_prompts(fitted, model_name):
    model = fitted(model_name)
    prompts = ["The old  HORSE ,", "", "zebra on", "the cat . " * 20]
    starts = ["the old horse,", "", "<unk> on", "the cat. the cat. the cat. the cat"]  # all but the end of 12 tokens
    written = model.generate(4, seed=1, prompt=prompts, temperature=1.5)
    best = model.generate(4, seed=1, prompt=prompts, strategy="beam", num_beams=2)
    for text, other, start in zip(written, best, starts, strict=True):
        assert text.startswith(start) and other.startswith(start)
        assert len(tokens_of(model, text)) <= 12 and len(tokens_of(model, other)) <= 12
    assert model.generate(4, seed=1, prompt=prompts[0], temperature=1.5)[0] == written[0]
    # A prompt changes nothing where there is none.
    assert model.generate(2, seed=1, temperature=1.5)[1] == written[1]


def test_texts_keep_the_limits_that_are_asked_for(fitted, model_name):
    model, words = fitted(model_name), ["the", "sat", "."]
    banned = {token for word in words for token in tokens_of(model, word)}
    assert any(banned & set(tokens_of(model, text)) for text in model.generate(6, seed=2))
    for how in (dict(temperature=1.5), dict(strategy="greedy"), dict(strategy="beam", num_beams=3)):
        for lowest, highest in ((5, 7), (3, 3)):
            limits = dict(min_length=lowest, max_length=highest, banned=words)
            for tokens in [tokens_of(model, text) for text in model.generate(6, seed=2, **how, **limits)]:
                assert not banned & set(tokens)
                assert lowest - 1 <= len(tokens) <= highest  # the end is one; a text that is cut has none


def test_every_option_changes_texts_and_the_same_seed_writes_the_same(fitted, model_name):
    model, plain = fitted(model_name), dict(seed=3, temperature=1.2)
    texts = model.generate(5, **plain)
    for name, value in {"top_k": 2, "top_p": 0.3, "typical_p": 0.3, "repetition_penalty": 9.0}.items():
        assert model.generate(5, **plain, **{name: value}) != texts, name
    together = dict(
        plain, top_k=9, top_p=0.9, typical_p=0.9, repetition_penalty=1.2, min_length=4, prompt="a", banned=["."]
    )
    for options in (together, dict(together, strategy="beam", num_beams=3)):
        assert model.generate(3, **options) == model.generate(4, **options)[:3]
    # A beam search of one token is greedy.
    greedy, best = (
        model.generate(4, seed=3, strategy="greedy"),
        model.generate(4, seed=3, strategy="beam", max_length=1),
    )
    assert [tokens_of(model, text) for text in best] == [tokens_of(model, text)[:1] for text in greedy]


def test_a_text_that_is_streamed_is_that_of_generate(fitted, model_name):
    model, options = fitted(model_name), dict(seed=4, temperature=1.5, top_k=20, min_length=6, prompt="the old")
    found = list(model.stream(**options))
    assert "".join(found) == model.generate(1, **options)[0]
    assert len(found) > 2 and all(found)


def test_a_beam_search_gives_its_best_texts_in_order(fitted, model_name):
    model, options = fitted(model_name), dict(seed=3, strategy="beam", num_beams=4)
    best = model.generate(3, num_best=3, **options)
    assert len(best) == 9 and all(len(set(best[first : first + 3])) == 3 for first in (0, 3, 6))
    assert model.generate(2, **options) == best[:6:3]  # however many are written
    assert model.generate(2, num_best=3, **options) == best[:6]


@pytest.mark.parametrize(
    "wrong",
    [{"num": -1}, {"num": 2.5}, {"num": "3"}, {"num": None}, {"num": True},
     {"temperature": -0.5}, {"temperature": "hot"},
     {"temperature": float("nan")}, {"temperature": float("inf")}, {"top_k": -1}, {"top_k": 1.5}, {"top_p": 1.5},
     {"top_p": 0},
     {"top_p": -0.1}, {"top_p": None}, {"strategy": "bream"}, {"strategy": None}, {"seed": "a"}, {"seed": 1.5},
     {"seed": 2**64}],
    ids=str,
)  # fmt: skip
def test_wrong_arguments_to_generate_are_refused_in_one_line(fitted, model_name, wrong):
    with pytest.raises(InputError) as error:
        fitted(model_name).generate(**wrong)
    assert one_line(error)
    assert next(iter(wrong)) in str(error.value)


WRONG_OPTIONS = [
    ({"temprature": 0.5}, "unknown option of generate 'temprature'; did you mean 'temperature'?"),
    ({"length": 9}, "unknown option of generate 'length'"),
    ({"num_beams": 0, "strategy": "beam"}, "num_beams must be at least 1"),
    ({"num_beams": 3}, "num_beams is for the strategy 'beam'"),
    ({"num_best": 3}, "num_best (3) is over num_beams (1)"),
    ({"num_beams": 2, "num_best": 3, "strategy": "beam"}, "num_best (3) is over num_beams (2)"),
    ({"typical_p": 0}, "typical_p must be above 0"),
    ({"repetition_penalty": 0.5}, "repetition_penalty must be at least 1"),
    ({"length_penalty": None}, "length_penalty must be a number"),
    ({"min_length": 0}, "min_length must be at least 1"),
    ({"max_length": 13}, "max_length must be at most 12"),
    ({"min_length": 6, "max_length": 5}, "min_length (6) is over max_length (5)"),
    ({"banned": "the"}, "banned must be a list of strings"),
    ({"banned": ["the", "old horse"]}, "'old horse' cannot be banned"),
    ({"banned": ["zebra"]}, "'zebra' cannot be banned"),
    ({"banned": [""]}, "'' cannot be banned"),
    ({"prompt": 3}, "prompt must be"),
    ({"prompt": ["the", 3]}, "prompt must be"),
    ({"prompt": ["the", "a"]}, "2 prompts were given for 3 texts"),
    ({"prompt": []}, "0 prompts were given for 3 texts"),
    ({"prompt": "\ud800"}, "prompt"),
    ({"banned": ["\ud800"]}, "banned"),
]  # fmt: skip


def test_wrong_options_are_refused_in_one_line(fitted, model_name):
    model = fitted(model_name)
    for options, said in WRONG_OPTIONS:
        with pytest.raises(InputError) as error:
            model.generate(3, **options)
        assert said in str(error.value) and one_line(error)
    for options, said in (
        (dict(strategy="beam"), "stream with another"),
        (dict(top_k=-1), "top_k"),
        (dict(num=1), "num"),
    ):
        with pytest.raises(InputError) as error:
            model.stream(**options)
        assert said in str(error.value) and one_line(error)


BAD_TEXTS = {
    "none": [],
    "an empty one": ["a", ""],
    "a number": [3],
    "nothing": None,
    "broken": [b"\xff"],
    "a surrogate": ["\ud800"],
    "floats": np.zeros([2, 3], np.float32),
}


@pytest.mark.parametrize("wrong", BAD_TEXTS.values(), ids=BAD_TEXTS)
@pytest.mark.parametrize("verb", ["fit", "evaluate", "score", "encode", "reconstruct"])
def test_what_is_no_text_is_refused_in_one_line(spare, model_name, verb, wrong):
    method = getattr(spare(model_name), verb, None)
    if method is None:
        pytest.skip(f"it does not {verb}")
    with pytest.raises(InputError) as error:
        method(wrong)
    assert one_line(error)


BAD_FITS = {
    "ids over the vocabulary": {"x": np.full([2, 5], 10_000)},
    "negative ids": {"x": np.full([2, 5], -1)},
    "ids of one dimension": {"x": np.array([4, 5, 2])},
    "ids that are all padding": {"x": np.zeros([2, 5], np.int32)},
    "a data set of floats": {"x": tf.data.Dataset.from_tensor_slices(np.zeros([4, 3], np.float32))},
    "batches of no text": {"x": ["a"], "batch_size": 0},
    "batches of half a text": {"x": ["a"], "batch_size": 0.5},
    "epochs in words": {"x": ["a"], "epochs": "two"},
    "a share for validation": {"x": ["a", "b"], "validation_split": 2.0},
    "validation on nothing": {"x": ["a"], "validation_data": []},
}


@pytest.mark.parametrize("wrong", BAD_FITS.values(), ids=BAD_FITS)
def test_wrong_arguments_to_fit_are_refused_in_one_line(spare, model_name, wrong):
    with pytest.raises(InputError) as error:
        spare(model_name).fit(**wrong, verbose=0)
    assert one_line(error)


def test_no_ids_are_refused_in_one_line(fitted, model_name):
    # Not through fit, which would wait for the first of no batches for ever.
    with pytest.raises(InputError) as error:
        fitted(model_name).ids(np.zeros([0, 5], np.int32))
    assert one_line(error)


# Likelihoods


def test_the_score_of_a_text_is_the_same_in_any_company(fitted, likelihood_name, corpus):
    model = fitted(likelihood_name)
    together = model.score(corpus)
    assert together.dtype == np.float32 and together.shape == (len(corpus),)
    assert (together < 0).all()
    long = " ".join(["the cat sat on the mat"] * 2)
    np.testing.assert_allclose(model.score([corpus[0]])[0], together[0], rtol=1e-5)
    np.testing.assert_allclose(model.score([long, *corpus[:3]])[1:], together[:3], rtol=1e-5)
    np.testing.assert_allclose(model.score(corpus[::-1])[::-1], together, rtol=1e-5)


def test_the_texts_that_were_learned_score_over_others_of_the_rarest_words(course, likelihood_name):
    found = course(likelihood_name)
    assert found.learned > found.others + 1


# Latents


def test_encode_gives_a_row_a_text_in_their_order(fitted, latent_name, corpus):
    model = fitted(latent_name)
    latents = model.encode(corpus)
    assert latents.dtype == np.float32 and latents.shape == (len(corpus), *model.latent_shape)
    np.testing.assert_allclose(model.encode(corpus[::-1])[::-1], latents, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.encode(corpus[5]), latents[5:6], rtol=1e-5, atol=1e-6)


def test_reconstruct_is_decode_after_encode(fitted, latent_name, corpus):
    model = fitted(latent_name)
    assert model.reconstruct(corpus) == model.decode(model.encode(corpus))
    assert model.decode(model.encode(corpus[0])[0]) == model.reconstruct(corpus[0])


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_interpolation_starts_and_ends_at_the_reconstructions(fitted, latent_name, corpus, method):
    model = fitted(latent_name)
    path = model.interpolate(corpus[0], corpus[-1], 4, method=method)
    assert len(path) == 4 and [path[0], path[-1]] == model.reconstruct([corpus[0], corpus[-1]])
    several = model.interpolate(corpus[:3], corpus[-3:], 4, method=method)
    assert len(several) == 3 and all(len(one) == 4 for one in several)


@pytest.mark.parametrize(
    "arguments",
    [("a", "b", 1), ("a", "b", 2.5), ("a", "b", "2"), (["a"], ["b", "c"]), ("", "b"), ("a", None),
     ("a", ["b"], 3, "cubic")],
    ids=str,
)  # fmt: skip
def test_wrong_arguments_to_interpolate_are_refused_in_one_line(fitted, latent_name, arguments):
    with pytest.raises(InputError) as error:
        fitted(latent_name).interpolate(*arguments[:3], **dict(zip(["method"], arguments[3:], strict=False)))
    assert one_line(error)


@pytest.mark.parametrize(
    "z", ["text", None, 3.0, [[1.0]], [[[1.0] * 4]], [], [["a"] * 4], [[float("nan")] * 4], [[1.0] * 4, [1.0]]], ids=str
)
def test_wrong_latents_are_refused_in_one_line(fitted, latent_name, z):
    with pytest.raises(InputError) as error:
        fitted(latent_name).decode(z)
    assert one_line(error)


def test_no_latents_are_no_texts(fitted, latent_name):
    model = fitted(latent_name)
    assert model.decode(np.zeros([0, *model.latent_shape], np.float32)) == []


@pytest.mark.parametrize("wrong", [{"num_samples": 0}, {"num_samples": 1.5}, {"seed": None}, {"seed": 2**64}], ids=str)
def test_wrong_arguments_to_score_are_refused_in_one_line(fitted, variational_name, wrong):
    with pytest.raises(InputError) as error:
        fitted(variational_name).score("the cat", **wrong)
    assert one_line(error)


def test_latent_statistics_keep_their_bounds(fitted, variational_name, corpus):
    model = fitted(variational_name)
    numbers = model.latent_statistics(corpus)
    if len(model.latent_shape) == 1:  # a sequence of latents has no estimate of the mutual information
        assert numbers["mutual_information_cap"] == pytest.approx(np.log(64))
        assert numbers["mutual_information"] <= numbers["mutual_information_cap"] + 1e-9
        assert numbers["mutual_information_batch_32"] <= np.log(32) + 1e-9
    assert 0 <= numbers["active_units"] <= model.latent_dim


# Saving


def settings(model):
    """The configuration without what Keras notes about the shapes that a layer has seen."""

    def strip(config):
        return {k: strip(v) for k, v in config.items() if k != "build_config"} if isinstance(config, dict) else config

    return strip(model.get_config())


def without_free_bits(name):
    """Options under which every term of the loss has a gradient, so that a wrong KL weight shows in the weights."""
    return {"free_bits": 0.0} if "free_bits" in zoo.spec(name).hyperparameters else {}


class StopAfter(keras.callbacks.Callback):
    """Interrupts a run after an epoch."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch + 1 == self.epochs


def numbers_of(model, corpus):
    found = {
        "generate": model.generate(5, seed=2, temperature=0.9, top_k=7, top_p=0.8, typical_p=0.95),
        "search": model.generate(2, seed=2, strategy="beam", num_best=2, prompt="the"),
    }
    for verb in ("score", "encode", "reconstruct"):
        if hasattr(model, verb):
            found[verb] = getattr(model, verb)(corpus)
    return found


def test_a_model_survives_saving_with_all_its_numbers(fitted, untraced, model_name, corpus, tmp_path):
    model = fitted(model_name)
    model.save(tmp_path / "model.keras")  # the file of `saved` may be of another one of the same numbers
    other = zoo.load(tmp_path / "model.keras")
    assert type(other) is type(model) and settings(other) == settings(model)
    with untraced():
        first, second = numbers_of(model, corpus[::5]), numbers_of(other, corpus[::5])
    for verb, numbers in first.items():
        np.testing.assert_array_equal(second[verb], numbers, err_msg=verb)
    assert_same(weights(other), weights(model))
    assert [weight.path for weight in other.weights] == [weight.path for weight in model.weights]


def optimizers(model):
    """The optimizer, and that of the discriminator where there is one."""
    return [model.optimizer, *filter(None, [getattr(model, "discriminator_optimizer", None)])]


def test_the_optimizers_survive_saving(fitted, saved, model_name):
    model, other = fitted(model_name), zoo.load(saved(model_name))
    assert int(other.training_steps) == int(model.training_steps) == 8
    first, second = ([np.asarray(v) for one in optimizers(m) for v in one.variables] for m in (model, other))
    assert_same(second, first)
    assert not model.trainable_variables or any(np.abs(value).max() > 0 for value in second[2:])


def test_training_goes_on_from_a_saved_model_as_from_the_original(build_tiny, model_name, corpus, tmp_path):
    model = fitted_eagerly(build_tiny(model_name, **without_free_bits(model_name)))
    model.fit(corpus[:32], batch_size=16, epochs=10, callbacks=[StopAfter(1)], verbose=0)
    model.save(tmp_path / "model.keras")
    other = zoo.load(tmp_path / "model.keras")
    first, second = (m.fit(corpus[:16], batch_size=16, verbose=0).history for m in (model, other))
    assert first == second
    assert_same(weights(other), weights(model))


def test_a_resumed_fit_equals_an_uninterrupted_one(build_tiny, model_name, corpus, tmp_path):
    start, stopped = tmp_path / "start.keras", tmp_path / "stopped.keras"
    model, resumed = build_tiny(model_name, texts=corpus, **without_free_bits(model_name)), None
    model.save(start)
    for options in ({}, {"steps_per_epoch": 3}, {"shuffle": False}):
        model.load_weights(start)
        assert int(model.training_steps) == 0
        model.fit(corpus, batch_size=16, epochs=4, verbose=0, **options)
        whole = weights(model)
        model.load_weights(start)
        model.fit(corpus, batch_size=16, epochs=4, callbacks=[StopAfter(2)], verbose=0, **options)
        part = weights(model)
        model.save(stopped)
        if resumed is None:
            resumed = zoo.load(stopped)
        resumed.load_weights(stopped)
        assert_same(weights(resumed), part)
        resumed.fit(corpus, batch_size=16, initial_epoch=2, epochs=4, verbose=0, **options)
        assert_same(weights(resumed), whole)
        if model.trainable_variables:  # counts are complete after one epoch
            assert any(np.any(a != b) for a, b in zip(part, whole, strict=True))


def test_a_model_without_vocabulary_survives_saving(build_tiny, model_name, corpus, tmp_path):
    model = build_tiny(model_name)
    model.save(tmp_path / "model.keras")
    other = zoo.load(tmp_path / "model.keras")
    assert not other.built and settings(other) == settings(model)
    fitted_eagerly(other).fit(corpus[:16], verbose=0)
    assert other.built


def test_a_model_survives_its_configuration(fitted, model_name):
    model = fitted(model_name)
    config = json.loads(json.dumps(model.get_config()))
    other = type(model).from_config(config)
    assert settings(other) == settings(model)
    assert [w.path for w in other.weights] == [w.path for w in model.weights]
    assert [w.shape for w in other.trainable_weights] == [w.shape for w in model.trainable_weights]


def test_every_hyperparameter_is_in_the_configuration(model_name, build_tiny):
    assert set(zoo.spec(model_name).hyperparameters) <= set(build_tiny(model_name).get_config())


def test_weight_decay_is_that_of_the_own_optimizer(build_tiny, model_name, corpus, tmp_path):
    assert type(build_tiny(model_name, weight_decay=0.0).optimizer) is Adam
    model = build_tiny(model_name, texts=corpus[:4], weight_decay=0.25)
    model.save(tmp_path / "model.keras")
    for one in (model, zoo.load(tmp_path / "model.keras")):
        assert type(one.optimizer) is AdamW and one.optimizer.weight_decay == 0.25
    with pytest.raises(InputError, match="weight_decay must be at least 0"):
        build_tiny(model_name, weight_decay=-1.0)


@pytest.mark.parametrize("name", ["lstm_lm", "transformer_lm", "lstm_vae"])
def test_l2_draws_every_weight_towards_zero_and_is_not_part_of_the_loss(build_tiny, corpus, name):
    weights, losses = [], []
    for l2 in (0.0, 0.5):
        model = build_tiny(name, texts=corpus[:16], l2=l2)
        before = [np.asarray(weight) for weight in model.trainable_variables]
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)  # as in `fitted_eagerly`
        losses.append(model.fit(corpus[:16], batch_size=16, verbose=0).history["loss"][0])
        weights.append([np.asarray(weight) for weight in model.trainable_variables])
    assert type(model).from_config(model.get_config()).l2 == 0.5
    assert losses[0] == losses[1]
    for start, without, with_l2 in zip(before, *weights, strict=True):
        np.testing.assert_allclose(without - with_l2, 0.1 * 0.5 * start, atol=1e-5)


def test_l2_is_at_least_0(build_tiny):
    with pytest.raises(InputError, match="l2 must be at least 0"):
        build_tiny("lstm_lm", l2=-1.0)


def test_another_optimizer_replaces_the_own_one_and_survives_saving(saved, model_name, corpus, tmp_path):
    model = zoo.load(saved(model_name))
    model.compile(keras.optimizers.SGD(0.03, momentum=0.5), run_eagerly=True)  # as in `fitted_eagerly`
    model.fit(corpus[:16], verbose=0)
    model.save(tmp_path / "model.keras")
    other = zoo.load(tmp_path / "model.keras")
    assert isinstance(other.optimizer, keras.optimizers.SGD)
    assert float(other.optimizer.learning_rate) == pytest.approx(0.03) and other.optimizer.momentum == 0.5
    assert_same([np.asarray(v) for v in other.optimizer.variables], [np.asarray(v) for v in model.optimizer.variables])


def test_weights_survive_a_weights_file(fitted, restored, untraced, model_name, tmp_path, corpus):
    model, other = fitted(model_name), restored(model_name)
    other.fit(corpus[:16], verbose=0)
    model.save_weights(tmp_path / "all.weights.h5")
    other.load_weights(tmp_path / "all.weights.h5")
    with untraced():
        assert other.generate(4, seed=0) == model.generate(4, seed=0)


# Keras workflows


@contextlib.contextmanager
def policy(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    yield
    keras.config.set_dtype_policy(before)


def test_mixed_precision_trains_writes_and_survives_saving(build_tiny, untraced, model_name, corpus, tmp_path):
    with policy("mixed_bfloat16"):
        model = build_tiny(model_name)
        history = model.fit(corpus, batch_size=16, epochs=2, verbose=0).history
        assert model.dtype_policy.name == "mixed_bfloat16"
        with untraced():
            numbers = numbers_of(model, corpus[:3])
    assert np.isfinite(history["loss"]).all()
    assert all(weight.dtype == "float32" for weight in model.trainable_variables)
    model.save(tmp_path / "model.keras")
    other = zoo.load(tmp_path / "model.keras")  # outside the policy: it is the model's own
    with untraced():
        again = numbers_of(other, corpus[:3])
    for verb, values in again.items():
        np.testing.assert_array_equal(values, numbers[verb], err_msg=verb)


def test_callbacks_work_as_in_keras(restored, untraced, model_name, corpus, tmp_path):
    model = restored(model_name)
    callbacks = [
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True),
        keras.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    model.fit(corpus, validation_data=corpus[:8], epochs=2, callbacks=callbacks, verbose=0)
    with untraced():
        assert zoo.load(tmp_path / "best.keras").generate(1, seed=0)
    assert "val_loss" in (tmp_path / "log.csv").read_text()


ELSEWHERE = """
    import json, sys
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    import keras, keras_textgen.models

    # One for all: TensorFlow numbers collective operations by process, and takes those of two strategies for the same.
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    def answer(path, corpus):
        if not corpus:
            return keras.saving.load_model(path).generate(3, seed=5)
        with strategy.scope():
            model = keras.saving.load_model(path)
        before = int(model.training_steps.numpy())
        history = model.fit(corpus, batch_size=16, epochs=1, verbose=0).history
        return {"loss": history["loss"][0], "steps": int(model.training_steps.numpy()) - before}
"""


def test_keras_loads_a_saved_model_in_another_process(fitted, saved, process_of, model_name):
    texts = process_of(ELSEWHERE).ask(path=str(saved(model_name)), corpus=[])
    assert texts == fitted(model_name).generate(3, seed=5)


def test_a_mirrored_strategy_trains_on_two_devices(saved, process_of, model_name, corpus):
    result = process_of(ELSEWHERE).ask(path=str(saved(model_name)), corpus=corpus)
    assert isinstance(result, dict), result
    assert np.isfinite(result["loss"]) and result["steps"] > 0

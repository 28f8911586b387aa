"""Remedies for a latent that is not used: pre-training, aggressive training, means of a fixed scale, denoising."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen.models.remedies import MOST_STEPS, PATIENCE, TurnTaking, reset_decoder


def values(variables):
    return [np.array(variable) for variable in variables]


def moved(before, after):
    return [not np.array_equal(one, other) for one, other in zip(before, after, strict=True)]


def is_inference(model):
    """For each trainable variable, whether it belongs to the posterior."""
    own = {id(variable) for variable in model.inference_variables()}
    return [id(variable) in own for variable in model.trainable_variables]


class Notes(keras.callbacks.Callback):
    """Keeps copies of all trainable weights and of the optimizer's variables at both ends of every epoch."""

    def __init__(self):
        super().__init__()
        self.weights, self.optimizer = {}, {}

    def note(self, when):
        self.weights[when] = values(self.model.trainable_variables)
        self.optimizer[when] = {variable.path: np.array(variable) for variable in self.model.optimizer.variables}

    def on_epoch_begin(self, epoch, logs=None):
        self.note(("begin", epoch))

    def on_epoch_end(self, epoch, logs=None):
        self.note(("end", epoch))


# Pre-training


@pytest.mark.parametrize("name", ["dense_vae", "seq_vae"])
def test_after_pre_training_only_the_posterior_stays_and_the_schedule_begins(build_tiny, corpus, name):
    model = build_tiny(name, texts=corpus, pretraining_epochs=2, kl_weight="linear:8", free_bits=0.0)
    start, notes = values(model.trainable_variables), Notes()
    assert not model.settled
    history = model.fit(corpus, batch_size=16, epochs=5, callbacks=[notes], verbose=0).history
    # Four steps an epoch; the weight is that of an epoch's last step.
    np.testing.assert_allclose(history["kl_weight"], [0, 0, 3 / 8, 7 / 8, 1], rtol=1e-6)
    assert int(model.began) == 8 and model.settled
    inference = is_inference(model)
    assert any(inference) and not all(inference)
    # What is no posterior's starts afresh, with biases as they were at first; nothing changes at another time.
    again, end = notes.weights["begin", 2], notes.weights["end", 1]
    for variable, first, last, new, own in zip(model.trainable_variables, start, end, again, inference, strict=True):
        if own:
            np.testing.assert_array_equal(new, last, variable.path)
        elif "bias" in variable.path:
            np.testing.assert_array_equal(new, first, variable.path)
        else:
            assert not np.array_equal(new, last) and not np.array_equal(new, first), variable.path
    for epoch in (1, 3, 4):
        assert not any(moved(notes.weights["end", epoch - 1], notes.weights["begin", epoch]))
    # The optimizer goes on as it was.
    before, after = notes.optimizer["end", 1], notes.optimizer["begin", 2]
    for path, value in after.items():
        np.testing.assert_array_equal(value, before[path], path)


def test_what_starts_afresh_is_drawn_by_the_law_of_a_new_model_and_the_seed(build_tiny, corpus):
    first, second = (build_tiny("dense_vae", texts=corpus) for _ in range(2))
    start = values(first.trainable_variables)
    for model in (first, second):
        reset_decoder(model)
    assert not any(moved(values(first.trainable_variables), values(second.trainable_variables)))
    for variable, old, own in zip(first.trainable_variables, start, is_inference(first), strict=True):
        if not own and len(variable.shape) > 1:
            assert np.std(variable) == pytest.approx(np.std(old), rel=0.2), variable.path


# Aggressive training


def turns_by_plain_python(losses):
    """The loops of He et al. 2019, algorithm 1, over given losses: whether each of them is the decoder's."""
    found, losses = [], iter(losses)
    while True:
        before, burned, steps = float("inf"), 0.0, 0  # the encoder's inner loop begins
        while True:
            loss = next(losses, None)
            if loss is None:
                return found
            steps, burned = steps + 1, burned + loss
            if steps % PATIENCE == 0:
                if burned / PATIENCE >= before or steps >= MOST_STEPS:
                    found.append(True)  # it no longer helps: the decoder's step
                    break
                before, burned = burned / PATIENCE, 0.0
            found.append(False)


def stubbed_losses(kind):
    draw = np.random.default_rng(8)
    falling = 100 * 0.99 ** np.arange(450)
    return {
        "falling": falling,  # the encoder takes all the steps that it may
        "constant": np.full(90, 7.0),
        "rising": np.arange(90.0),
        "noisy": falling + draw.normal(0, 3, 450),
        "wild": draw.normal(0, 1, 900),
    }[kind].astype(np.float32)


@pytest.mark.parametrize("kind, share", [("falling", 4), ("constant", 4), ("rising", 4), ("noisy", 0), ("wild", 0)])
def test_the_decoder_gets_its_turn_as_in_the_loop_of_the_paper(kind, share):
    turns, losses = TurnTaking(True), stubbed_losses(kind)
    next_turn = tf.function(turns.next_turn)
    found = [bool(next_turn(loss)) for loss in losses]
    assert found == turns_by_plain_python(losses)
    places = np.flatnonzero(found)
    if kind == "falling":
        assert (np.diff(places) == MOST_STEPS).all() and places[0] == MOST_STEPS - 1 and len(places) == share
    elif share:
        assert (np.diff(places) == 2 * PATIENCE).all() and len(places) == share
    else:
        assert len(set(np.diff(places))) > 2


@pytest.mark.parametrize("name", ["dense_vae", "seq_vae"])
def test_a_turn_moves_the_weights_of_its_side_alone(build_tiny, corpus, monkeypatch, name):
    model = build_tiny(name, texts=corpus, aggressive=True, free_bits=0.0)
    decoders = tf.Variable(False)
    monkeypatch.setattr(model.turns, "next_turn", lambda loss: tf.identity(decoders))
    ids, attributes = model.tokenizer(corpus), tf.zeros([64, 0], tf.int32)
    step = tf.function(lambda: model.train_step((ids, attributes)))
    for turn in (False, True, False):
        decoders.assign(turn)
        before, steps = values(model.trainable_variables), int(model.optimizer.iterations)
        step()
        assert int(model.optimizer.iterations) == steps + 1
        assert moved(before, values(model.trainable_variables)) == [own != turn for own in is_inference(model)]


def test_there_are_no_turns_while_pre_training(build_tiny, corpus):
    model = build_tiny("dense_vae", texts=corpus, aggressive=True, pretraining_epochs=2, free_bits=0.0)
    ids, attributes = model.tokenizer(corpus), tf.zeros([64, 0], tf.int32)
    step = tf.function(lambda: model.train_step((ids, attributes)))
    before = values(model.trainable_variables)
    step()
    assert all(moved(before, values(model.trainable_variables)))
    assert int(model.turns.steps) == 0
    model.began.assign(1)
    step()
    assert int(model.turns.steps) == 1


def test_it_ends_when_the_information_no_longer_grows(build_tiny, corpus, monkeypatch):
    model = build_tiny("dense_vae", texts=corpus, aggressive=True, free_bits=0.0)
    # One batch is asked for after every epoch: 64 texts are one batch of 64.
    stubs = iter([0.5, 0.8, 0.7, 0.9, 0.1])
    monkeypatch.setattr(model, "information", lambda ids, attributes: next(stubs))
    seen = []

    class Active(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(bool(np.asarray(self.model.turns.active)))

    history = model.fit(corpus, batch_size=64, epochs=5, callbacks=[Active()], verbose=0).history
    assert seen == [True, True, False, False, False]
    np.testing.assert_allclose(history["batch_information"], [0.5, 0.8, 0.7])
    assert next(stubs) == 0.9  # no longer asked for
    before = values(model.trainable_variables)
    model.fit(corpus, batch_size=64, epochs=1, verbose=0)
    assert all(moved(before, values(model.trainable_variables)))  # both sides at once from then on


@pytest.mark.parametrize("name", ["dense_vae", "seq_vae"])
def test_the_information_of_a_model_that_knows_nothing_is_0(build_tiny, corpus, name):
    model = build_tiny(name, texts=corpus)
    ids = model.tokenizer(corpus)
    assert model.information(ids, None) > 1e-3
    head = model.network.posterior_head if name == "seq_vae" else model.head
    for layer in (head, *([model.network.prior_head] if name == "seq_vae" else [])):
        layer.set_weights([0 * weight for weight in layer.get_weights()])
    assert model.information(ids, None) == pytest.approx(0, abs=1e-6)


# All of them


REMEDIES = {
    "aggressive training": {"aggressive": True},
    "pre-training": {"pretraining_epochs": 2},
    "all at once": {"aggressive": True, "pretraining_epochs": 1, "mean_scale": 0.6, "denoising": 0.3},
}


@pytest.mark.parametrize("options", REMEDIES.values(), ids=REMEDIES)
def test_a_resumed_fit_with_a_remedy_equals_an_uninterrupted_one(build_tiny, corpus, tmp_path, options):
    whole = build_tiny("dense_vae", texts=corpus, **{"free_bits": 0.0, "dropout": 0.1, **options})
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    whole.fit(corpus, batch_size=4, epochs=3, callbacks=[checkpoint], verbose=0)  # of 16 steps
    resumed = zoo.load(tmp_path / "2.keras")
    before = values(resumed.trainable_variables)
    resumed.fit(corpus, batch_size=4, initial_epoch=2, epochs=3, verbose=0)
    assert not any(moved(values(resumed.weights), values(whole.weights)))
    assert not any(moved(values(resumed.optimizer.variables), values(whole.optimizer.variables)))
    assert any(moved(before, values(whole.trainable_variables)))


def test_denoising_changes_training_and_not_evaluation(build_tiny, corpus):
    models = [build_tiny("dense_vae", texts=corpus, denoising=rate) for rate in (0.0, 0.5)]
    models[1].set_weights(models[0].get_weights())
    first, second = (model.evaluate(corpus, return_dict=True, verbose=0) for model in models)
    assert first == second
    ids, rates = models[0].tokenizer(corpus), []
    for model in models:
        model.reseed(0)
        rates.append(model(ids, training=True)["rate"])
    assert np.abs(rates[0] - rates[1]).max() > 1e-3


def test_denoising_is_for_the_encoder_alone(build_tiny, corpus):
    # With all words but the end token left out, every text has the same posterior, and its own distortion.
    model = build_tiny("dense_vae", texts=corpus, denoising=0.999)
    ids = model.tokenizer(corpus)
    terms = model(ids, training=True)
    assert np.ptp(terms["rate"], axis=0).max() < 1e-6 < np.ptp(model(ids, training=False)["rate"], axis=0).max()
    assert np.ptp(terms["distortion"]) > 0.1


def test_the_means_of_a_fixed_scale_keep_the_rate_of_a_batch_over_its_least(build_tiny, corpus):
    model = build_tiny("dense_vae", texts=corpus, mean_scale=0.7, free_bits=0.0)
    history = model.fit(corpus, batch_size=64, epochs=3, verbose=0).history
    assert min(history["rate"]) > 4 * 0.7**2 / 2 * 0.99


def test_training_cannot_shrink_normalised_means_away(build_tiny, corpus):
    model = build_tiny("lstm_vae", texts=corpus, mean_scale=0.6, free_bits=0.0, kl_weight=20.0, weight_decay=0.0)
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(corpus, batch_size=16, epochs=60, verbose=0).history
    assert min(history["rate"]) >= 0.99 * model.latent_dim * 0.6**2 / 2

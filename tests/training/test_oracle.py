import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen.errors import InputError
from training import oracle_protocol, seqgan_oracle
from training.oracle import GATES, SPECIAL, Oracle, Standing, oracle_tokenizer, score, weights_of_oracle, write
from training.oracle_protocol import Experiment, Protocol
from training.run_folder import RunFolder


@pytest.fixture(scope="module")
def oracle():
    return Oracle(seed=3)


def nats_by_hand(weights, words):
    """`-log p` of one text, by the equations of an LSTM whose first input is word 0."""
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    hidden = cell = np.zeros(32)
    total, before = 0.0, 0
    for word in words:
        x = weights["embeddings"][before].astype(np.float64)
        put, forget, new, out = (x @ weights[f"W{g}"] + hidden @ weights[f"U{g}"] + weights[f"b{g}"] for g in GATES)
        cell = sigmoid(forget) * cell + sigmoid(put) * np.tanh(new)
        hidden = sigmoid(out) * np.tanh(cell)
        logits = hidden @ weights["Wo"] + weights["bo"]
        total += np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[word]
        before = word
    return total


def test_the_oracle_is_the_lstm_of_its_weights(oracle):
    words = np.random.default_rng(0).integers(0, 5000, [3, 20])
    weights = weights_of_oracle(None, 3)
    expected = np.mean([nats_by_hand(weights, row) for row in words]) / 20
    assert oracle.score((words + SPECIAL).astype(np.int32)) == pytest.approx(expected, rel=1e-5)


def test_its_texts_are_words_alone_and_likely(oracle):
    texts = oracle.write(700, 1)
    assert texts.shape == (700, 20) and texts.min() >= SPECIAL
    np.testing.assert_array_equal(texts, oracle.write(700, 1))
    assert np.any(texts != oracle.write(700, 2))
    assert oracle.score(texts) < oracle.score(np.random.default_rng(0).permutation(texts.ravel()).reshape(texts.shape))


def test_a_lower_temperature_writes_likelier_texts_and_expects_less_of_others(oracle):
    texts = oracle.write(200, 1)
    assert oracle.score(write(oracle.model, 200, 1, 0.5)) < oracle.score(texts)
    assert score(oracle.model, texts, 0.5) > oracle.score(texts) == score(oracle.model, texts)
    logits = oracle.model.likelihood(tf.zeros([200, 0]), tf.constant(texts)).logits / 0.5
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=texts, logits=logits)
    assert score(oracle.model, texts, 0.5) == pytest.approx(float(tf.reduce_mean(nats)), rel=1e-5)


def test_a_standing_tells_how_many_texts_differ(oracle, monkeypatch):
    texts = oracle.write(10, 1)
    monkeypatch.setattr("training.oracle.write", lambda *_: texts[[0, 0, 1, 2, 2]])
    standing = Standing.of(oracle.model, oracle, texts, num=5)
    assert standing.distinct == 0.6 and standing.nll_held_out == pytest.approx(oracle.score(texts))
    assert standing.nll_oracle == pytest.approx(oracle.score(texts[[0, 0, 1, 2, 2]]))


def test_a_file_that_is_no_oracle_is_refused_in_one_line(tmp_path):
    weights = weights_of_oracle(None, 0)
    np.savez(tmp_path / "short.npz", **{name: value for name, value in weights.items() if name != "Ui"})
    np.savez(tmp_path / "wrong.npz", **{**weights, "bo": weights["bo"][:7]})
    (tmp_path / "text.npz").write_text("no weights")
    said = {"none.npz": "there is no oracle", "short.npz": "Ui", "wrong.npz": "bo has shape", "text.npz": "no oracle"}
    for name, reason in said.items():
        with pytest.raises(InputError, match=reason) as error:
            weights_of_oracle(tmp_path / name, 0)
        assert "\n" not in str(error.value)
    np.savez(tmp_path / "right.npz", **weights)
    np.testing.assert_array_equal(weights_of_oracle(tmp_path / "right.npz", 5)["Wo"], weights["Wo"])


def adam_of_tensorflow_1(weights, gradients_of, steps):
    """Weights after Adam at 0.01 with the defaults of TensorFlow 1, gradients clipped to a norm of 5, by hand."""
    weights = [np.array(weight, np.float64) for weight in weights]
    first, second = ([np.zeros_like(weight) for weight in weights] for _ in range(2))
    for step in range(1, steps + 1):
        gradients = gradients_of(step, weights)
        norm = np.sqrt(sum(np.sum(gradient**2) for gradient in gradients))
        rate = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for weight, gradient, mean, square in zip(weights, gradients, first, second, strict=True):
            gradient = gradient * min(1.0, 5.0 / norm)
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient**2 - square)
            weight -= rate * mean / (np.sqrt(square) + 1e-8)
    return weights


@pytest.mark.parametrize("phase", ["likelihood", "game"])
def test_the_generator_is_trained_as_in_the_code_of_the_paper(monkeypatch, phase):
    """By the mean over words of the likelihood, and by the sum over a batch of rewards: a reward near 0 and a large
    one, where the epsilon of Adam and the clipping matter."""
    monkeypatch.setattr(oracle_protocol, "FILTERS", ((1, 4), (3, 4)))
    experiment = Experiment(Protocol(texts=64, measured=10, precision="float32"))
    model, texts = experiment.build(), tf.constant(experiment.texts)
    rewards = [tf.random.stateless_uniform([64, 20], [0, 1], 0.0, largest) for largest in (1e-4, 1.0)]
    model.fakes = lambda *_: texts
    model.values = lambda *_: tf.where(tf.equal(model.optimizer.iterations, 0), *rewards)
    variables = [variable for variable in model.decoder.trainable_variables if 0 not in variable.shape]

    def gradients(step, weights):
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)
        with tf.GradientTape() as tape:
            if phase == "game":
                policy = model.policy(tf.zeros([64, 0]), texts)
                loss = -tf.reduce_sum(rewards[step - 1] * policy.token_log_prob(texts))
            else:
                loss = -tf.reduce_mean(model.likelihood(tf.zeros([64, 0]), texts).token_log_prob(texts))
        return [np.array(tf.convert_to_tensor(each), np.float64) for each in tape.gradient(loss, variables)]

    start = [np.array(variable) for variable in variables]
    expected = adam_of_tensorflow_1(start, gradients, 2)
    for variable, weight in zip(variables, start, strict=True):
        variable.assign(weight)
    if phase == "game":
        experiment.begin_game(model)
    steps = experiment.steps(model)
    for _ in range(2):
        steps[phase](*([] if phase == "game" else [texts]))
    for variable, before, after in zip(variables, start, expected, strict=True):
        assert np.abs(after - before).max() > 0.005
        np.testing.assert_allclose(variable, after, atol=2e-4)


def test_the_discriminator_is_that_of_the_code_of_the_paper(monkeypatch):
    monkeypatch.setattr(oracle_protocol, "FILTERS", ((1, 100), (3, 200)))
    experiment = Experiment(Protocol(texts=64, measured=10, precision="float32"))
    model, nothing = experiment.build(), tf.zeros([32, 0])
    judge, texts = model.discriminator, tf.constant(experiment.texts)
    for convolution in judge.convolutions:
        kernel = np.array(convolution.kernel)
        assert np.abs(kernel).max() < 0.2 and kernel.std() == pytest.approx(0.088, rel=0.05)
        np.testing.assert_allclose(convolution.bias, 0.1)
    assert np.std(judge.direction.kernel) == pytest.approx(0.088 * 2**0.5, rel=0.15)
    # Its two logits, of opposite weights as their gradients are; a mean over the batch; 0.2 times half of the squares.
    judge.direction.bias.assign([0.3])
    logits = judge(texts, tf.zeros([64, 0]))
    pair, labels = tf.stack([-logits / 2, logits / 2], axis=1), tf.repeat([1, 0], 32)
    entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=pair)
    lengths = sum(tf.reduce_sum((sign * weight / 2) ** 2) for weight in judge.direction.weights for sign in (-1, 1))
    expected = tf.reduce_mean(entropies) + 0.2 * lengths / 2
    found = model.discriminator_loss(texts[:32], texts[32:], nothing, [0, 0], training=False)
    assert float(found) == pytest.approx(2 * float(expected), rel=1e-5)
    assert model.discriminator_optimizer.epsilon == 2e-8 and float(model.discriminator_optimizer.learning_rate) == (
        pytest.approx(1e-4)
    )


def stop_after(last):
    """Somebody who watches a run and interrupts it after a unit."""

    def watch(unit, *_):
        if unit == last:
            raise KeyboardInterrupt

    return watch


TINY = dict(texts=128, pretraining=1, judging=1, rounds=2, discriminator_rounds=1, discriminator_epochs=1)


def test_an_experiment_that_was_interrupted_ends_as_if_it_had_not_been(tmp_path, monkeypatch):
    monkeypatch.setattr(oracle_protocol, "FILTERS", ((1, 4), (3, 4)))
    protocol = Protocol(**TINY, num_rollouts=1, measured=100, every=1, precision="float32")
    figures = seqgan_oracle.start(protocol, tmp_path / "whole")

    with pytest.raises(KeyboardInterrupt):
        seqgan_oracle.start(protocol, tmp_path / "part", stop_after(3))
    assert seqgan_oracle.resume(tmp_path / "part") == figures
    histories = [RunFolder.open(tmp_path / name).history() for name in ("whole", "part")]
    assert histories[0] == histories[1]
    assert [line["phase"] for line in histories[0]] == ["generator", "discriminator", "adversarial", "adversarial"]
    assert json.loads((tmp_path / "whole" / "figures.json").read_text()) == figures
    assert figures["adversarial"]["nll_oracle"] == histories[0][-1]["nll_oracle"]
    assert figures["adversarial"]["distinct"] == 1
    one = next(line for line in figures["generator_sweep"] if line["temperature"] == 1)
    assert one["nll_held_out"] == pytest.approx(figures["generator"]["nll_held_out"])


def test_a_run_that_takes_over_a_pretraining_ends_as_one_that_makes_it(tmp_path, monkeypatch):
    monkeypatch.setattr(oracle_protocol, "FILTERS", ((1, 4), (3, 4)))
    settings = {**TINY, "num_rollouts": 1, "measured": 100, "precision": "float32"}
    given, control = (Protocol(**settings, reward=reward) for reward in ("discriminator", "random"))
    seqgan_oracle.start(given, tmp_path / "first")
    figures = seqgan_oracle.start(control, tmp_path / "whole")
    assert seqgan_oracle.start(control, tmp_path / "taken", pretrained=tmp_path / "first") == figures
    assert RunFolder.open(tmp_path / "taken").history() == RunFolder.open(tmp_path / "whole").history()
    for changes, reason in (({"seed": 1}, "seed is 0 there and 1 here"), ({"pretraining": 0}, "pretraining")):
        with pytest.raises(InputError, match=reason):
            seqgan_oracle.start(
                dataclasses.replace(control, **changes), tmp_path / "new", pretrained=tmp_path / "first"
            )
    RunFolder.create(tmp_path / "foreign", {"model": "gan"})
    for run, reason in (("nowhere", "no run folder"), ("foreign", "no run of this experiment")):
        with pytest.raises(InputError, match=reason):
            seqgan_oracle.start(control, tmp_path / "new", pretrained=tmp_path / run)
    (tmp_path / "first" / "sweep-generator.json").unlink()
    with pytest.raises(InputError, match="has not ended"):
        seqgan_oracle.start(control, tmp_path / "new", pretrained=tmp_path / "first")
    assert not (tmp_path / "new").exists()


def test_a_language_model_can_be_the_reward(tmp_path, monkeypatch, oracle):
    monkeypatch.setattr(oracle_protocol, "FILTERS", ((1, 4), (3, 4)))
    oracle.model.save(tmp_path / "judge.keras")
    judged = {"reward": str(tmp_path / "judge.keras"), "baseline": "position", "num_rollouts": 1}
    protocol = Protocol(**{**TINY, **judged}, measured=100, precision="float32")
    experiment = Experiment(protocol)
    found = experiment.build().rewards(tf.constant(experiment.texts[:50]), tf.zeros([50, 0]), [0, 0])
    expected = [np.exp(-oracle.score(experiment.texts[row : row + 1])) for row in range(50)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    figures = seqgan_oracle.start(protocol, tmp_path / "whole")

    with pytest.raises(KeyboardInterrupt):
        seqgan_oracle.start(protocol, tmp_path / "part", stop_after(2))
    assert seqgan_oracle.resume(tmp_path / "part") == figures
    zoo.build("dense_vae", tokenizer=oracle_tokenizer(), sequence_length=20).save(tmp_path / "latent.keras")
    for name, reason in (("latent.keras", "no language model"), ("none.keras", "none.keras")):
        with pytest.raises(InputError, match=reason):
            seqgan_oracle.start(dataclasses.replace(protocol, reward=str(tmp_path / name)), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_pretraining_that_has_not_ended_is_not_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(oracle_protocol, "FILTERS", ((1, 4), (3, 4)))
    protocol = Protocol(**{**TINY, "pretraining": 2, "judging": 0, "rounds": 0}, measured=100)

    with pytest.raises(KeyboardInterrupt):
        seqgan_oracle.start(protocol, tmp_path / "part", stop_after(1))
    with pytest.raises(InputError, match="has not ended"):
        seqgan_oracle.start(protocol, tmp_path / "new", pretrained=tmp_path / "part")


def test_a_kill_while_the_temperatures_are_swept_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(oracle_protocol, "FILTERS", ((1, 4), (3, 4)))
    protocol = Protocol(**{**TINY, "judging": 0, "rounds": 0}, measured=100, precision="float32")

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(seqgan_oracle, "sweep", killed)
        seqgan_oracle.start(protocol, tmp_path / "run")
    figures = seqgan_oracle.resume(tmp_path / "run")
    assert len(figures["generator_sweep"]) > 5 and "adversarial" not in figures


def test_a_protocol_names_files_whole_so_that_a_run_goes_on_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    protocol = Protocol(oracle="oracle.npz", reward="judge.keras")
    assert (protocol.oracle, protocol.reward) == (str(tmp_path / "oracle.npz"), str(tmp_path / "judge.keras"))
    assert protocol == Protocol(oracle=str(tmp_path / "a" / ".." / "oracle.npz"), reward="judge.keras")
    assert Protocol(oracle=None, reward="constant").reward == "constant"


@pytest.mark.parametrize(
    "wrong",
    [
        {"reward": "praise"},
        {"baseline": "none at all"},
        {"precision": "float99"},
        {"texts": 0},
        {"rounds": -1},
        {"seed": "a"},
    ],
    ids=str,
)
def test_a_wrong_protocol_is_refused_in_one_line(wrong):
    with pytest.raises(InputError) as error:
        Protocol(**wrong).check()
    assert next(iter(wrong)) in str(error.value) and "\n" not in str(error.value)

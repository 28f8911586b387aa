"""Adversarial models: their phases, the exact policy gradient, relaxed words, and warnings of a game that is lost."""

import functools
import itertools
import math
import random
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from keras_textgen import devices, sampling
from keras_textgen.errors import CollapseWarning, InputError
from keras_textgen.models.adversarial_model import part_of
from keras_textgen.models.gan import GAN
from keras_textgen.models.seqgan import SeqGAN
from keras_textgen.models.training_phases import ADVERSARIAL, DISCRIMINATOR, GENERATOR, TrainingPhases
from keras_textgen.rewards import checked_reward
from keras_textgen.text import END, PADDING, START, UNKNOWN

GAME = {"pretraining_epochs": 0, "discriminator_epochs": 0}  # from the first step on
SPECIAL = [PADDING, START, UNKNOWN]


def values(variables):
    return [np.array(variable) for variable in variables]


def moved(before, after):
    """For each variable that has any numbers, whether they have changed."""
    return [not np.array_equal(one, other) for one, other in zip(before, after, strict=True) if one.size]


def nothing_told(num):
    return tf.zeros([num, 0])


def batch(model, texts):
    return model.tokenizer(texts, sequence_length=model.sequence_length), tf.zeros([len(texts), 0], tf.int32)


def policies(model):
    return values(model.decoder.weights), values(model.rollout_decoder.weights)


def assert_one_line(error, *words):
    text = str(error.value)
    assert "\n" not in text and all(word in text for word in words), text


@keras.saving.register_keras_serializable("tests")
def cats(texts):
    """A reward: whether there is a cat."""
    return [float("cat" in text.split()) for text in texts]


def first_letters(texts):
    """A reward that is not registered: the place of the first letter in the alphabet."""
    return [float(ord(text[0]) - ord("a")) if text else 0.0 for text in texts]


# Phases


def phases(model, epochs):
    found = [model.phase_of(epoch) for epoch in range(epochs)]
    assert found == sorted(found, key=[GENERATOR, DISCRIMINATOR, ADVERSARIAL].index)
    return tuple(found.count(phase) for phase in (GENERATOR, DISCRIMINATOR, ADVERSARIAL))


@pytest.mark.parametrize(
    "name, options, expected",
    [
        ("seqgan", {}, (15, 3, 12)),
        ("gan", {}, (0, 3, 27)),
        ("seqgan", {"pretraining_epochs": 4}, (4, 3, 23)),
        ("seqgan", {"discriminator_epochs": 0}, (15, 0, 15)),
        ("seqgan", {"pretraining_epochs": 7, "discriminator_epochs": 2}, (7, 2, 21)),
        ("gan", {"discriminator_epochs": 5}, (0, 5, 25)),
        ("seqgan", {"reward": "random"}, (15, 0, 15)),
        ("seqgan", {"reward": cats}, (15, 0, 15)),
    ],
    ids=lambda value: str(value).partition(" at 0x")[0],
)
def test_the_first_fit_divides_its_epochs_into_the_phases(build_tiny, name, options, expected):
    model = build_tiny(name, **options)
    model.plan(30 * 4, 30)
    assert phases(model, 30) == expected
    model.plan(6 * 4, 6)  # a second fit goes on with the plan of the first
    assert phases(model, 30) == expected
    again = type(model).from_config(model.get_config())
    assert phases(again, 30) == expected


def test_a_model_without_a_likelihood_has_no_phase_of_the_generator_alone(build_tiny, corpus):
    """Either it is refused in one line, or it trains."""
    try:
        model = build_tiny("gan", pretraining_epochs=1)
        history = model.fit(corpus, batch_size=32, epochs=2, verbose=0).history
    except InputError as error:
        assert "pretraining_epochs" in str(error)
    else:
        assert np.isfinite(history["loss"]).all()


def said(caught):
    """What is said of a collapse among warnings."""
    return [str(one.message) for one in caught if issubclass(one.category, CollapseWarning)]


class Notes(keras.callbacks.Callback):
    """Keeps copies of the weights at both ends of every epoch, and the phases."""

    def __init__(self):
        super().__init__()
        self.weights, self.phases, self.written = {}, [], []

    def noting(self, generate):
        """`generate`, with its texts kept."""

        def noted(*arguments, **named):
            self.written.append(generate(*arguments, **named))
            return self.written[-1]

        return noted

    def note(self, when):
        model = self.model
        self.weights[when] = {"generator": values(model.optimized_variables)}
        self.weights[when]["discriminator"] = values(model.discriminator.trainable_variables)
        if hasattr(model, "rollout_decoder"):
            self.weights[when]["policy"] = values(model.decoder.weights)
            self.weights[when]["rollouts"] = values(model.rollout_decoder.weights)

    def on_epoch_begin(self, epoch, logs=None):
        self.phases.append(self.model.phase)
        self.note(("begin", epoch))

    def on_epoch_end(self, epoch, logs=None):
        self.note(("end", epoch))

    def moved(self, epoch, part):
        return moved(self.weights["begin", epoch][part], self.weights["end", epoch][part])


@pytest.fixture(scope="module")
def played(build_tiny, corpus, tmp_path_factory):
    """`played(name)`: a model after its phases, the notes, the history, and the file of every epoch."""
    found = {}

    def get(name):
        if name not in found:
            alone = 1 if name == "seqgan" else 0
            options = {"gan": {"adversarial_loss": "non_saturating"}, "seqgan": {}}[name]
            options = {"pretraining_epochs": alone, "discriminator_epochs": 1, "discriminator_steps": 2, **options}
            model = build_tiny(name, **options, **({"num_rollouts": 1} if name == "seqgan" else {}))
            model.compile(
                keras.optimizers.Adam(1e-3), discriminator_optimizer=keras.optimizers.SGD(0.0625, momentum=0.5)
            )
            notes, folder = Notes(), tmp_path_factory.mktemp(name)
            model.generate = notes.noting(model.generate)
            callbacks = [notes, keras.callbacks.ModelCheckpoint(folder / "{epoch}.keras")]
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                history = model.fit(corpus, batch_size=32, epochs=alone + 3, callbacks=callbacks, verbose=0).history
            notes.said = said(caught)
            found[name] = model, notes, history, folder
        return found[name]

    return get


@pytest.mark.parametrize("name", ["gan", "seqgan"])
def test_in_every_phase_only_its_own_weights_move(played, name):
    _, notes, _, _ = played(name)
    assert notes.phases == [GENERATOR] * (name == "seqgan") + [DISCRIMINATOR, ADVERSARIAL, ADVERSARIAL]
    for epoch, phase in enumerate(notes.phases):
        for part, still in (("generator", DISCRIMINATOR), ("discriminator", GENERATOR)):
            found = notes.moved(epoch, part)
            assert len(found) > 5 and found == [phase != still] * len(found), (phase, part)


@pytest.mark.parametrize("name", ["gan", "seqgan"])
def test_the_two_optimizers_share_out_all_weights_and_count_their_own_steps(played, name):
    model, notes, _, _ = played(name)
    ours, others = model.optimized_variables, model.discriminator.trainable_variables
    assert {id(v) for v in ours}.isdisjoint(id(v) for v in others)
    assert {id(v) for v in [*ours, *others]} == {id(v) for v in model.trainable_variables}
    # Two steps an epoch; the discriminator takes two on each batch.
    assert int(model.optimizer.iterations) == 2 * sum(phase != DISCRIMINATOR for phase in notes.phases)
    assert int(model.discriminator_optimizer.iterations) == 4 * sum(phase != GENERATOR for phase in notes.phases)
    assert int(model.adversarial_steps) == 4
    assert int(model.epochs_done) == len(notes.phases) and int(model.steps_done) == 2 * len(notes.phases)


@pytest.mark.parametrize("name", ["gan", "seqgan"])
def test_an_optimizer_of_the_discriminator_survives_saving(played, name):
    model, notes, _, folder = played(name)
    other = zoo.load(folder / f"{len(notes.phases)}.keras")
    optimizer = other.discriminator_optimizer
    assert type(optimizer) is keras.optimizers.SGD and optimizer.momentum == 0.5
    assert float(optimizer.learning_rate) == 0.0625
    assert type(other.optimizer) is keras.optimizers.Adam
    for one, two in zip(model.discriminator_optimizer.variables, optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(np.abs(variable).max() > 0 for variable in values(optimizer.variables)[2:])


@pytest.mark.parametrize("name", ["gan", "seqgan"])
def test_a_loaded_model_is_in_the_phase_in_which_it_was(played, name):
    _, whole, _, folder = played(name)
    for epoch in range(1, len(whole.phases)):
        other = zoo.load(folder / f"{epoch}.keras")
        assert int(other.epochs_done) == epoch
        assert [other.phase_of(place) for place in range(len(whole.phases))] == whole.phases
        begun = epoch > whole.phases.index(ADVERSARIAL)
        assert int(other.adversarial_steps) == 2 * begun
        if name == "seqgan":  # a game that goes on does not begin anew
            other.begin_phase(whole.phases[epoch])
            assert any(moved(*policies(other))) == (begun or whole.phases[epoch] != ADVERSARIAL)


@pytest.mark.filterwarnings("ignore::keras_textgen.errors.CollapseWarning")
def test_a_loaded_model_ends_where_one_ends_that_was_not_interrupted(played, corpus):
    model, whole, _, folder = played("gan")
    last = len(whole.phases)
    other, notes = zoo.load(folder / f"{last - 2}.keras"), Notes()
    other.fit(corpus, batch_size=32, initial_epoch=last - 2, epochs=last, callbacks=[notes], verbose=0)
    assert notes.phases == whole.phases[-2:]
    assert not any(moved(values(model.weights), values(other.weights)))
    assert int(other.adversarial_steps) == 4


@pytest.mark.parametrize("name", ["gan", "seqgan"])
def test_the_share_of_different_texts_is_noted_after_every_epoch_of_the_game(played, name):
    _, notes, history, _ = played(name)
    assert len(history["distinct"]) == len(notes.written) == 2
    for share, texts in zip(history["distinct"], notes.written, strict=True):
        assert len(texts) >= 64 and share == len(set(texts)) / len(texts)


@pytest.mark.parametrize("name", ["gan", "seqgan"])
def test_what_is_said_of_a_game_is_what_its_figures_say(played, name):
    _, notes, history, _ = played(name)
    sure = sum(accuracy > 0.995 for accuracy in history["discriminator_accuracy"][-2:])
    assert len(notes.said) == sure and min(history["distinct"]) > 0.9
    assert all("the discriminator tells" in text for text in notes.said)


def test_a_game_begins_with_the_policy_itself_rolling_out(played):
    _, notes, _, _ = played("seqgan")
    assert not any(moved(notes.weights["begin", 2]["policy"], notes.weights["begin", 2]["rollouts"]))
    for epoch in (0, 1):  # before, it stays where it is, which is elsewhere
        assert not any(notes.moved(epoch, "rollouts"))
    assert any(moved(notes.weights["begin", 1]["policy"], notes.weights["begin", 1]["rollouts"]))
    for epoch in (2, 3):
        assert all(notes.moved(epoch, "rollouts"))
        assert all(moved(notes.weights["end", epoch]["policy"], notes.weights["end", epoch]["rollouts"]))


# The policy that rolls out


def shaken(model, scale=0.7, seed=2):
    """The model with random weights of that scale in its policy."""
    draw = np.random.default_rng(seed)
    model.decoder.set_weights([draw.normal(0, scale, weight.shape) for weight in model.decoder.get_weights()])
    return model


def test_the_policy_that_rolls_out_follows_the_policy_in_every_step(build_tiny, corpus):
    kept = 0.7
    model = shaken(build_tiny("seqgan", texts=corpus, rollout_update=kept, reward=cats, num_rollouts=0, **GAME))
    assert all(moved(*policies(model)))
    model.begin_phase(ADVERSARIAL)
    policy, delayed = policies(model)
    assert not any(moved(policy, delayed))
    step = tf.function(model.train_step, autograph=False)
    for _ in range(3):
        step(batch(model, corpus[:4]))
        policy, after = policies(model)
        for new, old, found in zip(policy, delayed, after, strict=True):
            np.testing.assert_allclose(found, kept * old + (1 - kept) * new, rtol=1e-5, atol=1e-6)
        assert all(moved(delayed, after)) and all(moved(policy, after))
        delayed = after


def test_without_a_delay_the_policy_itself_rolls_out(build_tiny, corpus):
    model = build_tiny("seqgan", texts=corpus, rollout_update=0.0)
    assert model.rollout_decoder is None
    delayed = build_tiny("seqgan", texts=corpus)
    assert not any("rollout" in variable.path for variable in delayed.trainable_variables)
    assert any("rollout" in variable.path for variable in delayed.weights)
    assert len(model.optimized_variables) == len(delayed.optimized_variables)


def test_rollouts_are_those_of_the_policy_that_lags_behind(build_tiny, corpus):
    """One that can only write the word "hill", while the policy writes anything."""
    hills = lambda texts: [text.split().count("hill") for text in texts]  # noqa: E731
    model = build_tiny("seqgan", texts=corpus, reward=hills)
    hill = int(model.tokenizer.token_ids(["hill"])[0])
    bias = np.zeros(model.tokenizer.vocabulary_size, np.float32)
    bias[hill] = 1e3
    model.rollout_decoder.output_layer.bias.assign(bias)
    ids, _ = batch(model, corpus[:3])
    ids = tf.pad(ids, [[0, 0], [0, model.sequence_length - tf.shape(ids)[1]]])
    found = model.values(ids, nothing_told(3), tf.constant([1, 2])).numpy()
    for row, text in zip(found, ids.numpy(), strict=True):
        end = text.tolist().index(END)
        for place in range(end):
            assert row[place] == np.sum(text[: place + 1] == hill) + model.sequence_length - 1 - place
        assert row[end] == np.sum(text == hill)


# Values


@pytest.fixture(scope="module")
def judged(build_tiny, corpus):
    """A model whose discriminator has a high dropout, with texts of its own and their length in full."""
    model = build_tiny("seqgan", texts=corpus, discriminator_dropout=0.6)
    ids = model.fakes(nothing_told(20), tf.constant([4, 4]))
    return model, tf.pad(ids, [[0, 0], [0, model.sequence_length - tf.shape(ids)[1]]])


def test_dropout_is_off_while_the_discriminator_rewards(judged):
    model, ids = judged
    told, seed = nothing_told(20), tf.constant([1, 7])
    expected = 1 / (1 + np.exp(-model.discriminator(ids, told, training=False).numpy()))
    assert np.ptp(expected) > 0.01
    for _ in range(2):
        np.testing.assert_allclose(model.rewards(ids, told, seed), expected, rtol=1e-5)
    first, second = (model.values(ids, told, seed).numpy() for _ in range(2))
    np.testing.assert_array_equal(first, second)
    last = np.count_nonzero(ids, axis=1) - 1
    np.testing.assert_allclose(first[np.arange(20), last], expected, rtol=1e-5)
    noisy = model.discriminator(ids, told, training=True).numpy()
    assert not np.allclose(1 / (1 + np.exp(-noisy)), expected, rtol=1e-3)


def test_dropout_is_on_while_the_discriminator_learns(judged):
    model, ids = judged
    losses = [float(model.discriminator_loss(ids, ids, nothing_told(20), tf.constant([1, 1]))) for _ in range(2)]
    assert losses[0] != losses[1]


def test_rewards_of_many_texts_are_those_of_each(judged, monkeypatch):
    model, ids = judged
    whole = model.rewards(ids, nothing_told(20), tf.constant([1, 1])).numpy()
    monkeypatch.setattr("keras_textgen.models.seqgan.JUDGED_AT_ONCE", 3)
    np.testing.assert_allclose(model.rewards(ids, nothing_told(20), tf.constant([1, 1])), whole, rtol=1e-5)


def test_rollouts_are_judged_as_the_finished_texts_that_they_are(judged):
    model, ids = judged
    for length in (model.sequence_length, 5):
        told, part = nothing_told(20), ids[:, :length]
        barred = sampling.barring(SPECIAL, model.tokenizer.vocabulary_size)
        finished = sampling.rollouts(model.step, model.decoder.start(told), part, 3, tf.constant([3, 3]), barred)
        found = model.judge_rollouts(part, told, finished).numpy()
        logits = model.discriminator(finished.ids, nothing_told(len(found)), training=False).numpy()
        assert len(found) > 100 and np.ptp(logits) > 0.05
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_the_value_of_a_word_is_that_of_its_own_text(build_tiny, corpus):
    """The reward depends on the first word alone, which every rollout of a text keeps."""
    model = build_tiny("seqgan", texts=corpus, reward=first_letters, num_rollouts=3)
    texts = ["bird", "again bird", "old horse sat on a hill", "the the the", "house"]
    ids, _ = batch(model, texts)
    found = model.values(ids, nothing_told(5), tf.constant([3, 1])).numpy()
    real = ids.numpy() != PADDING
    expected = np.array(first_letters(texts))[:, None] * real
    np.testing.assert_allclose(found * real, expected, rtol=1e-6)
    assert len(set(first_letters(texts))) == 5


def test_without_rollouts_every_word_has_the_reward_of_its_text(build_tiny, corpus):
    model = build_tiny("seqgan", texts=corpus, reward=cats, num_rollouts=0)
    ids, _ = batch(model, corpus[14:18])
    found = model.values(ids, nothing_told(4), tf.constant([3, 1])).numpy()
    np.testing.assert_array_equal(found, np.repeat([[1], [1], [0], [0]], ids.shape[1], axis=1))


def test_the_controls_are_worth_the_same_or_anything(build_tiny, corpus):
    model = build_tiny("seqgan", texts=corpus, reward="constant")
    ids, told = batch(model, corpus)[0], nothing_told(64)
    assert not model.needs_discriminator
    np.testing.assert_array_equal(model.values(ids, told, tf.constant([3, 1])), np.ones(ids.shape))
    model = build_tiny("seqgan", texts=corpus, reward="random")
    first, again, other = (model.rewards(ids, told, tf.constant(seed)).numpy() for seed in ([3, 1], [3, 1], [3, 2]))
    np.testing.assert_array_equal(first, again)
    assert not model.needs_discriminator and abs(np.corrcoef(first, other)[0, 1]) < 4 / math.sqrt(64)
    assert first.min() >= 0 and first.max() < 1 and len(set(first.tolist())) > 60


def test_with_rewards_of_tokens_a_value_is_the_mean_verdict_from_there_on(build_tiny, corpus):
    model = build_tiny("seqgan", texts=corpus, token_rewards=True)
    ids, told = batch(model, corpus[::9])[0], nothing_told(8)
    found = model.values(ids, told, tf.constant([3, 1])).numpy()
    verdicts = 1 / (1 + np.exp(-model.discriminator(ids, told, prefixes=True, training=False).numpy()))
    for row, text in enumerate(ids.numpy()):
        end = np.count_nonzero(text)
        for place in range(len(text)):
            expected = verdicts[row, place:end].mean() if place < end else 0.0
            assert found[row, place] == pytest.approx(expected, rel=1e-5), (row, place)
    assert np.ptp(verdicts) > 0.01


# Advantages


def advantages_by_hand(batches, baseline, scaling, places):
    """Those of values `[n, length]` and of where there is a word, step after step."""
    sums, counts, found = np.zeros(places), np.zeros(places), []
    for values, real in batches:
        length = values.shape[1]
        new_sums, new_counts = np.zeros(places), np.zeros(places)
        new_sums[:length], new_counts[:length] = (values * real).sum(axis=0), real.sum(axis=0)
        old_sums, old_counts = np.where(counts > 0, [sums, counts], [new_sums, new_counts])
        lessened = {
            "none": np.zeros(length),
            "running_mean": old_sums.sum() / old_counts.sum(),
            "position": (old_sums / np.maximum(old_counts, 1e-9))[:length],
        }[baseline]
        result = values - lessened
        if scaling == "standardized":
            inside = result[real > 0]
            result = (result - inside.mean()) / inside.std()
        sums, counts = 0.9 * sums + new_sums, 0.9 * counts + new_counts
        found.append(result * real)
    return found


@pytest.mark.parametrize("scaling", ["none", "standardized"])
@pytest.mark.parametrize("baseline", ["none", "running_mean", "position"])
def test_advantages_are_values_less_the_baseline_of_the_steps_before(build_tiny, corpus, baseline, scaling):
    model = build_tiny("seqgan", texts=corpus, baseline=baseline, reward_scaling=scaling)
    draw, batches = np.random.default_rng(3), []
    for length in (7, 9, 12, 5):
        real = (np.arange(length) < draw.integers(2, length + 1, [30, 1])).astype(np.float32)
        batches.append((draw.normal(np.arange(length), 1.0, [30, length]).astype(np.float32), real))
    expected = advantages_by_hand(batches, baseline, scaling, model.sequence_length)
    for (given, real), by_hand in zip(batches, expected, strict=True):
        found = model.advantages(tf.constant(given), tf.constant(real)).numpy()
        np.testing.assert_allclose(found, by_hand, rtol=1e-3, atol=1e-4)
        assert not found[real == 0].any()
        if scaling == "standardized":
            inside = found[real > 0]
            assert inside.mean() == pytest.approx(0, abs=1e-4) and inside.std() == pytest.approx(1, rel=1e-4)


def test_equal_values_have_no_advantage(build_tiny, corpus):
    for options in ({"baseline": "position"}, {"baseline": "running_mean"}, {"reward_scaling": "standardized"}):
        model = build_tiny("seqgan", texts=corpus, **options)
        for _ in range(3):
            found = model.advantages(tf.fill([4, 6], 0.7), tf.ones([4, 6])).numpy()
            np.testing.assert_allclose(found, np.zeros([4, 6]), atol=1e-2 if "reward_scaling" in options else 1e-6)


# The policy gradient. All texts of two words and at most three tokens are known, with their probabilities.

LONGEST = 3


def worth(texts):
    """A reward without any order."""
    return [math.sin(7.0 * len(text) + 3.0 * text.count("cat") + 5.0 * text.startswith("dog")) + 0.8 for text in texts]


def policy(build_tiny, quiet=True, longest=LONGEST, **options):
    """A tiny policy. If it is `quiet`, what is never written has no probability to speak of."""
    sizes = dict(embedding_dim=3, hidden_dim=4, output_dim=0, sequence_length=longest, average_attention=False)
    options = {"reward": worth, "rollout_update": 0.0, "baseline": "none", **options}
    model = shaken(build_tiny("seqgan", texts=["cat dog", "dog cat"], **{**sizes, **options}))
    if quiet:
        bias = model.decoder.output_layer.bias
        bias.assign(np.array(bias) - 30 * np.isin(np.arange(bias.shape[0]), SPECIAL))
    return model


def all_texts(model, beginning=()):
    """All ids that a beginning can become, padded."""
    words = [word for word in range(model.tokenizer.vocabulary_size) if word not in (*SPECIAL, END)]
    longest, found = model.sequence_length, []
    for length in range(longest - len(beginning)):
        found += [(*beginning, *rest, END) for rest in itertools.product(words, repeat=length)]
    found += [(*beginning, *rest) for rest in itertools.product(words, repeat=longest - len(beginning))]
    return tf.constant([[*text, *[PADDING] * (longest - len(text))] for text in found], tf.int32)


def log_probabilities(model, ids):
    """Of each token of texts, as they are written: among the tokens that can be."""
    logits = model.likelihood(nothing_told(len(ids)), ids).logits
    logits -= 1e9 * np.isin(np.arange(logits.shape[-1]), SPECIAL)
    found = tf.gather(tf.nn.log_softmax(logits), ids, batch_dims=2)
    return tf.where(ids == PADDING, 0.0, found)


def rewards_of(model, ids):
    return tf.constant(model.reward([text.decode() for text in model.tokenizer.detokenize(ids).numpy()]), tf.float32)


def flat(gradients):
    return tf.concat([tf.reshape(tf.convert_to_tensor(gradient), [-1]) for gradient in gradients], axis=0)


def weights_of(model):
    return [variable.value for variable in model.optimized_variables if 0 not in variable.shape]


def exact_gradient(model, reward=None):
    """Of what the generator minimises: the expected reward of a text, with the other sign."""
    ids = all_texts(model)
    rewards = rewards_of(model, ids) if reward is None else reward(ids)
    with tf.GradientTape() as tape:
        probabilities = tf.exp(tf.reduce_sum(log_probabilities(model, ids), axis=1))
        loss = -tf.reduce_sum(probabilities * rewards)
    assert float(tf.reduce_sum(probabilities)) == pytest.approx(1, rel=1e-5)
    return flat(tape.gradient(loss, weights_of(model))).numpy()


def sampled_gradients(model, times=30, num=500):
    """Gradients of as many texts, several times."""
    ids, told = all_texts(model)[:1], nothing_told(num)

    @functools.partial(tf.function, autograph=False)
    def gradient(seed):
        with tf.GradientTape() as tape:
            loss, _ = model.generator_loss(ids, told, seed)
        return flat(tape.gradient(loss, weights_of(model)))

    gradient(tf.constant([99, 0]))  # the first baseline is that of its own texts
    return np.stack([gradient(tf.constant([index, 5])) for index in range(times)])


def errors(sampled, exact):
    """How far the mean of sampled gradients is from the exact one, in standard errors, in its own direction and in ten
    others. With 30 samples, each is over 5 once in 40,000 times."""
    directions = np.random.default_rng(0).normal(size=[10, len(exact)])
    along = np.concatenate([exact[None][: int(exact.any())], directions]) @ (sampled - exact).T
    return along.mean(axis=1) / (along.std(axis=1, ddof=1) / math.sqrt(len(sampled)))


@pytest.mark.parametrize(
    "options",
    [
        {"num_rollouts": 0},
        {"num_rollouts": 2},
        {"num_rollouts": 0, "baseline": "running_mean"},
        {"num_rollouts": 2, "baseline": "position"},
    ],
    ids=str,
)
def test_the_gradient_is_that_of_the_expected_reward(build_tiny, options):
    model = policy(build_tiny, **options)
    exact = exact_gradient(model)
    sampled = sampled_gradients(model)
    mean = sampled.mean(axis=0)
    assert np.abs(errors(sampled, exact)).max() < 5
    # The length of the error is that of the noise, so what is left of the direction is known.
    noise = math.sqrt(np.sum(sampled.var(axis=0, ddof=1)) / len(sampled))
    assert noise < 0.2 * np.linalg.norm(exact)  # the test can tell
    assert mean @ exact / np.linalg.norm(mean) / np.linalg.norm(exact) > 0.95
    # It is the gradient of no other reward.
    strange = exact_gradient(model, lambda ids: tf.reverse(rewards_of(model, ids), [0]))
    assert np.abs(errors(sampled, strange)).max() > 10


def test_the_gradient_is_that_of_texts_as_they_are_written_where_other_tokens_have_a_probability(build_tiny):
    """Padding, start and unknown are never drawn, so that the probability of a word is the one among the others."""
    model = policy(build_tiny, quiet=False, num_rollouts=0)
    exact = exact_gradient(model)
    assert np.abs(errors(sampled_gradients(model), exact)).max() < 5


def test_a_reward_that_is_the_same_for_all_texts_moves_nothing_in_expectation(build_tiny):
    model = policy(build_tiny, quiet=False, reward="constant", num_rollouts=0)
    sampled = sampled_gradients(model)
    assert sampled.std(axis=0).max() > 1e-3
    assert np.abs(errors(sampled, np.zeros(sampled.shape[1]))).max() < 5


@pytest.mark.parametrize("given", [LONGEST + 1, 2])
def test_the_value_of_a_word_is_the_expected_reward_of_all_that_may_follow(build_tiny, given):
    """A text may go on up to `sequence_length`, however long the texts beside it are."""
    model = policy(build_tiny, longest=LONGEST + 1, reward=lambda texts: [len(text.split()) for text in texts])
    text = [4, END, PADDING, PADDING]
    following = all_texts(model, (4,))
    shares = np.exp(np.sum(log_probabilities(model, following)[:, 1:], axis=1))
    rewards = rewards_of(model, following).numpy()
    mean = shares @ rewards
    assert shares.sum() == pytest.approx(1, rel=1e-5)
    num = 2000
    ids = tf.constant([text[:given]] * num, tf.int32)
    found = model.values(ids, nothing_told(num), tf.constant([2, 3])).numpy()
    error = math.sqrt(shares @ (rewards - mean) ** 2 / (num * model.num_rollouts))
    assert abs(found[:, 0].mean() - mean) < 4.5 * error
    np.testing.assert_array_equal(found[:, 1], np.ones(num))


def test_an_entropy_bonus_and_a_weight_of_the_likelihood_are_added_to_the_loss(build_tiny, corpus):
    model = shaken(build_tiny("seqgan", texts=corpus, reward=cats, baseline="none"), 0.3)
    ids, told, seed = batch(model, corpus[:6])[0], nothing_told(6), tf.constant([5, 6])
    plain, figures = model.generator_loss(ids, told, seed)
    assert set(figures) == set(model.game_metrics)
    model.likelihood_weight = 0.5
    with_likelihood, _ = model.generator_loss(ids, told, seed)
    nll = -np.mean(model.likelihood(told, ids).log_prob(ids))
    assert float(with_likelihood - plain) == pytest.approx(0.5 * nll, rel=1e-4)
    model.likelihood_weight, model.entropy_bonus = 0.0, 0.3
    with_entropy, _ = model.generator_loss(ids, told, seed)
    written = model.fakes(told, seed)
    logits = model.likelihood(told, written).logits.numpy().astype(np.float64)
    shares = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
    entropies = -np.sum(shares * np.log(shares), axis=-1) * (written.numpy() != PADDING)
    # Tokens that are never written may count or not; here they have next to no probability or some.
    possible = np.delete(shares, SPECIAL, axis=-1)
    possible /= possible.sum(axis=-1, keepdims=True)
    renormalised = -np.sum(possible * np.log(possible), axis=-1) * (written.numpy() != PADDING)
    found = float(plain - with_entropy) / 0.3
    expected = [np.mean(part.sum(axis=1)) for part in (entropies, renormalised)]
    assert min(abs(found / value - 1) for value in expected) < 1e-3


# Rewards of one's own


def test_a_reward_of_texts_is_climbed(build_tiny, corpus):
    options = dict(reward=cats, num_rollouts=0, entropy_bonus=0.0, weight_decay=0.0, baseline="running_mean")
    model = build_tiny("seqgan", texts=corpus, **options, **GAME)
    model.compile(keras.optimizers.Adam(1e-2))
    before = np.array(cats(model.generate(400, seed=1)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CollapseWarning)
        history = model.fit(corpus, batch_size=64, epochs=20, verbose=0).history
    after = np.array(cats(model.generate(400, seed=1)))
    error = math.sqrt((before.var() + after.var()) / 400)
    assert before.mean() < 0.8 and after.mean() - before.mean() > 4 * error
    assert history["reward"][-1] > history["reward"][0]
    assert "discriminator_loss" not in history and not any(values(model.discriminator_optimizer.variables)[:1])


WRONG_REWARDS = {
    "too few": lambda texts: [1.0] * (len(texts) - 1),
    "one number": lambda texts: 1.0,
    "two columns": lambda texts: np.ones([len(texts), 2]),
    "NaN": lambda texts: [float("nan")] * len(texts),
    "infinite": lambda texts: [math.inf] * len(texts),
    "strings": lambda texts: ["good"] * len(texts),
    "None": lambda texts: None,
    "ragged": lambda texts: [[1.0], *[[1.0, 2.0]] * (len(texts) - 1)],
}


@pytest.mark.parametrize("wrong", WRONG_REWARDS.values(), ids=WRONG_REWARDS)
def test_what_is_no_number_a_text_is_refused_as_a_reward(wrong):
    with pytest.raises(InputError) as error:
        checked_reward(wrong, ["a", "b", "c"])
    assert_one_line(error, "reward")


def test_numbers_of_any_kind_are_a_reward():
    for right in ([1, 2], np.array([1, 2]), tf.constant([1.0, 2.0]), (True, 2), np.array([1, 2], np.float64)):
        found = checked_reward(lambda texts, right=right: right, ["a", "b"])
        assert found.dtype == np.float32 and found.tolist() == [1, 2]


def test_fit_says_in_one_line_what_is_wrong_with_a_reward(build_tiny, corpus):
    model = build_tiny("seqgan", texts=corpus, reward=WRONG_REWARDS["too few"], num_rollouts=0, **GAME)
    with pytest.raises(InputError) as error:
        model.fit(corpus, batch_size=64, epochs=1, verbose=0)
    assert_one_line(error, "reward")


def test_a_registered_reward_survives_saving(build_tiny, corpus, tmp_path):
    model = build_tiny("seqgan", texts=corpus, reward=cats)
    model.save(tmp_path / "model.keras")
    other = zoo.load(tmp_path / "model.keras")
    assert other.reward is cats
    other.begin_phase(ADVERSARIAL)
    np.testing.assert_array_equal(other.rewards(*batch(other, corpus[14:18]), tf.constant([0, 0])), [1, 1, 0, 0])


class Length:
    """A reward that is an object."""

    def __call__(self, texts):
        return [len(text) for text in texts]


@pytest.mark.parametrize("reward", [first_letters, Length()], ids=["function", "object"])
def test_a_reward_that_was_not_registered_must_be_given_anew(build_tiny, corpus, tmp_path, reward):
    model = build_tiny("seqgan", texts=corpus, reward=reward)
    model.save(tmp_path / "model.keras")
    other = zoo.load(tmp_path / "model.keras")
    with pytest.raises(InputError) as error:
        other.fit(corpus, epochs=1, verbose=0)
    assert_one_line(error, "reward", "set model.reward")
    other.save(tmp_path / "again.keras")
    other = zoo.load(tmp_path / "again.keras")
    other.reward = cats
    other.begin_phase(ADVERSARIAL)
    np.testing.assert_array_equal(other.rewards(*batch(other, corpus[14:18]), tf.constant([0, 0])), [1, 1, 0, 0])


@pytest.mark.parametrize(("reward", "possible", "warned"), [(cats, 1, True), (cats, 2, False), ("random", 1, False)])
def test_a_reward_that_might_wait_for_ever_is_warned_of(build_tiny, corpus, monkeypatch, reward, possible, warned):
    monkeypatch.setattr(devices, "operations_at_once", lambda: possible)
    model = build_tiny("seqgan", texts=corpus, reward=reward)
    for phase, told in ((GENERATOR, False), (ADVERSARIAL, warned)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.begin_phase(phase)
        assert any("TF_NUM_INTEROP_THREADS=2" in str(warning.message) for warning in caught) is told


@pytest.mark.parametrize("reward", ["constant", "random"])
def test_the_controls_train_without_the_discriminator(build_tiny, corpus, reward):
    model = build_tiny("seqgan", texts=corpus, reward=reward, baseline="none", discriminator_steps=2, **GAME)
    model.begin_phase(ADVERSARIAL)
    judge, generator = values(model.discriminator.weights), values(model.optimized_variables)
    step = tf.function(model.train_step, autograph=False)
    for _ in range(2):
        results = step(batch(model, corpus[:8]))
    assert set(results) == {"loss", "reward"} and all(np.isfinite(value) for value in results.values())
    assert int(model.discriminator_optimizer.iterations) == 0 and int(model.optimizer.iterations) == 2
    assert not any(moved(judge, values(model.discriminator.weights)))
    assert all(moved(generator, values(model.optimized_variables)))


# What is refused


@pytest.mark.parametrize(
    "kind, options, said",
    [
        (SeqGAN, {"reward": "discriminators"}, "did you mean 'discriminator'"),
        (SeqGAN, {"reward": 5}, "reward"),
        (SeqGAN, {"baseline": "positions"}, "did you mean 'position'"),
        (SeqGAN, {"reward_scaling": "standard"}, "standardized"),
        (SeqGAN, {"filters": []}, "filters"),
        (SeqGAN, {"filters": 3}, "filters"),
        (SeqGAN, {"filters": [2, 3]}, "filters"),
        (SeqGAN, {"filters": [[2, 3, 4]]}, "filters"),
        (SeqGAN, {"filters": [[0, 3]]}, "filters"),
        (SeqGAN, {"filters": [[2, 1.5]]}, "filters"),
        (SeqGAN, {"filters": "ab"}, "filters"),
        (SeqGAN, {"num_rollouts": -1}, "num_rollouts"),
        (SeqGAN, {"num_rollouts": 1.5}, "num_rollouts"),
        (SeqGAN, {"rollout_update": 1.0}, "rollout_update"),
        (SeqGAN, {"rollout_update": -0.1}, "rollout_update"),
        (SeqGAN, {"discriminator_dropout": 1.0}, "discriminator_dropout"),
        (SeqGAN, {"discriminator_l2": -1.0}, "discriminator_l2"),
        (SeqGAN, {"discriminator_embedding_dim": 0}, "discriminator_embedding_dim"),
        (SeqGAN, {"entropy_bonus": -0.1}, "entropy_bonus"),
        (SeqGAN, {"likelihood_weight": math.nan}, "likelihood_weight"),
        (GAN, {"adversarial_loss": "relativist"}, "did you mean 'relativistic'"),
        (GAN, {"gradient_penalty": -1.0}, "gradient_penalty"),
        (GAN, {"temperature": 0}, "temperature"),
        (GAN, {"final_temperature": 0.0}, "final_temperature"),
        (GAN, {"annealing_steps": 0}, "annealing_steps"),
        (GAN, {"latent_dim": 0}, "latent_dim"),
        (GAN, {"hidden_dims": [0]}, "hidden_dims"),
        (GAN, {"discriminator_dropout": "half"}, "discriminator_dropout"),
        *[
            (kind, options, next(iter(options)))
            for kind in (SeqGAN, GAN)
            for options in (
                {"pretraining_epochs": -1},
                {"discriminator_epochs": 0.5},
                {"discriminator_steps": 0},
                {"discriminator_learning_rate": 0.0},
            )
        ],
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_in_one_line(kind, options, said):
    with pytest.raises(InputError) as error:
        kind(**options)
    assert_one_line(error, said)


def test_filters_that_are_all_wider_than_a_text_are_refused_in_one_line(build_tiny, corpus):
    with pytest.raises(InputError) as error:
        build_tiny("seqgan", texts=corpus, filters=[[13, 4], [20, 4]])
    assert_one_line(error, "filters")


# Relaxed words


@pytest.fixture(scope="module")
def relaxed(build_tiny, corpus):
    """Models with and without straight-through words, and with an end that is likely."""
    models = {}
    for hard in (False, True):
        models[hard] = model = build_tiny("gan", texts=corpus, straight_through=hard, annealing_steps=10)
        bias = model.generator.output_layer.bias
        bias.assign(np.random.default_rng(1).normal(size=bias.shape) + 2.0 * np.eye(bias.shape[0])[END])
    return models


def draws(model, num=200, seed=(1, 2)):
    return model.fakes(nothing_told(num), tf.constant(seed)).numpy().astype(np.float64)


@pytest.mark.parametrize("hard", [False, True])
def test_written_words_are_distributions_with_as_much_padding_as_there_is_end_before(relaxed, hard):
    model = relaxed[hard]
    words = draws(model)
    assert words.shape == (200, model.sequence_length, model.tokenizer.vocabulary_size)
    assert words.min() > -1e-6
    np.testing.assert_allclose(words.sum(axis=2), 1, atol=1e-5)
    np.testing.assert_array_equal(words[:, :, [START, UNKNOWN]], 0)
    ended = np.cumsum(words[:, :, END], axis=1)
    np.testing.assert_allclose(words[:, 1:, PADDING], ended[:, :-1], atol=1e-5)
    np.testing.assert_array_equal(words[:, 0, PADDING], 0)
    assert 0.2 < ended[:, -1].mean() < 1 + 1e-6
    np.testing.assert_array_equal(words, draws(model))
    assert not np.array_equal(words, draws(model, seed=(1, 3)))


def test_straight_through_words_are_one_hot_and_behind_the_end_is_padding(relaxed):
    words = draws(relaxed[True])
    np.testing.assert_allclose(words.max(axis=2), 1, atol=1e-5)
    lengths = []
    for row in words.argmax(axis=2).tolist():
        end = row.index(END) if END in row else len(row)
        assert PADDING not in row[:end] and not any(row[end + 1 :])
        lengths.append(end)
    assert len(set(lengths)) > 3
    soft = draws(relaxed[False])
    assert np.mean(soft[:, 0].max(axis=1) < 0.9) > 0.5  # those that are not are spread out


@pytest.mark.parametrize("hard", [False, True])
def test_gradients_pass_through_the_words_to_the_generator(relaxed, hard):
    model = relaxed[hard]
    with tf.GradientTape() as tape:
        loss, figures = model.generator_loss(batch(model, ["the cat sat"])[0], nothing_told(1), tf.constant([1, 1]))
    gradients = tape.gradient(loss, [variable.value for variable in model.generator.trainable_variables])
    assert not figures
    assert all(gradient is not None and np.isfinite(gradient).all() for gradient in gradients)
    assert all(np.abs(gradient).max() > 0 for gradient in gradients)
    assert {id(v) for v in model.optimized_variables} == {id(v) for v in model.generator.trainable_variables}


def test_the_gradient_of_a_straight_through_word_is_that_of_the_relaxed_one(relaxed):
    """By the first word alone, which no end comes before."""
    found = []
    slope = np.random.default_rng(5).normal(size=relaxed[True].tokenizer.vocabulary_size).astype(np.float32)
    weights = [model.generator.get_weights() for model in relaxed.values()]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    for model in relaxed.values():
        with tf.GradientTape() as tape:
            words = model.fakes(nothing_told(5), tf.constant([1, 1]))[:, 0]
            total = tf.reduce_sum(words * slope)
        found.append(tape.gradient(total, model.generator.output_layer.bias.value))
    assert np.abs(found[0]).max() > 0.01
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.3, 3.0])
def test_the_likeliest_relaxed_word_has_the_distribution_of_the_generator(build_tiny, chi_square_p, temperature):
    """Whatever the temperature is (Maddison et al. 2017, proposition 1), and it is the one that `generate` draws."""
    model = build_tiny("gan", texts=["cat dog bird"], temperature=temperature, straight_through=True)
    layer = model.generator.output_layer
    logits = np.random.default_rng(3).normal(size=layer.bias.shape)
    layer.set_weights([np.zeros(layer.kernel.shape), logits])
    shares = np.exp(logits) * ~np.isin(np.arange(len(logits)), SPECIAL)
    shares /= shares.sum()
    first = draws(model, num=4000)[:, 0].argmax(axis=1)
    counts = np.bincount(first, minlength=len(shares))
    assert chi_square_p(counts, shares) > 1e-3
    assert chi_square_p(counts, np.where(shares, shares**0.7, 0) / np.sum(shares**0.7 * (shares > 0))) < 1e-3
    texts = model.generate(1000, seed=3)
    empty = sum(not text for text in texts) / 1000
    assert abs(empty - shares[END]) < 4 * math.sqrt(shares[END] * (1 - shares[END]) / 1000)


def test_the_temperature_falls_by_the_same_factor_every_step(build_tiny, corpus):
    model = build_tiny("gan", texts=corpus, temperature=2.0, final_temperature=0.5, annealing_steps=8)
    for step, expected in ((0, 2.0), (2, 2.0 / math.sqrt(2)), (4, 1.0), (8, 0.5), (9, 0.5), (1000, 0.5)):
        model.adversarial_steps.assign(step)
        assert float(model.current_temperature()) == pytest.approx(expected, rel=1e-5)
    other = build_tiny("gan", texts=corpus)
    other.plan(120, 30)  # the game has 27 of the 30 epochs
    assert other.annealing_steps == 108
    other.plan(1000, 30)
    assert other.annealing_steps == 108


def test_words_are_harder_at_a_lower_temperature(relaxed):
    model, sharpness = relaxed[False], []
    for step in (0, 5, 10):
        model.adversarial_steps.assign(step)
        sharpness.append(draws(model)[:, 0].max(axis=1).mean())
    model.adversarial_steps.assign(0)
    assert sharpness == sorted(sharpness) and sharpness[-1] > sharpness[0] + 0.2


@pytest.mark.parametrize(
    "loss, hard", [("non_saturating", False), ("wasserstein", False), ("relativistic", False), ("wasserstein", True)]
)
def test_every_loss_trains_both_sides(build_tiny, corpus, loss, hard):
    model = build_tiny("gan", texts=corpus, adversarial_loss=loss, straight_through=hard, **GAME)
    model.begin_phase(ADVERSARIAL)
    variables = [*model.generator.weights, *model.discriminator.weights]
    before = values(variables)
    step = tf.function(model.train_step, autograph=False)
    for _ in range(5):
        results = step(batch(model, corpus))
    assert all(np.isfinite(value) for value in results.values())
    after = values(variables)
    assert all(np.isfinite(weight).all() for weight in after)
    # What a loss compares is the difference of two logits, to which the last bias adds nothing.
    still = [variable.path for variable, new in zip(variables, moved(before, after), strict=True) if not new]
    assert still in ([], ["discriminator/direction/bias"]) and (not still or loss != "non_saturating")


def test_the_penalty_is_for_the_critic_of_wasserstein_alone(build_tiny, corpus):
    for loss in ("non_saturating", "wasserstein", "relativistic"):
        model = build_tiny("gan", texts=corpus, adversarial_loss=loss, gradient_penalty=3.0)
        ids, told, seed = batch(model, corpus[:8])[0], nothing_told(8), tf.constant([1, 1])
        fakes = model.fakes(told, seed)
        penalty = float(model.discriminator_penalty(ids, fakes, told, seed))
        assert (penalty > 0) == (loss == "wasserstein")
        model.gradient_penalty = 6.0
        assert float(model.discriminator_penalty(ids, fakes, told, seed)) == pytest.approx(2 * penalty, rel=1e-6)


def test_a_better_generator_fools_the_discriminator_more(build_tiny, corpus):
    """Steps of the generator alone, against a discriminator that stands still."""
    model = build_tiny("gan", texts=corpus, adversarial_loss="non_saturating", **GAME)
    model.compile(keras.optimizers.Adam(1e-2))
    (ids, _), told = batch(model, corpus), nothing_told(64)
    step = tf.function(lambda: model.train_generator(ids, told), autograph=False)
    verdict = lambda: model.judge(model.fakes(nothing_told(500), tf.constant([7, 7])), nothing_told(500)).numpy()  # noqa: E731
    before = verdict()
    for _ in range(30):
        step()
    after = verdict()
    assert after.mean() - before.mean() > 5 * math.sqrt((after.var() + before.var()) / 500)


# Collapse


def fit_of_one(build_tiny, corpus, **options):
    """What is said while a model is fitted that writes one text, and its history."""
    model = build_tiny("gan", texts=corpus, pretraining_epochs=0, **options)
    bias = model.generator.output_layer.bias
    bias.assign(100.0 * np.eye(bias.shape[0])[END])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        history = model.fit(corpus, batch_size=32, epochs=1, verbose=0).history
    return said(caught), history


def test_a_generator_that_writes_one_text_is_said_to_have_collapsed(build_tiny, corpus):
    found, history = fit_of_one(build_tiny, corpus, discriminator_epochs=0)
    assert len(found) == 1 and "collapsed" in found[0] and "\n" not in found[0]
    assert history["distinct"][0] <= 1 / 64


def test_before_the_game_nothing_is_said_of_it(build_tiny, corpus):
    found, history = fit_of_one(build_tiny, corpus, discriminator_epochs=1)
    assert found == [] and "distinct" not in history


def said_after_an_epoch(model, corpus, monkeypatch, among, **logs):
    """What is said after an epoch of the game if the model writes texts that are drawn from some."""
    monkeypatch.setattr(model, "generate", lambda num=1, **_: random.Random(3).choices(among, k=num))
    (ids, _), model.phase = batch(model, corpus), ADVERSARIAL
    callback = TrainingPhases([(ids[:40], None, None), (ids[40:], None, None)])
    callback.set_model(model)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        callback.on_epoch_end(0, logs)
    return said(caught)


@pytest.fixture(scope="module")
def idle(build_tiny, corpus):
    return build_tiny("gan", texts=corpus, **GAME)


@pytest.mark.parametrize("copies, collapsed", [(1, False), (8, True)])
def test_texts_are_compared_with_as_many_real_ones(idle, corpus, monkeypatch, copies, collapsed):
    """A generator that draws from the training texts themselves has not collapsed, however few there are: of 64 draws
    from 64 texts 63% differ. One that draws from an eighth of them has."""
    found = said_after_an_epoch(idle, corpus, monkeypatch, corpus[::copies])
    assert ["collapsed" in text for text in found] == [True] * collapsed


def test_real_texts_that_repeat_themselves_may_be_repeated(idle, corpus, monkeypatch):
    assert said_after_an_epoch(idle, corpus[:4] * 16, monkeypatch, corpus[:4]) == []


@pytest.mark.parametrize("accuracy, lost", [(0.5, False), (0.99, False), (0.999, True), (1.0, True)])
def test_a_discriminator_that_tells_everything_apart_is_told_of(idle, corpus, monkeypatch, accuracy, lost):
    among = [str(number) for number in range(10_000)]
    found = said_after_an_epoch(idle, corpus, monkeypatch, among, discriminator_accuracy=accuracy)
    assert len(found) == lost and all("discriminator" in text and "\n" not in text for text in found)


# Several steps of the discriminator


@pytest.mark.parametrize("num, parts", [(8, 1), (8, 2), (7, 3), (1, 3), (2, 5)])
def test_a_batch_is_divided_into_parts_of_one_size_that_hold_all_texts(num, parts):
    ids, told = tf.range(num)[:, None], tf.cast(tf.range(num), tf.float32)[:, None]
    found = [part_of(ids, told, part, parts) for part in range(parts)]
    assert {len(part) for part, _ in found} == {-(-num // parts)}
    assert set(np.concatenate([part for part, _ in found]).ravel().tolist()) == set(range(num))
    for part, condition in found:
        np.testing.assert_array_equal(part, condition)
        assert len(set(part.numpy().ravel().tolist())) == len(part)


def test_places_that_no_text_reaches_are_no_trouble_in_lower_precision(build_tiny, corpus):
    model = build_tiny("seqgan", texts=corpus, filters=[[1, 8], [2, 12], [4, 8]], dtype="mixed_bfloat16")
    ids = np.array([[4, 5, END], [6, END, 0]], np.int32)  # far shorter than texts may be
    condition, seed = tf.zeros([2, 0]), tf.constant([1, 2])
    values = tf.function(model.values)(tf.constant(ids), condition, seed)
    assert values.shape == (2, 3) and np.isfinite(values).all()
    finished = sampling.rollouts(
        model.decoder.step, model.decoder.start(condition), tf.constant(np.pad(ids, [[0, 0], [0, 9]])), 2, seed
    )
    once = tf.function(model.judge_rollouts)(tf.constant(np.pad(ids, [[0, 0], [0, 9]])), condition, finished)
    again = model.rewards(finished.ids, tf.zeros([len(finished.ids), 0]), seed)
    np.testing.assert_allclose(once, again, atol=0.01)  # bfloat16 has 8 bits

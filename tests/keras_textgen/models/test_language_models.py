"""Language models: every text of three words and its probability, against what they score, write and search."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import sampling
from keras_textgen.text import END, START, WordTokenizer

WORDS = ["a", "b", "c"]
LENGTH = 3
# Every text: words and an end, or as many words as fit.
TEXTS = [[*words, END] for length in range(LENGTH) for words in itertools.product((4, 5, 6), repeat=length)]
TEXTS += [list(words) for words in itertools.product((4, 5, 6), repeat=LENGTH)]
IDS = np.array([text + [0] * (LENGTH - len(text)) for text in TEXTS], np.int32)
STRINGS = [" ".join(WORDS[token - 4] for token in text if token != END) for text in TEXTS]

SPREADS = {"lstm_lm": 2, "transformer_lm": 1}  # of weights by which words matter to those behind them
FORMS = [
    {},
    {"tie_embeddings": True},
    {"output_dim": 0},
    {"tie_embeddings": True, "output_dim": 0, "attributes": {"mark": ["calm", "loud"]}},
]


def three_words(build_tiny, name, **options):
    """A model whose texts are of three words, with weights that make a word depend on those before it."""
    model = build_tiny(name, tokenizer=WordTokenizer(vocabulary=WORDS), sequence_length=LENGTH, **options)
    draw = np.random.default_rng(3)
    for variable in model.decoder.trainable_variables:
        if len(variable.shape) > 1:
            variable.assign(draw.normal(0, SPREADS[name] * max(variable.shape[0], 1) ** -0.5, variable.shape))
    model.decoder.output_layer.bias.assign([-1e9, -1e9, 0.2, -1e9, 0, 0.3, -0.3])  # a text is made of words alone
    return model


def exact_log_probabilities(model):
    """Of every text, for a model that is told the last value of its attributes."""
    condition = np.tile(np.eye(model.attributes.width, dtype=np.float32)[-1:], [len(IDS), 1])
    condition = tf.reshape(condition, [len(IDS), model.attributes.width])
    return condition, model.likelihood(condition, tf.constant(IDS)).log_prob(IDS).numpy().astype(np.float64)


@pytest.mark.parametrize(
    "name, options",
    [*itertools.product(SPREADS, FORMS), ("transformer_lm", {"positions": "rotary", "convolution_width": 2})],
    ids=str,
)
def test_scores_are_exact_and_steps_are_those_of_whole_texts(build_tiny, name, options):
    model = three_words(build_tiny, name, **options)
    condition, exact = exact_log_probabilities(model)
    assert np.exp(exact).sum() == pytest.approx(1, rel=1e-5)
    # Each word depends on the one two places before it.
    last = np.exp(exact[-27:]).reshape(3, 3, 3) / np.exp(exact[-27:]).reshape(3, 3, 3).sum(axis=2, keepdims=True)
    assert np.ptp(last, axis=0).max() > 0.02 and np.ptp(last, axis=1).max() > 0.02

    ended = [place for place, text in enumerate(TEXTS) if text[-1] == END and len(text) > 1]
    labels = {"mark": "loud"} if options.get("attributes") else None
    scores = model.score([STRINGS[place] for place in ended], labels=labels)
    np.testing.assert_allclose(scores, exact[ended], rtol=1e-5, atol=1e-6)

    state, total = model.start(None, condition), np.zeros(len(IDS))
    for before, token in zip([np.full(len(IDS), START), *IDS.T], IDS.T, strict=False):
        logits, state = model.step(tf.constant(before, tf.int32), state)
        chosen = tf.nn.log_softmax(logits).numpy()[np.arange(len(IDS)), token]
        total += np.where(token > 0, chosen, 0)
    np.testing.assert_allclose(total, exact, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name, options", [("lstm_lm", FORMS[1]), ("transformer_lm", FORMS[0])], ids=str)
def test_texts_come_as_often_and_in_the_order_that_the_scores_say(build_tiny, chi_square_p, name, options):
    model, num = three_words(build_tiny, name, **options), 3000
    exact = exact_log_probabilities(model)[1]
    probabilities = np.exp(exact)
    texts = model.generate(num, seed=1)
    counts = np.array([texts.count(text) for text in STRINGS])
    assert counts.sum() == num
    rare = probabilities * num < 6  # for the test they are one
    assert 0 < rare.sum() < 20 and probabilities[rare].sum() * num > 6
    merged = [np.append(values[~rare], values[rare].sum()) for values in (counts, probabilities)]
    assert chi_square_p(*merged) > 1e-3

    every = dict(strategy="beam", num_beams=50, num_best=20, length_penalty=0.0)
    assert model.generate(1, **every) == [STRINGS[place] for place in np.argsort(-exact)[:20]]
    behind = [place for place, text in enumerate(TEXTS) if text[0] == 5 and 4 not in text and len(text) > 2]
    expected = [STRINGS[place] for place in sorted(behind, key=lambda place: -exact[place])]
    assert len(expected) == 6
    found = model.generate(1, **{**every, "num_best": 6}, prompt="b", banned=["a"], min_length=3)
    assert found == expected
    # By the mean log-probability of a token, the end included.
    mean = exact / [len(text) for text in TEXTS]
    found = model.generate(1, **{**every, "length_penalty": 1.0})
    assert found == [STRINGS[place] for place in np.argsort(-mean)[:20]]


def test_many_texts_are_those_that_one_graph_writes(build_tiny, corpus):
    model, num = build_tiny("lstm_lm", texts=corpus), 515  # Python asks for 512 at a time
    prompts = [["the cat", "a", "", "our old dog"][place % 4] for place in range(num)]
    texts = model.generate(num, seed=2, prompt=prompts, min_length=8)
    assert all(text.startswith(prompt) for text, prompt in zip(texts, prompts, strict=True))
    options = sampling.Options.tensors(prompt=prompts, min_length=8)._asdict()
    whole = model.functions["generate"](num, 2, **options)["texts"].numpy()
    assert texts == [text.decode() for text in whole]
    assert len(set(texts)) > 500


def test_bytes_that_are_streamed_are_those_of_generate(build_tiny, corpus):
    model = build_tiny("lstm_lm", tokenizer="bytes", texts=corpus)  # it writes what is no UTF-8
    for options in (
        dict(seed=1),
        dict(seed=2, min_length=12),
        dict(strategy="greedy"),
        dict(seed=3, prompt="né 語 語語"),
    ):
        pieces = list(model.stream(**options))
        assert "".join(pieces) == model.generate(1, **options)[0]
    assert "".join(pieces).startswith("né 語 ") and "\ufffd" not in pieces[:4]

"""Beam search: with beams for all texts it finds the best there are, with few what the algorithm says."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen import sampling
from keras_textgen.text import END, PADDING, START, UNKNOWN

PENALTIES = [0.0, 1.0, 0.6, -0.5]  # length penalties


def log_probabilities(logits, past, *, prompt=(), shortest=1, banned=(), repetition_penalty=1.0):
    """What each token is worth behind a past, `[7]`, in nats: under a prompt, its token alone, and nothing."""
    if len(past) < len(prompt):
        return np.where(np.arange(7) == prompt[len(past)], 0.0, -np.inf)
    logits = np.array(logits)
    for word in set(past):
        logits[word] = logits[word] / repetition_penalty if logits[word] > 0 else logits[word] * repetition_penalty
    logits -= math.log(np.exp(logits).sum())
    logits[[PADDING, START, UNKNOWN, *banned]] = -np.inf
    if len(past) + 1 < shortest:
        logits[END] = -np.inf
    return logits


def worth(score, text, length_penalty, prompt):
    return score / max(len(text) - len(prompt), 1) ** length_penalty


def all_by_worth(chain, kind, longest, length_penalty, **options):
    """Every text that can be written with what it is worth, best first."""
    prompt, found = options.get("prompt", ()), []
    for text in chain.texts(longest):
        pasts = [text[:place] for place in range(len(text))]
        score = sum(
            log_probabilities(chain.logits(past, kind), past, **options)[token]
            for past, token in zip(pasts, text, strict=True)
        )
        if score > -np.inf:
            found.append((worth(score, text, length_penalty, prompt), text))
    return sorted(found, reverse=True)


def plain_beam_search(chain, kind, longest, beams, length_penalty, **options):
    """The algorithm for one text, hypothesis by hypothesis; its best texts."""
    live, finished, prompt = [(0.0, ())], [], options.get("prompt", ())
    for position in range(longest):
        candidates = []
        for score, text in live:
            values = log_probabilities(chain.logits(text, kind), text, **options)
            candidates += [(score + value, (*text, token)) for token, value in enumerate(values) if value > -np.inf]
        candidates = sorted(candidates, reverse=True)[: 2 * beams]
        for score, text in candidates[:beams]:
            if text[-1] == END or position + 1 == longest:
                finished.append((worth(score, text, length_penalty, prompt), text))
        finished = sorted(finished, reverse=True)[:beams]
        live = [(score, text) for score, text in candidates if text[-1] != END][:beams]
        if not live:
            break
        if len(finished) == beams and worth(*live[0], length_penalty, prompt) < finished[-1][0]:
            break
    return [text for _, text in finished]


def search(chain, kinds, longest, beams, length_penalty=1.0, num_best=1, prompts=((),), step=None, **limits):
    """The best texts `[kinds][num_best]` that the library finds for chains of those kinds."""
    size = max(map(len, prompts)) + 1
    padded = [[*prompt, *[PADDING] * (size - len(prompt))] for prompt in prompts]
    padded = np.broadcast_to(np.array(padded, np.int32), [len(kinds), size])
    limits = sampling.Limits.of(len(kinds), longest, prompts=padded, **limits)
    strategy = sampling.BeamSearch(limits, beams, length_penalty, num_best)
    ids = sampling.decode(step or chain.step, chain.start(kinds), strategy).numpy().tolist()
    assert len(ids) == len(kinds) * num_best
    texts = []
    for row in ids:
        texts.append(tuple(row[: row.index(END) + 1] if END in row else np.trim_zeros(row, "b")))
        assert not any(row[len(texts[-1]) :])
    return [texts[first : first + num_best] for first in range(0, len(texts), num_best)]


LIMITS = [
    {},
    {"shortest": 3},
    {"banned": (5,), "repetition_penalty": 2.0},
    {"prompt": (6,)},
    {"prompt": (4, 5), "shortest": 4, "banned": (4,), "repetition_penalty": 1.5},
]


def for_search(limits):
    """Limits of the brute force as `search` takes them."""
    return {key: value for key, value in limits.items() if key != "prompt"} | {"prompts": [limits.get("prompt", ())]}


@pytest.mark.parametrize("length_penalty", PENALTIES)
@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_with_a_beam_for_every_text_the_best_of_all_are_found_in_order(chain_of, limits, length_penalty):
    chain, longest = chain_of(1, 4, loud=1.0), 4
    exact = [text for _, text in all_by_worth(chain, 0, longest, length_penalty, **limits)]
    found = search(chain, [0], longest, len(exact) + 3, length_penalty, num_best=len(exact), **for_search(limits))
    assert found == [exact]
    assert len(exact) > 5


def test_a_length_penalty_decides_whether_short_texts_are_better(chain_of):
    chain, kinds = chain_of(1, 4, kinds=20, loud=1.0), range(20)
    lengths = [np.mean([len(texts[0]) for texts in search(chain, list(kinds), 4, 130, power)]) for power in (0, 0.5, 1)]
    assert lengths == sorted(lengths) and lengths[0] < lengths[1] < lengths[2]


@pytest.mark.parametrize("beams", [1, 2, 3, 5])
@pytest.mark.parametrize("length_penalty", PENALTIES)
def test_few_beams_find_what_the_algorithm_says(chain_of, beams, length_penalty):
    chain, longest, kinds = chain_of(5, 6, kinds=30, loud=1.0), 6, list(range(30))
    for limits in LIMITS:
        found = search(chain, kinds, longest, beams, length_penalty, num_best=beams, **for_search(limits))
        for kind in kinds:
            plain = plain_beam_search(chain, kind, longest, beams, length_penalty, **limits)
            assert found[kind][: len(plain)] == plain and len(set(plain)) == len(plain)
            assert len(plain) == beams or limits.get("prompt")


def test_few_beams_miss_what_many_find(chain_of):
    chain, kinds = chain_of(5, 5, kinds=30, loud=1.0), list(range(30))
    few, many = (search(chain, kinds, 5, beams) for beams in (1, 400))
    assert many == [[all_by_worth(chain, kind, 5, 1.0)[0][1]] for kind in kinds]
    assert 0 < sum(one != other for one, other in zip(few, many, strict=True)) < 30


def test_the_best_of_a_search_are_different_texts_in_the_order_of_their_worth(chain_of):
    chain, kinds = chain_of(6, 6, kinds=10, loud=1.0), list(range(10))
    for length_penalty in PENALTIES:
        for kind, texts in zip(kinds, search(chain, kinds, 6, 6, length_penalty, num_best=4), strict=True):
            known = {text: value for value, text in all_by_worth(chain, kind, 6, length_penalty)}
            values = [known[text] for text in texts]
            assert values == sorted(values, reverse=True) and len(set(texts)) == 4
        fewer = search(chain, kinds, 6, 6, length_penalty, num_best=2)
        assert fewer == [texts[:2] for texts in search(chain, kinds, 6, 6, length_penalty, num_best=4)]


def test_texts_beside_each_other_change_no_search_and_leave_when_they_have_ended(chain_of):
    chain, longest, num, beams = chain_of(7, 7, kinds=12, loud=1.0), 7, 12, 3
    chain.table[:6, :, END] += 2  # some end soon
    kinds, prompts = list(range(num)), [(), (4,), (5, 6), (), (6, 6, 6), ()] * 2
    rows = []

    def step(tokens, state):
        rows.append(len(tokens))
        assert all(len(part) == len(tokens) for part in state[:2]) and int(state[2]) == len(rows) - 1
        return chain.step(tokens, state)

    together = search(chain, kinds, longest, beams, num_best=2, prompts=prompts, step=step)
    assert rows[0] == num and rows[1:] == sorted(rows[1:], reverse=True)  # the first step has one beginning of each
    assert rows[1] == num * beams and 0 < rows[-1] <= num * beams / 2
    for kind in kinds:
        assert search(chain, [kind], longest, beams, num_best=2, prompts=[prompts[kind]]) == [together[kind]]


def test_a_search_stops_when_no_beginning_is_worth_more(chain_of):
    chain, steps = chain_of(1, 4, loud=1.0), []
    chain.table[:, :, END] += 9.0

    def step(tokens, state):
        steps.append(len(tokens))
        return chain.step(tokens, state)

    found = search(chain, [0], 50, 3, 0.0, num_best=3, step=step)
    assert found[0] == [(END,), *[text for _, text in all_by_worth(chain, 0, 3, 0.0)[1:3]]]
    assert steps == [1, 3]


def test_a_prompt_that_is_too_long_is_cut(chain_of):
    found = search(chain_of(1, 4), [0, 0], 3, 2, prompts=[(4, 5, 6, 6), ()])
    assert found[0] == [(4, 5, 6)] and found[1] != found[0]


def test_no_texts_are_no_searches(chain_of):
    assert search(chain_of(1, 4), [], 4, 3) == []


def test_the_search_is_the_same_inside_a_graph(chain_of):
    chain, kinds = chain_of(5, 6, kinds=8, loud=1.0), list(range(8))
    prompts = np.array([[4, 0], [0, 0], [5, 6], [0, 0]] * 2, np.int32)

    specs = [([None], tf.int32), ([None, None], tf.int32), ([], tf.int32), ([], tf.int32), ([], tf.float32)]

    @tf.function(input_signature=[tf.TensorSpec(*spec) for spec in specs], autograph=False)
    def decode(kinds, prompts, beams, num_best, length_penalty):
        limits = sampling.Limits.of(tf.shape(kinds)[0], 6, prompts=prompts, repetition_penalty=1.5)
        strategy = sampling.BeamSearch(limits, beams, length_penalty, num_best)
        return sampling.decode(chain.step, (kinds, tf.zeros_like(kinds), tf.constant(0)), strategy)

    for beams, num_best, length_penalty in ((1, 1, 1.0), (4, 2, 0.0), (3, 3, 1.0)):
        limits = sampling.Limits.of(8, 6, prompts=prompts, repetition_penalty=1.5)
        strategy = sampling.BeamSearch(limits, beams, length_penalty, num_best)
        expected = sampling.decode(chain.step, chain.start(kinds), strategy)
        np.testing.assert_array_equal(decode(kinds, prompts, beams, num_best, length_penalty), expected)

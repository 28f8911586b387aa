"""KL schedules: their values, their ends, their text forms."""

import json
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.errors import InputError
from keras_textgen.schedules import SCHEDULES, Constant, Cyclical, Linear, Logistic, Schedule, get_schedule

EXAMPLES = [Constant(0.5), Linear(100, 0.8, 0.1), Logistic(100, 2.0), Cyclical(100, 0.6, 0.25)]


def by_class(value):
    return type(value).__name__ if isinstance(value, Schedule) else str(value)


def values(schedule, steps):
    return np.array([float(schedule(tf.constant(step))) for step in steps])


@pytest.mark.parametrize(
    "schedule, points",
    [
        (Constant(0.5), {0: 0.5, 10**6: 0.5}),
        (Linear(100), {0: 0, 25: 0.25, 100: 1, 500: 1}),
        (Linear(100, 0.8, 0.1), {0: 0.1, 50: 0.45, 100: 0.8, 101: 0.8}),
        (Linear(10, 0.0, 1.0), {0: 1, 5: 0.5, 10: 0}),
        (Logistic(100), {0: 0.001, 50: 0.5, 100: 0.999, 75: 1 / (1 + 999**-0.5)}),
        (Logistic(100, 3.0), {50: 1.5}),
        (Cyclical(100), {0: 0, 25: 0.5, 50: 1, 99: 1, 100: 0, 125: 0.5, 12_350: 1}),
        (Cyclical(100, 0.6, 0.25), {5: 0.12, 25: 0.6, 99: 0.6, 105: 0.12}),
    ],
    ids=by_class,
)
def test_values_at_points(schedule, points):
    np.testing.assert_allclose(values(schedule, points), list(points.values()), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("schedule", [Linear(37), Logistic(37), Linear(37, 2.0, 0.5)], ids=by_class)
def test_growing_schedules_never_fall_nor_pass_their_end(schedule):
    weights = values(schedule, range(80))
    assert (np.diff(weights) >= 0).all() and weights[-1] > weights[0]
    assert weights.max() <= schedule.final


def test_a_cycle_repeats_itself():
    schedule = Cyclical(12)
    np.testing.assert_array_equal(values(schedule, range(12)), values(schedule, range(36, 48)))


@pytest.mark.parametrize(
    "schedule, unsettled, settled",
    [
        (Constant(0.3), [], [0, 5]),
        (Linear(100), [0, 50, 99], [100, 1000]),
        (Linear(100, 0.0, 1.0), [0, 99], [100]),
        (Logistic(100), [0, 50, 95], [100, 1000]),
        (Cyclical(100), [0, 49, 100], [50, 99, 150]),
    ],
    ids=by_class,
)
def test_settled_says_whether_the_weight_stands_at_its_end(schedule, unsettled, settled):
    assert [schedule.settled(step) for step in unsettled] == [False] * len(unsettled)
    assert [schedule.settled(step) for step in settled] == [True] * len(settled)


@pytest.mark.parametrize("schedule", EXAMPLES, ids=by_class)
@pytest.mark.parametrize("dtype", [tf.int32, tf.int64, tf.uint32])
def test_a_schedule_is_a_float32_scalar_in_a_graph_too(schedule, dtype):
    step = tf.constant(7, dtype)
    weight = tf.function(schedule)(step)
    assert weight.dtype == tf.float32 and weight.shape == ()
    assert float(weight) == float(schedule(step))


@pytest.mark.parametrize("schedule", EXAMPLES, ids=by_class)
def test_a_schedule_survives_its_configuration(schedule):
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(schedule)))
    other = get_schedule(config)
    assert type(other) is type(schedule) and other.get_config() == schedule.get_config()
    np.testing.assert_array_equal(values(other, range(0, 250, 9)), values(schedule, range(0, 250, 9)))


@pytest.mark.parametrize("make", [Linear, Logistic, Cyclical])
def test_a_share_of_the_training_becomes_steps_at_the_first_plan(make):
    schedule, steps = make(share=0.25), make(50)
    unplanned = get_schedule(keras.saving.serialize_keras_object(schedule))
    schedule.plan(200)
    schedule.plan(9000)  # a second fit goes on with the plan of the first
    planned = get_schedule(keras.saving.serialize_keras_object(schedule))
    unplanned.plan(200)
    for other in (schedule, planned, unplanned):
        np.testing.assert_array_equal(values(other, range(120)), values(steps, range(120)))


def test_a_number_of_steps_is_not_planned_away():
    schedule = Linear(10)
    schedule.plan(1000)
    assert schedule.steps == 10


def test_every_kind_of_schedule_is_among_the_examples():
    assert {type(schedule) for schedule in EXAMPLES} == set(SCHEDULES.values())


@pytest.mark.parametrize(
    "text, expected",
    [
        ("linear:2000", Linear(2000)),
        ("logistic:5000", Logistic(5000)),
        ("cyclical:8000", Cyclical(8000)),
        ("constant:0.5", Constant(0.5)),
        (0.25, Constant(0.25)),
        (0, Constant(0)),
        (Linear(9), Linear(9)),
        ("linear:25%", Linear(share=0.25)),
        ("cyclical:2.5%", Cyclical(share=0.025)),
    ],
    ids=by_class,
)
def test_a_schedule_is_read_from_a_text_or_a_number(text, expected):
    schedule = get_schedule(text)
    assert type(schedule) is type(expected) and schedule.get_config() == expected.get_config()


@pytest.mark.parametrize(
    "wrong",
    ["linaer:20", "linear", "linear:", "linear:many", "linear:2.5", "linear:0", "linear:-5", "constant:-1",
     "constant:nan",
     "linear:0%", "linear:101%", "linear:nan%", "linear:%",
     "constant:inf", "", -0.5, math.nan, math.inf, True, None, [1.0]],
)  # fmt: skip
def test_what_is_no_schedule_is_refused_in_one_line(wrong):
    with pytest.raises(InputError) as error:
        get_schedule(wrong)
    assert "\n" not in str(error.value)


def test_a_misspelt_schedule_gets_a_suggestion():
    with pytest.raises(InputError, match="did you mean 'linear'"):
        get_schedule("linaer:20")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Linear(0),
        lambda: Linear(),
        lambda: Linear(5, share=0.5),
        lambda: Linear(share=1.5),
        lambda: Linear(2.5),
        lambda: Linear(10, -1.0),
        lambda: Linear(10, start=math.nan),
        lambda: Linear(10, start=-1.0),
        lambda: Cyclical(10, growing_share=0),
        lambda: Cyclical(10, growing_share=1.5),
        lambda: Constant("1"),
    ],
)
def test_settings_out_of_range_are_refused(make):
    with pytest.raises(InputError):
        make()

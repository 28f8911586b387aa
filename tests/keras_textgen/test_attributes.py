"""Attributes: labels to numbers and one-hot vectors, in Python and inside a graph, and one line for what is wrong."""

import json

import numpy as np
import pytest
import tensorflow as tf

from keras_textgen.attributes import RESERVED, Attributes
from keras_textgen.errors import InputError

VALUES = {"topic": ["sport", "art", "money"], "sentiment": ["positive", "negative"]}
LABELS = {"sentiment": ["positive", "negative", "positive"], "topic": ["sport", "money", "art"]}
NUMBERS = [[1, 2], [0, 1], [1, 0]]  # both names and values in alphabetical order


@pytest.fixture
def attributes():
    return Attributes(VALUES)


def refusal(call, *arguments) -> str:
    """The one line with which a call is refused."""
    with pytest.raises(InputError) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_names_and_values_are_in_alphabetical_order(attributes):
    assert list(attributes.values.items()) == [
        ("sentiment", ["negative", "positive"]),
        ("topic", ["art", "money", "sport"]),
    ]
    assert len(attributes) == 2 and attributes.width == 5


def test_attributes_are_learned_from_labels(attributes):
    assert Attributes.learn(LABELS).values == attributes.values
    as_arrays = {name: np.array(values, object) for name, values in LABELS.items()}
    assert Attributes.learn(as_arrays).values == attributes.values


def test_labels_become_numbers_and_one_hot_vectors(attributes):
    numbers = attributes.numbers(LABELS, 3)
    assert numbers.dtype == np.int32
    np.testing.assert_array_equal(numbers, NUMBERS)
    expected = [[0, 1, 0, 0, 1], [1, 0, 0, 1, 0], [0, 1, 1, 0, 0]]
    np.testing.assert_array_equal(attributes.one_hot(tf.constant(numbers)), expected)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_graph_gives_the_same_numbers(attributes, compiled):
    look_up = tf.function(attributes.look_up) if compiled else attributes.look_up
    columns = [tf.constant(LABELS[name]) for name in attributes.values]
    np.testing.assert_array_equal(look_up(columns, tf.constant(3)), NUMBERS)
    one_for_all = [tf.constant(["negative"]), tf.constant(["sport"])]
    np.testing.assert_array_equal(look_up(one_for_all, tf.constant(4)), [[0, 2]] * 4)


def test_one_value_stands_for_all_texts(attributes):
    given = attributes.given({"sentiment": "negative", "topic": LABELS["topic"]}, 3)
    assert [column.tolist() for column in given] == [["negative"] * 3, LABELS["topic"]]
    np.testing.assert_array_equal(attributes.numbers({"sentiment": "negative", "topic": "art"}, 2), [[0, 0]] * 2)


def test_without_attributes_there_is_nothing_to_tell():
    nothing = Attributes()
    assert len(nothing) == nothing.width == 0 and nothing.get_config() is None
    for labels in (None, {}):
        assert nothing.given(labels, 3) == []
        assert nothing.numbers(labels, 3).shape == (3, 0)
    assert nothing.look_up([], 3).shape == nothing.one_hot(tf.zeros([3, 0], tf.int32)).shape == (3, 0)


def test_attributes_survive_their_configuration(attributes):
    for one in (attributes, Attributes()):
        config = json.loads(json.dumps(one.get_config()))
        assert Attributes(config).values == one.values


@pytest.mark.parametrize(
    "labels, said",
    [
        (None, "'sentiment' is missing"),
        ({}, "'sentiment' is missing"),
        ({"sentiment": "positive"}, "'topic' is missing; give it as labels={'topic': 'art'} (of: art, money, sport)"),
        ({**LABELS, "colour": "red"}, "unknown attribute 'colour'; choose from: sentiment, topic"),
        ({"sentimental": "positive", "topic": "art"}, "unknown attribute 'sentimental'; did you mean 'sentiment'?"),
        ({**LABELS, "topic": "sports"}, "unknown topic 'sports'; did you mean 'sport'?"),
        ({**LABELS, "topic": ["art", "Art", "art"]}, "unknown topic 'Art'; did you mean 'art'?"),
        ({**LABELS, "topic": ["art", "money"]}, "2 values of the attribute 'topic' were given for 3 texts"),
        ({**LABELS, "topic": ["art"] * 4}, "4 values of the attribute 'topic' were given for 3 texts"),
        ({**LABELS, "topic": ["art"]}, "1 values of the attribute 'topic' were given for 3 texts"),
        ({**LABELS, "topic": []}, "'topic' must be strings, one a text"),
        ({**LABELS, "topic": [1, 2, 3]}, "'topic' must be strings, one a text"),
        ({**LABELS, "topic": 3}, "'topic' must be strings, one a text"),
        ({**LABELS, "topic": None}, "'topic' must be strings, one a text"),
        ({**LABELS, "topic": [["art"], ["art"], ["art"]]}, "'topic' must be strings, one a text"),
        ({**LABELS, "topic": [b"art"] * 3}, "'topic' must be strings, one a text"),
        ("positive", "labels must be given by name"),
        (["positive"] * 3, "labels must be given by name"),
    ],
    ids=str,
)
def test_wrong_labels_are_refused_in_one_line(attributes, labels, said):
    assert said in refusal(attributes.numbers, labels, 3)


def test_a_refusal_speaks_of_the_argument_that_was_given(attributes):
    assert "attributes={'sentiment': 'negative'}" in refusal(attributes.given, None, 3)
    assert "labels={'sentiment': 'negative'}" in refusal(attributes.given, None, 3, "labels")


def test_labels_for_a_model_without_attributes_are_refused():
    assert "knows no attributes" in refusal(Attributes().given, LABELS, 3)


@pytest.mark.parametrize(
    "values", [3, None, "red", b"red", [1, 2], ["red", None], ["red"], ["red", "red"], []], ids=str
)
def test_values_that_are_no_two_strings_are_refused_in_one_line(values):
    assert "'colour'" in refusal(Attributes, {"colour": values})


@pytest.mark.parametrize("labels", [["red"], [], [1, 2], 3, None, "red"], ids=str)
def test_nothing_is_learned_from_one_value_or_from_no_strings(labels):
    assert "'colour'" in refusal(Attributes.learn, {"colour": labels})


@pytest.mark.parametrize("name", ["two words", "", "1st", "a-b", 3, None, *sorted(RESERVED)])
def test_a_name_that_is_none_or_means_something_else_is_refused(name):
    assert repr(name) in refusal(Attributes, {name: ["x", "y"]})


@pytest.mark.parametrize("values", ["sentiment", ["sentiment"], 3], ids=str)
def test_values_without_names_are_refused(values):
    assert "by name" in refusal(Attributes, values)
    assert "by the name" in refusal(Attributes.learn, values)


def test_an_unknown_value_fails_a_graph_with_the_values_there_are(attributes):
    columns = [tf.constant(["positive", "positive"]), tf.constant(["art", "sports"])]
    for look_up in (attributes.look_up, tf.function(attributes.look_up)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="unknown topic; choose from: art, money, sport"):
            look_up(columns, 2)


def test_names_of_an_exported_functions_arguments_are_reserved(build_tiny, corpus):
    for name in ("lstm_vae", "dense_ae"):
        model = build_tiny(name, texts=corpus[:4])
        for signature in {**model.signatures(), **model.internal_signatures()}.values():
            assert set(signature.inputs) <= RESERVED

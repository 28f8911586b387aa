import json

import pytest

from keras_textgen.errors import InputError
from training import distribution


def config(workers=2, kind="worker", index=0):
    return json.dumps({"cluster": {"worker": ["h:1"] * workers}, "task": {"type": kind, "index": index}})


@pytest.mark.parametrize(
    ("given", "found"),
    [(None, (0, 1)), ("", (0, 1)), (config(), (0, 2)), (config(3, index=2), (2, 3)), (config(1), (0, 1))],
)
def test_tf_config_says_which_worker_this_is(monkeypatch, given, found):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if given is not None:
        monkeypatch.setenv("TF_CONFIG", given)
    assert distribution.cluster() == found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{", "TF_CONFIG must be JSON like"),
        ("[]", "TF_CONFIG must be JSON like"),
        ('{"cluster": {}}', "TF_CONFIG must be JSON like"),
        ('{"cluster": {"worker": 2}, "task": {"type": "worker", "index": 0}}', "TF_CONFIG must be JSON like"),
        (config(index="0"), "TF_CONFIG must be JSON like"),
        (config(index=2), "says worker 2, and the cluster has the workers 0 to 1"),
        (config(index=-1), "says worker -1"),
        (config(kind="ps"), "says ps 0"),
    ],
)
def test_a_tf_config_that_cannot_be_used_is_refused(monkeypatch, given, message):
    monkeypatch.setenv("TF_CONFIG", given)
    with pytest.raises(InputError, match=message):
        distribution.check("auto")


def test_one_device_needs_no_strategy(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    for name in ("auto", "none"):
        team = distribution.join(name)
        assert team.strategy is None and team.writes and team.size == 1
        with team.scope():
            team.wait()


def test_errors_of_tensorflow_about_a_worker_that_has_gone_get_one_line():
    import tensorflow as tf

    error = tf.errors.UnavailableError(None, None, "Connection reset by peer")
    message = "worker 1 of 2 has lost another one; start all of them again with --auto-resume"
    with pytest.raises(distribution.WorkerLost, match=message), distribution.Team(None, 1, 2).together():
        raise error
    with pytest.raises(tf.errors.UnavailableError), distribution.Team().together():
        raise error

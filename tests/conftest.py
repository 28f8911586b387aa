"""What the tests share: a small corpus, tiny models, and `model_name`, which stands for every model of the zoo.

A test with an argument `model_name` runs for every registered model; `likelihood_name` stands for the models that can
score texts, `latent_name` for those with a latent, `variational_name` for those whose latent has a rate.
"""

import contextlib
import gc
import itertools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:  # a process a core, each of which would take all cores
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "3")  # a reward waits on every replica for another

import numpy as np
import pytest

import zoo

TINY = {
    "embedding_dim": 16,
    "hidden_dim": 16,
    "hidden_dims": [16, 8],
    "output_dim": 16,
    "latent_dim": 4,
    "sequence_length": 12,
    "num_layers": 1,
    "num_heads": 2,
    "vocabulary_size": 200,
    "filters": [[2, 8], [3, 8]],
    "discriminator_embedding_dim": 8,
    "num_rollouts": 2,
}


def pytest_generate_tests(metafunc):
    wanted = {
        "model_name": None,
        "likelihood_name": "score",
        "latent_name": "reconstruct",
        "variational_name": "latent_statistics",
    }
    for argument, method in wanted.items():
        if argument in metafunc.fixturenames:
            names = zoo.list_models()
            if method is not None:
                names = [name for name in names if hasattr(zoo.spec(name).load(), method)]
            metafunc.parametrize(argument, names)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `--dist loadfile`: keeps the tests of a model in one process, and those of a file that stand for no model,
    so that what they share is built once."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByModel(LoadFileScheduling):
        def _split_scope(self, nodeid):
            values = nodeid.partition("[")[2].removesuffix("]").split("-")
            models = [name for name in zoo.list_models() if name in values]
            return models[0] if models else super()._split_scope(nodeid)

    return ByModel(config, log)


class Latest:
    """What `make(name)` gives, made once for as long as no others are asked for: a model with its graphs takes hundreds
    of megabytes, so only the latest few are kept.

    Args:
        most: how many.
    """

    def __init__(self, make, most: int = 2):
        self.make, self.most, self.found = make, most, {}

    def __call__(self, name):
        if name in self.found:
            self.found[name] = self.found.pop(name)  # the latest stand behind
            return self.found[name]
        while len(self.found) >= self.most:
            del self.found[next(iter(self.found))]
            gc.collect()
        self.found[name] = self.make(name)
        return self.found[name]


@pytest.fixture(scope="session")
def latest():
    """`latest(make, most)`: the class above, for the fixtures of other files."""
    return Latest


@pytest.fixture(scope="session", autouse=True)
def cheap_tracing():
    """Tests trace far more than they run: graphs run as they were traced, and Python looks for garbage less often.

    What TensorFlow's optimizer of graphs makes of them is tested in the processes beside this one: TensorFlow's C
    library, which answers all signatures of all models, plain TensorFlow, two devices, the command `textgen`.
    """
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    gc.freeze()  # what has been imported stays
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def untraced():
    """`with untraced():` what a model writes, encodes and scores is computed step by step in Python: a few calls take
    longer to trace than to run."""
    import tensorflow as tf

    @contextlib.contextmanager
    def eagerly():
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(False)

    return eagerly


@pytest.fixture(scope="session")
def corpus() -> list[str]:
    """64 short texts in the form in which the word tokenizer gives them back."""
    animals, places = ["cat", "dog", "bird", "old horse"], ["the mat", "a hill", "our house", "it"]
    marks = [".", "!", "?", ", again."]
    return [f"the {a} sat on {b}{c}" for a, b, c in itertools.product(animals, places, marks)]


@pytest.fixture(scope="session")
def build_tiny():
    """`build_tiny(name, **options)`: a model of that name at the smallest sizes, always from the same random state."""

    def build(name, **options):
        import keras

        known = zoo.spec(name).hyperparameters
        sizes = {key: value for key, value in TINY.items() if key in known}
        keras.utils.set_random_seed(7)
        return zoo.build(name, **{**sizes, "seed": 5, **options})

    return build


@pytest.fixture(scope="session")
def fitted(build_tiny, corpus):
    """`fitted(name)`: a tiny model after two epochs, built once for all of its tests; a test must not change it."""

    def make(name):
        model = build_tiny(name)
        model.fit(corpus, batch_size=16, epochs=2, verbose=0)
        return model

    return Latest(make)


@pytest.fixture(scope="session")
def saved(fitted, tmp_path_factory):
    """`saved(name)`: the `.keras` file of the fitted model; a test that changes a model loads it from here."""
    paths = {}

    def get(name):
        if name not in paths:
            paths[name] = tmp_path_factory.mktemp("saved") / f"{name}.keras"
            fitted(name).save(paths[name])
        return paths[name]

    return get


@pytest.fixture(scope="session")
def restored(saved):
    """`restored(name)`: a copy of the fitted model to go on training, in the state of the file whenever it is asked
    for; its training is traced once."""
    models = Latest(lambda name: zoo.load(saved(name)), most=1)

    def get(name):
        model = models(name)
        model.load_weights(saved(name))  # with the optimizer's
        return model

    return get


@pytest.fixture(scope="session")
def spare(saved):
    """`spare(name)`: a copy of the fitted model for calls that must be refused; one that is not would change it."""
    return Latest(lambda name: zoo.load(saved(name)), most=1)


@pytest.fixture(scope="session")
def served_folder(fitted, tmp_path_factory):
    """What a server of models takes: a folder with version 1 of the fitted `lstm_vae`."""
    base = tmp_path_factory.mktemp("served")
    zoo.export(fitted("lstm_vae"), base / "lstm_vae")
    return base


@pytest.fixture(scope="session")
def chi_square_p():
    """`chi_square_p(counts, probabilities)`: Pearson's test; the probability of a fit at least as bad as this one."""

    def p_value(counts, probabilities):
        import tensorflow_probability as tfp

        counts, probabilities = np.asarray(counts, np.float64), np.asarray(probabilities, np.float64)
        assert counts[probabilities == 0].sum() == 0
        expected = probabilities[probabilities > 0] * counts.sum()
        assert expected.min() > 5  # the test is no good below
        statistic = np.sum((counts[probabilities > 0] - expected) ** 2 / expected)
        return float(tfp.distributions.Chi2(np.float64(len(expected) - 1)).survival_function(statistic))

    return p_value

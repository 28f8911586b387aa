"""Processes beside that of the tests, exports, and models that are trained and let go."""

import functools
import gc
import json
import subprocess
import sys
import textwrap
import weakref
from typing import NamedTuple

import numpy as np
import pytest

import zoo

LOOP = """
answers, sys.stdout = sys.stdout, sys.stderr  # so that nothing else is printed there
for line in sys.stdin:
    try:
        found = answer(**json.loads(line))
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    print(json.dumps(found), file=answers, flush=True)
"""


class Beside:
    """A process that is asked one question after another, so that TensorFlow is started once for all of them.

    Args:
        program: Python that imports `json` and `sys` and defines `answer`, which takes and gives what JSON can hold;
            the answer is the error's text if it raises.
        errors: the file for what the process writes to its standard error.
    """

    def __init__(self, program, errors):
        self.errors = errors
        with errors.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(program) + LOOP],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True,
            )  # fmt: skip

    def ask(self, **question):
        assert self.process.poll() is None, self.errors.read_text()[-3000:]
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.errors.read_text()[-3000:]
        return json.loads(line)


@pytest.fixture(scope="session")
def process_of(tmp_path_factory):
    """`process_of(program)`: the process that runs a program, the same one whenever it is asked for."""
    processes = {}

    def get(program):
        if program not in processes:
            processes[program] = Beside(program, tmp_path_factory.mktemp("beside") / "stderr.txt")
        return processes[program]

    yield get
    for beside in processes.values():
        beside.process.communicate()


@pytest.fixture(scope="session")
def export_of(fitted, tmp_path_factory):
    """`export_of(name)`: the folder of version 1 of the fitted model, written once a session; a test must not change
    it."""
    folders = {}

    def get(name):
        if name not in folders:
            folders[name] = zoo.export(fitted(name), tmp_path_factory.mktemp("exported") / name)
        return folders[name]

    return get


class Course(NamedTuple):
    """What is known of a model that was trained and let go; the numbers are None without a likelihood.

    Attributes:
        before, after: its perplexities.
        learned, others: the mean scores of the texts that it was trained on, and of texts of its rarest words.
        left: the names of the graphs that it left in memory.
    """

    before: float | None
    after: float | None
    learned: float | None
    others: float | None
    left: list[str]


def trained(model, corpus) -> list:
    """The numbers of a course after twelve epochs at a high rate; the model has written, too."""
    import keras

    from keras_textgen.optimizers import Adam

    found = [None] * 4
    if hasattr(model, "score"):
        # That of the models forgets when a game begins, and at this rate a policy would be lost.
        model.compile((keras.optimizers.Adam if hasattr(model, "discriminator_optimizer") else Adam)(1e-2))
        perplexity = lambda: model.evaluate(corpus, return_dict=True, verbose=0)["perplexity"]  # noqa: E731
        before = perplexity()
        model.fit(corpus, batch_size=16, epochs=12, verbose=0)
        rarest = model.tokenizer.vocabulary[::-1]
        lengths = np.count_nonzero(model.tokenizer(corpus, sequence_length=model.sequence_length), axis=1)
        others = [" ".join(rarest[: length - 1]) for length in lengths]
        found = [before, perplexity(), model.score(corpus).mean(), model.score(others).mean()]
    else:
        model.fit(corpus[:16], batch_size=16, verbose=0)
    model.generate(1, seed=1)
    return found


@pytest.fixture(scope="session")
def graphs():
    """`graphs()`: those of TensorFlow's functions that are in memory."""
    from tensorflow.python.framework.func_graph import FuncGraph

    def found() -> weakref.WeakSet:
        gc.collect()
        return weakref.WeakSet(thing for thing in gc.get_objects() if isinstance(thing, FuncGraph))

    return found


@pytest.fixture(scope="session")
def course(build_tiny, corpus, graphs):
    """`course(name)`: what became of a tiny model, trained once."""

    @functools.cache
    def take(name):
        before = graphs()
        numbers = trained(build_tiny(name, texts=corpus), corpus)
        return Course(*numbers, left=[graph.name for graph in graphs() - before])

    return take

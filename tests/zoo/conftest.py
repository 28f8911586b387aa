"""Processes beside that of the tests."""

import json
import subprocess
import sys
import textwrap

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

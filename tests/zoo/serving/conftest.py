"""Servers in a thread, and models so small that a version is written in no time."""

import shutil
import time

import pytest
import requests
import tensorflow as tf

from keras_textgen.models.graph_functions import NUMBER, SEED, TEXTS, Signature
from zoo.serving import Limits, Server
from zoo.serving.rest_client import RestClient

LIMITS = Limits(num=100, texts=50, text_bytes=500, rows=400, body_bytes=20_000, read_seconds=1.0, idle_seconds=2.0)


def write_toy(folder, tag):
    """A SavedModel with `echo`, which marks texts with a tag twice, the second time after the file `gate` is gone; and
    `add`, which takes a tensor of every type."""

    def echo(texts, gate):
        closed = lambda turn: tf.size(tf.io.matching_files(gate)) > 0  # noqa: E731
        turns = tf.while_loop(closed, lambda turn: [turn + 1], [tf.constant(0)])[0]
        marked = texts + f"-{tag}"
        late = tf.strings.join([texts, tf.where(turns >= 0, f"-{tag}", "-never")])
        return {"marked": marked, "late_bytes": late}

    def add(x, num, scale, count, negative):
        total = tf.reduce_sum(x, axis=-1) * scale + tf.cast(count + num, tf.float32)
        return {"total": tf.where(negative, -total, total)}

    signatures = {
        "serving_default": Signature(echo, {"texts": TEXTS}, options={"gate": tf.constant("")}),
        "add": Signature(
            add,
            {"x": tf.TensorSpec([None, 2], tf.float32), "num": SEED, "scale": NUMBER},
            options={"count": tf.constant(0, tf.int64), "negative": tf.constant(False)},
        ),
    }
    functions = {name: signature.graph_function([]) for name, signature in signatures.items()}
    unfinished = folder.parent / f".{folder.name}"
    tf.saved_model.save(tf.Module(), str(unfinished), functions)
    folder.parent.mkdir(exist_ok=True)
    unfinished.rename(folder)


@pytest.fixture(scope="session")
def toys(tmp_path_factory):
    """`toys(number)`: a folder with a version that marks with `v<number>`, written once."""
    base, written = tmp_path_factory.mktemp("toys"), {}

    def get(number):
        if number not in written:
            written[number] = base / str(number)
            write_toy(written[number], f"v{number}")
        return written[number]

    return get


@pytest.fixture
def base(tmp_path):
    """An empty folder for models."""
    (tmp_path / "models" / "toy").mkdir(parents=True)
    return tmp_path / "models"


@pytest.fixture
def put(toys, base):
    """`put(1, 3)`: these versions of the toy appear, each at once."""

    def copy(*numbers):
        for number in numbers:
            shutil.copytree(toys(number), base / f".{number}")
            (base / f".{number}").rename(base / "toy" / str(number))

    return copy


@pytest.fixture
def serve(base):
    """`serve(**options)`: a server of `base`, which is stopped at the end."""
    running = []

    def start(**options):
        running.append(Server(base, port=0, **{"threads": 4, "limits": LIMITS, **options}).__enter__())
        return running[-1]

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture(scope="session")
def toy_server(toys, tmp_path_factory):
    """A server of versions 1 and 2 of the toy, under small limits."""
    base = tmp_path_factory.mktemp("served")
    for number in (1, 2):
        shutil.copytree(toys(number), base / "toy" / str(number))
    with Server(base, port=0, threads=2, labels={"toy": {"stable": 1, "gone": 7}}, limits=LIMITS) as server:
        yield server


@pytest.fixture(scope="session")
def lstm_vae_server(served_folder):
    """A server of a tiny `lstm_vae`."""
    with Server(served_folder, port=0, threads=2) as server:
        yield server


@pytest.fixture
def client(lstm_vae_server):
    with RestClient(lstm_vae_server.url) as client:
        yield client


@pytest.fixture(scope="session")
def post():
    """`post(server, body)`: status and JSON of the answer to a JSON body, or to bytes as they are."""

    def send(server, body, path="/v1/models/toy:predict", **options):
        how = {"data": body} if isinstance(body, bytes) or hasattr(body, "__next__") else {"json": body}
        answer = requests.post(server.url + path, **how, **{"timeout": 60, **options})
        return answer.status_code, answer.json()

    return send


@pytest.fixture(scope="session")
def get():
    """`get(server, path)`: status and JSON of the answer."""

    def send(server, path):
        answer = requests.get(server.url + path, timeout=60)
        return answer.status_code, answer.json()

    return send


@pytest.fixture(scope="session")
def wait_for():
    """`wait_for(condition)`: returns once it is true."""

    def wait(condition, seconds=600):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.02)

    return wait

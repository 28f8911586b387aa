"""Training an LSTM variational autoencoder beside a plain one in PyTorch: the same sizes, batches and numbers of steps,
each in a process of its own and in turn.

    pip install torch
    python benchmarks/training_speed.py --shape ptb

Prints a JSON line with the median tokens a second of each: ours in both precisions, PyTorch's in float32, with the
ratios and the share of the machine's rate of matrix products (measured in the same turns) that each comes to.

`--peer FILE` measures somebody's own PyTorch code as well: a Python file with a function `training(shape, batches,
threads)`, as `peer_lstm_vae.py` has it. `shape` is (words of the vocabulary, width of the word vectors, units,
dimensions of the latent), `batches` a list of arrays `int32 [batch, length]`; it gives a function without arguments
that takes a training step on every batch.
"""

import argparse
import ast
import importlib.util
from pathlib import Path

import measuring
import numpy as np
from side_by_side import PRECISIONS, SPECIAL, limit_threads, lstm_vae, ours_in, products, rows, shares

from keras_textgen.errors import InputError

# Vocabulary, embedding, units, latent; tokens of a text with its end; steps that are timed.
SHAPES = {"ptb": ((10_002, 256, 256, 32), 24, 40), "yahoo": ((20_001, 512, 1024, 32), 80, 4)}
BATCH = 32
PEER = "PyTorch float32"
PEER_FILE = Path(__file__).with_name("peer_lstm_vae.py")


def ours(shape, batches, threads, precision):
    """A function that trains the zoo's model on every batch, by plain `fit`."""
    limit_threads(threads)
    model, ids = lstm_vae(precision, shape, batches[0].shape[1]), np.concatenate(batches)

    def run():
        model.fit(ids, batch_size=BATCH, epochs=1, verbose=0)

    return run


def peer(shape, batches, threads, path):
    """What `training` of a file gives."""
    measuring.take_cores(threads)
    spec = importlib.util.spec_from_file_location("peer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.training(shape, batches, threads)


def operations(shape) -> int:
    """Floating-point operations in the products of a training step, a token: 6 for each weight that is in one."""
    vocabulary_size, embedding_dim, hidden_dim, latent_dim = shape
    encoder = 4 * hidden_dim * (embedding_dim + hidden_dim)
    decoder = 4 * hidden_dim * (embedding_dim + latent_dim + hidden_dim)
    return 6 * (encoder + decoder + hidden_dim * vocabulary_size)


def check_peer(path: Path) -> Path:
    """The path of a file that has a function `training`.

    Raises:
        InputError: if it has none, or cannot be read.
    """
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path} is no Python file: {error}") from None
    if not any(isinstance(node, ast.FunctionDef) and node.name == "training" for node in tree.body):
        raise InputError(f"{path} has no function training(shape, batches, threads); see {PEER_FILE}")
    return path.resolve()


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="ptb")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, help="that are timed at a time")
    parser.add_argument("--peer", type=Path, help="a Python file whose `training` is measured, too")
    parser.add_argument("--out", type=Path, help="a file for the JSON line, too")
    return parser.parse_args()


def main() -> None:
    """Measures all in turn, prints the JSON line."""
    arguments = options()
    surroundings = measuring.Surroundings()
    shape, length, steps = SHAPES[arguments.shape]
    draw = np.random.default_rng(0)
    batches = [
        draw.integers(SPECIAL, shape[0], [BATCH, length], dtype=np.int32) for _ in range(arguments.steps or steps)
    ]
    same = (shape, batches, arguments.threads)
    tasks = {ours_in(precision): (ours, *same, precision) for precision in PRECISIONS}
    tasks[PEER] = (peer, *same, PEER_FILE)
    if arguments.peer:
        tasks[arguments.peer.stem] = (peer, *same, check_peer(arguments.peer))
    tasks["products"] = (products, arguments.threads)
    contenders = {name: measuring.Contender(name, *task) for name, task in tasks.items()}
    seconds, results = measuring.compete(contenders, arguments.repeats)
    del seconds["products"]
    tokens = len(batches) * batches[0].size
    rates = {name: [tokens / took for took in found] for name, found in seconds.items()}
    medians, limits = measuring.medians(rates, None), shares(seconds, tokens * operations(shape), results["products"])
    measuring.report(
        {
            "shape": arguments.shape,
            "tokens a second": medians,
            "from and to": measuring.spreads(rates, None),
            "over PyTorch": {name: round(rate / medians[PEER], 2) for name, rate in medians.items()},
            **limits,
            "rows": rows(f"training, {arguments.shape}", "tokens/s", medians, rate=True, share=limits["share of that"]),
            **surroundings.facts(arguments.threads),
        },
        arguments.out,
    )


if __name__ == "__main__":
    measuring.run(main)

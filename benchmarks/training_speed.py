"""Training an LSTM variational autoencoder beside a plain one in PyTorch: the same sizes, batches and numbers of steps,
each in a process of its own and in turn.

    pip install torch
    python benchmarks/training_speed.py --shape ptb

Prints a JSON line with the median tokens a second of each: ours in both precisions, PyTorch's in float32, with the
ratios and the share of the machine's rate of matrix products (measured in the same turns) that each comes to.
"""

import argparse
import json
import statistics

import numpy as np
from side_by_side import SPECIAL, Contender, figures, in_turn, limit_threads, lstm_vae, machine, products, shares

# Vocabulary, embedding, units, latent; tokens of a text with its end; steps that are timed.
SHAPES = {"ptb": ((10_002, 256, 256, 32), 24, 40), "yahoo": ((20_001, 512, 1024, 32), 80, 4)}
BATCH = 32
PEER = "PyTorch float32"


def ours(precision, shape, batches, threads):
    """A function that trains the zoo's model on every batch, by plain `fit`."""
    limit_threads(threads)
    model = lstm_vae(precision, shape, batches[0].shape[1])
    ids = np.concatenate(batches)

    def run():
        model.fit(ids, batch_size=BATCH, epochs=1, verbose=0)

    return run


def theirs(shape, batches, threads):
    """The same in PyTorch."""
    from peer_lstm_vae import training

    return training(shape, batches, threads)


def operations(shape) -> int:
    """Floating-point operations in the products of a training step, a token: 6 for each weight that is in one."""
    vocabulary_size, embedding_dim, hidden_dim, latent_dim = shape
    encoder = 4 * hidden_dim * (embedding_dim + hidden_dim)
    decoder = 4 * hidden_dim * (embedding_dim + latent_dim + hidden_dim)
    return 6 * (encoder + decoder + hidden_dim * vocabulary_size)


def main() -> None:
    """Reads the options, measures all in turn, prints the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shape", choices=SHAPES, default="ptb")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, help="that are timed at a time")
    arguments = parser.parse_args()
    shape, length, steps = SHAPES[arguments.shape]
    draw = np.random.default_rng(0)
    batches = [
        draw.integers(SPECIAL, shape[0], [BATCH, length], dtype=np.int32) for _ in range(arguments.steps or steps)
    ]
    task = shape, batches, arguments.threads
    contenders = {f"ours {precision}": Contender(ours, precision, *task) for precision in ("float32", "mixed_bfloat16")}
    contenders |= {PEER: Contender(theirs, *task), "products": Contender(products, arguments.threads)}
    seconds, results = in_turn(contenders, arguments.repeats)
    del seconds["products"]
    tokens = len(batches) * batches[0].size
    rates = {name: [tokens / took for took in found] for name, found in seconds.items()}
    report = {
        "shape": arguments.shape,
        "tokens a second": {name: round(statistics.median(found)) for name, found in rates.items()},
        "from and to": {name: [round(min(found)), round(max(found))] for name, found in rates.items()},
        "over PyTorch": figures(seconds, PEER)[f"{PEER} over it"],
        **shares(seconds, tokens * operations(shape), results["products"]),
        **machine(arguments.threads),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()

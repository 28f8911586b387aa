"""Importance-weighted evaluation of an LSTM variational autoencoder of Penn Treebank's shape, 500 samples a sentence,
beside PyTorch's: the same weights and sentences, one sentence and 100 samples at a time, as in published code.

    pip install torch
    python benchmarks/importance.py --texts ptb/test.txt --model runs/ptb-sgd/model.keras

Prints a JSON line: the median seconds of each on some sentences of all lengths, and what they come to for the whole
test set; the nats a sentence that each finds, with the standard error over the repeats; the share of the machine's rate
of matrix products. Without `--texts` sentences have the lengths of Penn Treebank's and random words, and without
`--model` the weights are random.
"""

import argparse
import itertools
from pathlib import Path

import measuring
import numpy as np
from side_by_side import (
    KEPT,
    PRECISIONS,
    limit_threads,
    lstm_vae,
    ours_in,
    products,
    rows,
    sentences,
    shares,
    weights_for_peer,
)

SHAPE = 10_002, 256, 256, 32  # vocabulary, embedding, units, latent
LONGEST = 90
SENTENCES, TOKENS = 3_761, 82_430  # of the test set, with the ends
PEER = "PyTorch float32"


def ours(precision, place, texts, samples, threads):
    """A function that scores all texts, with other samples at every call."""
    limit_threads(threads)
    model, seeds = lstm_vae(precision, SHAPE, LONGEST, place), itertools.count()
    return lambda: model.score(texts, num_samples=samples, seed=next(seeds)).tolist()


def theirs(weights, ids, samples, threads):
    """The same in PyTorch."""
    measuring.take_cores(threads)
    import torch
    from peer_lstm_vae import with_weights

    peer = with_weights(weights, threads)
    rows = [torch.tensor(row) for row in ids]
    return lambda: [peer.score(row, samples) for row in rows]


def some(texts, num):
    """So many texts of all lengths."""
    ordered = sorted(texts, key=lambda text: len(text.split()))
    return [ordered[place] for place in np.linspace(0, len(ordered) - 1, 2 * num + 1).astype(int)[1::2]]


def operations(tokens, samples) -> int:
    """Floating-point operations in the products that cannot be left out: of a state with the recurrent kernel, and with
    the words."""
    vocabulary_size, _, hidden_dim, _ = SHAPE
    return tokens * samples * 2 * hidden_dim * (4 * hidden_dim + vocabulary_size)


def main() -> None:
    """Reads the options, measures all in turn, prints the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, help="a file with a sentence a line")
    parser.add_argument("--model", type=Path, help="a model that was trained and saved")
    parser.add_argument("--sentences", type=int, default=15)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    surroundings = measuring.Surroundings()
    texts = some(sentences(arguments.texts, SHAPE[0], LONGEST), arguments.sentences)
    model = lstm_vae("float32", SHAPE, LONGEST, arguments.model)
    ids = model.ids(texts).to_list()
    task = arguments.samples, arguments.threads
    tasks = {ours_in(precision): (ours, precision, arguments.model, texts, *task) for precision in PRECISIONS}
    contenders = {name: measuring.Contender(name, *rest) for name, rest in tasks.items()}
    for name, environment in ((PEER, None), (f"{PEER}, memory kept", KEPT)):
        its = weights_for_peer(model), ids, *task
        contenders[name] = measuring.Contender(name, theirs, *its, environment=environment)
    contenders["products"] = measuring.Contender("products", products, arguments.threads)
    seconds, results = measuring.compete(contenders, arguments.repeats)
    rates = results.pop("products")
    del seconds["products"]
    tokens = sum(map(len, ids))
    medians = measuring.medians(seconds)
    whole = {name: round(median * TOKENS / tokens / 60, 1) for name, median in medians.items()}
    nats = {name: np.mean(values, axis=1) for name, values in results.items()}
    errors = {name: np.std(values, ddof=1) / len(values) ** 0.5 for name, values in nats.items()}
    limits = shares(seconds, operations(tokens, arguments.samples), rates)
    report = {
        **{"sentences": len(texts), "tokens": tokens, "samples": arguments.samples},
        "seconds": medians,
        "from and to": measuring.spreads(seconds),
        f"{PEER} over it": {name: round(medians[PEER] / median, 2) for name, median in medians.items()},
        f"minutes for {SENTENCES} sentences": whole,
        "log-likelihood a sentence": {name: round(float(values.mean()), 3) for name, values in nats.items()},
        "standard error": {name: round(float(error), 3) for name, error in errors.items()},
        **limits,
        "rows": rows(f"K = {arguments.samples}, {len(texts)} texts", "s", medians, share=limits["share of that"]),
        **surroundings.facts(arguments.threads),
    }
    measuring.report(report)


if __name__ == "__main__":
    measuring.run(main)

"""The latents of texts by an LSTM variational autoencoder of Penn Treebank's shape beside PyTorch's: the same weights
and sentences, each in a process of its own and in turn; ours, which reads strings, in both precisions.

    pip install torch
    python benchmarks/encoding.py --texts ptb/valid.txt --model runs/ptb-sgd/model.keras

Prints a JSON line: the median seconds of each and the ratios, and how far the latents are from PyTorch's. Without
`--texts` sentences have the lengths of Penn Treebank's and random words, and without `--model` the weights are random.
"""

import argparse
from pathlib import Path

import measuring
import numpy as np
from side_by_side import PRECISIONS, limit_threads, lstm_vae, ours_in, rows, sentences, weights_for_peer

SHAPE = 10_002, 256, 256, 32  # vocabulary, embedding, units, latent
LONGEST = 90
PEER = "PyTorch float32"


def ours(precision, place, texts, threads):
    """A function that encodes all texts."""
    limit_threads(threads)
    model = lstm_vae(precision, SHAPE, LONGEST, place)
    return lambda: model.encode(texts)


def theirs(weights, ids, threads):
    """The same in PyTorch, from ids."""
    measuring.take_cores(threads)
    import torch
    from peer_lstm_vae import with_weights

    peer = with_weights(weights, threads)
    texts = [torch.tensor(row) for row in ids]
    return lambda: peer.encode(texts).numpy()


def main() -> None:
    """Reads the options, measures all in turn, prints the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, help="a file with a sentence a line")
    parser.add_argument("--model", type=Path, help="a model that was trained and saved")
    parser.add_argument("--sentences", type=int, default=3000, help="the first ones")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    surroundings = measuring.Surroundings()
    texts = sentences(arguments.texts, SHAPE[0], LONGEST, arguments.sentences)[: arguments.sentences]
    model = lstm_vae("float32", SHAPE, LONGEST, arguments.model)
    ids = model.ids(texts).to_list()
    contenders = {
        ours_in(precision): measuring.Contender(
            ours_in(precision), ours, precision, arguments.model, texts, arguments.threads
        )
        for precision in PRECISIONS
    }
    contenders[PEER] = measuring.Contender(PEER, theirs, weights_for_peer(model), ids, arguments.threads)
    seconds, results = measuring.compete(contenders, arguments.repeats)
    medians, latents = measuring.medians(seconds), {name: found[0] for name, found in results.items()}
    measuring.report(
        {
            **{"sentences": len(texts), "tokens": sum(map(len, ids))},
            "seconds": medians,
            "from and to": measuring.spreads(seconds),
            f"{PEER} over it": {name: round(medians[PEER] / median, 2) for name, median in medians.items()},
            "largest difference": {name: float(np.abs(z - latents[PEER]).max()) for name, z in latents.items()},
            "rows": rows(f"latents of {len(texts):,} texts", "s", medians),
            **surroundings.facts(arguments.threads),
        }
    )


if __name__ == "__main__":
    measuring.run(main)

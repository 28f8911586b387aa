"""Writing with an LSTM variational autoencoder of Penn Treebank's shape beside a plain loop in PyTorch: the same
weights, the same number of texts and tokens, each in a process of its own and in turn; ours in both precisions.

    pip install torch
    python benchmarks/decoding.py --model runs/ptb-sgd/model.keras

Prints a JSON line for sampling, for the likeliest words and for beam search: the median seconds of each and the ratios;
for the two that draw nothing also how many texts are the same in both precisions, and the mean log-likelihood of the
texts under the model in float32. Without `--model` the weights are random, and as peaked as a trained model's.
"""

import argparse
from pathlib import Path

import measuring
import numpy as np
from side_by_side import KEPT, PRECISIONS, limit_threads, lstm_vae, ours_in, rows, weights_for_peer

SHAPE = 10_002, 256, 256, 32  # vocabulary, embedding, units, latent
PEER = "PyTorch float32"
NEVER = [0, 1, 2, 3]  # the end, too: all texts are of one length
PEAKED = 8  # times the weights of a random output layer


def model_of(precision, place, length):
    """Our model."""
    model = lstm_vae(precision, SHAPE, length, place)
    if not place:
        kernel = model.decoder.output_layer.kernel
        kernel.assign(PEAKED * kernel)
    return model


def ours(precision, place, length, threads):
    """A function that writes as it is told."""
    limit_threads(threads)
    model = model_of(precision, place, length)

    def write(job, num, beams):
        options = {"num_beams": beams} if job == "beam" else {}
        return model.generate(num, strategy=job, seed=0, min_length=length, max_length=length, **options)

    return write


def theirs(weights, length, threads):
    """The same in PyTorch, all texts together."""
    measuring.take_cores(threads)
    import torch
    from peer_lstm_vae import with_weights

    peer = with_weights(weights, threads)

    def write(job, num, beams):
        z = torch.randn(num, peer.initial_cell.in_features)
        if job == "beam":
            return peer.beam_search(z, length, NEVER, beams).shape
        return peer.write(z, length, NEVER, likeliest=job == "greedy").shape

    return write


def log_likelihood(model, texts) -> float:
    """The mean `log p(x|z)` of texts that were written with the seed 0."""
    import tensorflow as tf

    from keras_textgen import sampling

    z = model.draw(sampling.row_seeds(0, tf.range(len(texts)), stream=0))
    ids = model.tokenizer(tf.constant(texts), sequence_length=model.sequence_length)
    return float(np.mean([model.decoder.log_prob(z[None, row : row + 100], ids[row : row + 100]).numpy().mean()
                          for row in range(0, len(texts), 100)]))  # fmt: skip


def main() -> None:
    """Reads the options, measures all in turn, prints the JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a model that was trained and saved")
    parser.add_argument("--length", type=int, default=22, help="tokens of every text")
    parser.add_argument("--samples", type=int, default=1000, help="texts, token by token")
    parser.add_argument("--searches", type=int, default=100, help="texts, by beam search")
    parser.add_argument("--beams", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    place, length, threads = arguments.model, arguments.length, arguments.threads
    model = model_of("float32", place, length)
    weights = weights_for_peer(model)
    tasks = {ours_in(precision): (ours, precision, place, length, threads) for precision in PRECISIONS}
    contenders = {name: measuring.Contender(name, *task) for name, task in tasks.items()}
    for name, environment in ((PEER, None), (f"{PEER}, memory kept", KEPT)):
        contenders[name] = measuring.Contender(name, theirs, weights, length, threads, environment=environment)
    for job, num in (("sample", arguments.samples), ("greedy", arguments.samples), ("beam", arguments.searches)):
        surroundings = measuring.Surroundings()
        seconds, results = measuring.compete(contenders, arguments.repeats, job, num, arguments.beams)
        medians = measuring.medians(seconds)
        found = {
            **{"job": job, "texts": num, "seconds": medians, "from and to": measuring.spreads(seconds)},
            f"{PEER} over it": {name: round(medians[PEER] / median, 2) for name, median in medians.items()},
            "rows": rows(f"{job}, {num:,} texts", "s", medians),
        }
        written = {name: texts[0] for name, texts in results.items() if name in tasks}
        if job != "sample":
            pairs = list(zip(*written.values(), strict=True))
            found["the same in both precisions"] = round(sum(one == other for one, other in pairs) / len(pairs), 3)
        likelihoods = {name: round(log_likelihood(model, texts), 3) for name, texts in written.items()}
        measuring.report({**found, "log-likelihood a text": likelihoods, **surroundings.facts(threads)})


if __name__ == "__main__":
    measuring.run(main)

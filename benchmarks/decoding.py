"""Writing with an LSTM variational autoencoder of Penn Treebank's shape beside a plain loop in PyTorch: the same
weights, the same number of texts, each in a process of its own and in turn; ours in both precisions.

    pip install torch
    python benchmarks/decoding.py --model runs/ptb-sgd/model.keras

Prints two JSON lines each for sampling, for the likeliest words and for beam search: texts that end where the model
ends them, which is what a user asks for and where it counts that rows that have ended cost nothing more; and texts of
one length, which is the same arithmetic for all. In each the median seconds and the ratios, the mean tokens of a text
and the mean log-likelihood of our texts under the model in float32; where nothing is drawn also how many texts are the
same in both precisions. Without `--model` the weights are random, as peaked as a trained model's, and no text ends.
"""

import argparse
from pathlib import Path

import measuring
import numpy as np
from side_by_side import KEPT, PRECISIONS, limit_threads, lstm_vae, ours_in, rows, weights_for_peer

SHAPE = 10_002, 256, 256, 32  # vocabulary, embedding, units, latent
PEER = "PyTorch float32"
NEVER = [0, 1, 3]  # padding, start, unknown
END = 2
ENDING, ONE_LENGTH = "as they end", "of one length"
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

    def write(job, num, beams, lengths):
        options = {"num_beams": beams} if job == "beam" else {}
        if lengths == ONE_LENGTH:
            options |= {"min_length": length, "max_length": length}
        return model.generate(num, strategy=job, seed=0, **options)

    return write


def theirs(weights, length, longest, threads):
    """The same in PyTorch, all texts together; gives the ids."""
    measuring.take_cores(threads)
    import torch
    from peer_lstm_vae import with_weights

    peer = with_weights(weights, threads)

    def write(job, num, beams, lengths):
        z = torch.randn(num, peer.initial_cell.in_features)
        limits = (length, [*NEVER, END]) if lengths == ONE_LENGTH else (longest, NEVER)
        if job == "beam":
            return peer.beam_search(z, *limits, beams).numpy()
        return peer.write(z, *limits, likeliest=job == "greedy").numpy()

    return write


def facts(model, texts) -> dict:
    """Of texts that were written with the seed 0: the mean tokens, with the end's, and the mean `log p(x|z)`."""
    import tensorflow as tf

    from keras_textgen import sampling

    z = model.draw(sampling.row_seeds(0, tf.range(len(texts)), stream=0))
    ids = model.tokenizer(tf.constant(texts), sequence_length=model.sequence_length)
    found = [
        model.decoder.log_prob(z[None, row : row + 100], ids[row : row + 100]) for row in range(0, len(texts), 100)
    ]
    return {"tokens a text": tokens(ids), "log-likelihood a text": round(float(np.mean(np.concatenate(found, 1))), 3)}


def tokens(ids) -> float:
    """The mean tokens of texts that are padded with 0."""
    return round(float(np.mean(np.sum(np.asarray(ids) != 0, axis=1))), 2)


def compared(model, contenders, tasks, arguments, job, num, lengths) -> dict:
    """One job, done by all in turn."""
    surroundings = measuring.Surroundings()
    seconds, results = measuring.compete(contenders, arguments.repeats, job, num, arguments.beams, lengths)
    medians = measuring.medians(seconds)
    found = {
        **{"job": job, "texts": num, "lengths": lengths, "seconds": medians, "from and to": measuring.spreads(seconds)},
        f"{PEER} over it": {name: round(medians[PEER] / median, 2) for name, median in medians.items()},
        "rows": rows(f"{job}, {num:,} texts {lengths}", "s", medians),
    }
    written = {name: texts[0] for name, texts in results.items() if name in tasks}
    if job != "sample":
        pairs = list(zip(*written.values(), strict=True))
        found["the same in both precisions"] = round(sum(one == other for one, other in pairs) / len(pairs), 3)
    read = {name: facts(model, texts) for name, texts in written.items()}
    read |= {name: {"tokens a text": tokens(ids[0])} for name, ids in results.items() if name not in tasks}
    return {**found, "texts read": read, **surroundings.facts(arguments.threads)}


def main() -> None:
    """Reads the options, measures all in turn, prints the JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="a model that was trained and saved")
    parser.add_argument("--length", type=int, default=22, help="tokens of every text, where all are of one length")
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
        task = theirs, weights, length, model.sequence_length, threads
        contenders[name] = measuring.Contender(name, *task, environment=environment)
    for job, num in (("sample", arguments.samples), ("greedy", arguments.samples), ("beam", arguments.searches)):
        for lengths in [ENDING, ONE_LENGTH] if place else [ONE_LENGTH]:
            measuring.report(compared(model, contenders, tasks, arguments, job, num, lengths))


if __name__ == "__main__":
    measuring.run(main)

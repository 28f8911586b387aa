"""Training an LSTM variational autoencoder beside a plain one in PyTorch: the same sizes, batches and numbers of steps,
each in a process of its own and in turn.

    pip install torch
    python benchmarks/training_speed.py --shape ptb

Prints a JSON line with the median tokens a second of each: ours in both precisions, PyTorch's in float32, with the
ratios and the share of the machine's rate of matrix products (measured in the same turns) that each comes to.
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import time

import numpy as np

# Vocabulary, embedding, units, latent; tokens of a text with its end; steps that are timed.
SHAPES = {"ptb": ((10_002, 256, 256, 32), 24, 40), "yahoo": ((20_001, 512, 1024, 32), 80, 4)}
BATCH = 32
SPECIAL = 4  # ids before the first word
PEER = "PyTorch float32"
CONTENDERS = ("ours float32", "ours mixed_bfloat16", PEER)


def work(name: str, shape, batches, threads: int, pipe) -> None:
    """A process that trains when it is told to, and answers with the seconds that it took."""
    if name == PEER:
        import torch
        from peer_lstm_vae import peer_of

        torch.set_num_threads(threads)
        run = peer_of(shape, batches)
    else:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        run = {"products": product_rate}.get(name) or ours_of(shape, batches, name.split()[1])
    while pipe.recv():
        start = time.perf_counter()
        found = run()
        pipe.send(found if name == "products" else time.perf_counter() - start)


def begin(*task):
    """A process at work, by the pipe that commands it."""
    ours, theirs = multiprocessing.Pipe()
    multiprocessing.get_context("spawn").Process(target=work, args=(*task, theirs), daemon=True).start()
    return ours


def ask(pipe):
    """What a process answers when it is told to work."""
    pipe.send(True)
    return pipe.recv()


def ours_of(shape, batches, precision):
    """A function that trains the zoo's model on every batch, by plain `fit`."""
    import zoo
    from keras_textgen.text import WordTokenizer

    vocabulary_size, embedding_dim, hidden_dim, latent_dim = shape
    tokenizer = WordTokenizer(vocabulary=[f"w{number}" for number in range(vocabulary_size - SPECIAL)])
    sizes = dict(embedding_dim=embedding_dim, hidden_dim=hidden_dim, latent_dim=latent_dim, output_dim=0)
    plain = dict(average_attention=False, dropout=0.5, kl_weight=1.0, free_bits=0.0, weight_decay=0.0)
    length = batches[0].shape[1]
    model = zoo.build("lstm_vae", tokenizer=tokenizer, sequence_length=length, dtype=precision, **sizes, **plain)
    ids = np.concatenate(batches)
    return lambda: model.fit(ids, batch_size=BATCH, epochs=1, verbose=0)


def product_rate(size: int = 1024, repeats: int = 10) -> dict[str, float]:
    """Floating-point operations a second of products of matrices, by dtype."""
    import tensorflow as tf

    rates = {}
    for dtype in ("float32", "bfloat16"):
        left, right = (tf.cast(tf.random.stateless_normal([size, size], [seed, 0]), dtype) for seed in range(2))
        multiply = tf.function(lambda left=left, right=right: tf.matmul(left, right))
        multiply()
        start = time.perf_counter()
        for _ in range(repeats):
            multiply().numpy()
        rates[dtype] = repeats * 2 * size**3 / (time.perf_counter() - start)
    return rates


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
    pipes = {name: begin(name, shape, batches, arguments.threads) for name in (*CONTENDERS, "products")}
    tokens, rates, limits = len(batches) * batches[0].size, {name: [] for name in CONTENDERS}, []
    for repeat in range(arguments.repeats + 1):
        for name in CONTENDERS:
            seconds = ask(pipes[name])
            if repeat:  # the first call traces
                rates[name].append(tokens / seconds)
        limits.append(ask(pipes["products"]))
    for pipe in pipes.values():
        pipe.send(False)
    limit = {dtype: statistics.median(found[dtype] for found in limits) for dtype in limits[0]}
    medians = {name: statistics.median(found) for name, found in rates.items()}
    share = {name: rate * operations(shape) / limit["bfloat16" if "bf" in name else "float32"] for name, rate in
             medians.items()}  # fmt: skip
    print(
        json.dumps(
            {
                "shape": arguments.shape,
                "tokens a second": {name: round(rate) for name, rate in medians.items()},
                "from and to": {name: [round(min(found)), round(max(found))] for name, found in rates.items()},
                "over PyTorch": {name: round(rate / medians[PEER], 2) for name, rate in medians.items()},
                "products, GFLOP/s": {dtype: round(rate / 1e9) for dtype, rate in limit.items()},
                "share of that": {name: round(value, 2) for name, value in share.items()},
                "threads": arguments.threads,
                "machine": platform.machine(),
                "cores": os.cpu_count(),
                "load": round(os.getloadavg()[0], 1),
            }
        )
    )


if __name__ == "__main__":
    main()

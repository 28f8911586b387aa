"""What corpora on the disk cost: the memory of preparing one of any size and of training from it, and how fast a model
trains from shards beside the same texts in memory.

    python benchmarks/corpora.py --megabytes 5000 --out runs/corpora.json

The corpus is written by the grammar of `reviews`: lines drawn from 300,000 of its sentences. Every part runs in a
process of its own, so that its peak memory (`ru_maxrss`) is its own; what TensorFlow itself takes stands beside
("nothing"). The scratch folder is removed at the end.
"""

import argparse
import concurrent.futures
import json
import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path

SENTENCES = 300_000
DRAWN = 100_000  # lines that are written at a time
BATCH = 32
MODEL = {"sequence_length": 22, "seed": 0}


def write_corpus(path: Path, megabytes: int) -> dict:
    """Writes lines drawn from sentences of the grammar."""
    import numpy as np

    from training import corpora

    sentences = np.array([text + "\n" for text in corpora.load("reviews").sample(SENTENCES, seed=1)], object)
    draws = np.random.default_rng(0)
    with path.open("w", encoding="utf-8") as file:
        while file.tell() < megabytes * 1_000_000:
            file.write("".join(sentences[draws.integers(0, SENTENCES, DRAWN)]))
    return {"megabytes": path.stat().st_size / 1e6}


def prepare(path: Path, folder: Path) -> dict:
    """Prepares the corpus."""
    from training import corpora

    start = time.perf_counter()
    index = corpora.prepare(path, folder).index
    seconds = time.perf_counter() - start
    size = sum(shard["bytes"] for shard in index["shards"]) / 1e6
    return {"seconds": seconds, "texts": index["texts"], "tokens": index["tokens"], "shards_megabytes": size}


def open_again(folder: Path) -> dict:
    """Opens the corpus, which verifies all checksums."""
    from training import corpora

    start = time.perf_counter()
    corpora.load(folder)
    return {"seconds": time.perf_counter() - start}


def import_only() -> dict:
    """Makes a model and has it train on nothing but a few texts."""
    import zoo

    texts = ["the pizza was great ."] * BATCH
    zoo.build("lstm_lm", texts=texts, **MODEL).fit(texts, batch_size=BATCH, verbose=0)
    return {}


def train(folder: Path, steps: int) -> dict:
    """Trains from the shards."""
    corpus, model = built(folder)
    model.fit(corpus.shards.batches(model, BATCH), epochs=1, steps_per_epoch=steps, verbose=0)
    return {"steps": steps}


def built(folder: Path):
    """A prepared corpus, and a model for it."""
    import zoo
    from training import corpora

    corpus = corpora.load(folder)
    return corpus, zoo.build("lstm_lm", tokenizer=corpus.tokenizer, **MODEL)


def compare(path: Path, folder: Path, steps: int, repeats: int) -> dict:
    """Tokens a second, in turns from memory and from shards: of reading alone, and of training.

    The first step waits for the first window of texts, so a measurement of few steps tells of that alone.
    """
    import numpy as np

    from training import corpora

    corpus, model = built(folder)
    texts = list(corpora.load(path).train)
    ways = {
        "memory": model.training_batches(texts, batch_size=BATCH)[0],
        "shards": corpus.shards.batches(model, BATCH),
    }
    found = {}
    for work, size in (("reading", 20 * steps), ("training", steps)):
        rates = {way: [] for way in ways}
        for repeat in range(repeats + 1):  # the first one traces the functions
            for way, batches in ways.items():
                part = batches.epochs(repeat).take(size)
                start, tokens = time.perf_counter(), 0
                if work == "reading":
                    for ids, _ in part:
                        tokens += int(np.count_nonzero(ids))
                else:
                    model.fit(part, verbose=0)
                    seconds = time.perf_counter() - start
                    tokens = sum(int(np.count_nonzero(ids)) for ids, _ in batches.epochs(repeat).take(size))
                seconds = time.perf_counter() - start if work == "reading" else seconds
                rates[way].append(tokens / seconds)
        found[work] = {way: statistics.median(values[1:]) for way, values in rates.items()}
        found[work]["ratio"] = statistics.median(
            shards / memory for shards, memory in zip(rates["shards"][1:], rates["memory"][1:], strict=True)
        )
    return found


def alone(function, *arguments) -> dict:
    """A function's figures from a process of its own, with the peak of its memory in megabytes."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(watched, function, *arguments).result()


def watched(function, *arguments) -> dict:
    figures = function(*arguments)
    return {**figures, "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}


def main() -> None:
    """Reads the options, measures, prints a line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--small", type=int, default=30, help="of the corpus that fits into memory, megabytes")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="where to put the corpora")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(dir=arguments.scratch))
    large, small = scratch / "large.txt", scratch / "small.txt"
    stages = {
        "write": (write_corpus, large, arguments.megabytes),
        "write_small": (write_corpus, small, arguments.small),
        "nothing": (import_only,),
        "prepare_small": (prepare, small, scratch / "small"),
        "prepare": (prepare, large, scratch / "large"),
        "open": (open_again, scratch / "large"),
        "train_small": (train, scratch / "small", arguments.steps),
        "train": (train, scratch / "large", arguments.steps),
        "compare": (compare, small, scratch / "small", arguments.steps, arguments.repeats),
    }
    found = {"settings": {**vars(arguments), "machine": platform.processor(), "cores": os.cpu_count()}}
    try:
        for name, stage in stages.items():
            found[name] = alone(*stage)
            print(name, json.dumps(found[name]), flush=True)
    finally:
        shutil.rmtree(scratch)
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=2, default=str) + "\n")


if __name__ == "__main__":
    main()

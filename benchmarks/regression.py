"""What small pieces of work cost the processor, held against a baseline: for machines that are too noisy for a clock.

    make bench-check                                # compares with benchmarks/baseline.json; 1 if something is slower
    python benchmarks/regression.py --write         # makes the baseline anew, after a change that is meant

Each cost is in processor seconds (user and system, of one thread), divided by those of a yardstick that takes turns
with the work: waiting for a core does not count then, and a slower clock slows both. The least of several turns counts,
since others on the machine only ever add. So measured, four runs on 4 cores under a load of 5 to 9 differed by 7 to
21 % (tracing: 32 %), which the tolerance of 1.3 comes from; ratios of medians differed by up to 41 %.
A piece that costs more than `--tolerance` times its baseline is measured again before it is named.
"""

import argparse
import json
import os
import sys
from pathlib import Path

import measuring
import numpy as np

from keras_textgen.errors import InputError, unknown
from training.whole_files import read_json, write_atomically

BASELINE = Path(__file__).with_name("baseline.json")
TOLERANCE = 1.3
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
WORDS, LENGTH, BATCH, SPECIAL = 2_000, 20, 32, 4
SIZES = dict(sequence_length=LENGTH, hidden_dim=128, seed=0)


def build(name: str, words: int = WORDS):
    """A small model with a vocabulary of so many words."""
    import zoo
    from keras_textgen.text import WordTokenizer

    tokenizer = WordTokenizer(vocabulary=[f"w{number}" for number in range(words - SPECIAL)])
    return zoo.build(name, tokenizer=tokenizer, **SIZES)


def ids(num: int) -> np.ndarray:
    """Texts as ids, `int32 [num, LENGTH]`."""
    return np.random.default_rng(0).integers(SPECIAL, WORDS, [num, LENGTH], dtype=np.int32)


def texts(num: int) -> list[str]:
    """Texts as strings."""
    return [" ".join(f"w{number}" for number in row) for row in ids(num)]


def training(name: str, steps: int = 8):
    """Steps of a training."""
    model, rows = build(name), ids(BATCH * steps)
    return lambda: model.fit(rows, batch_size=BATCH, epochs=1, verbose=0)


def writing(name: str, num: int, **options):
    """Texts of a fixed length, of a larger vocabulary, where the draw of a word tells."""
    model = build(name, 10_000)
    return lambda: model.generate(num, seed=0, min_length=LENGTH, max_length=LENGTH, **options)


def scoring():
    """Importance-weighted likelihoods."""
    model, given = build("lstm_vae"), texts(32)
    return lambda: model.score(given, num_samples=10)


def tracing():
    """The graph by which a model writes, which is most of what a first text takes."""
    model = build("lstm_vae")

    def run():
        signature = model.internal_signatures()["draw_rows"]
        signature.graph_function(model.attributes.values).get_concrete_function()

    return run


def judging():
    """BLEU and Self-BLEU."""
    from keras_textgen import metrics

    written, references = ([text.split() for text in part] for part in np.array_split(texts(3000), 2))
    return lambda: (metrics.sentence_bleu(written, references), metrics.sentence_self_bleu(written))


def tokenizing():
    """Strings to ids, and back."""
    model, given = build("lstm_lm"), texts(12_000)
    return lambda: model.tokenizer.detokenize(model.tokenizer(given, sequence_length=LENGTH))


WORK = {
    "training lstm_vae": lambda: training("lstm_vae"),
    "training lstm_lm": lambda: training("lstm_lm"),
    "training transformer_lm": lambda: training("transformer_lm"),
    "sampling lstm_lm": lambda: writing("lstm_lm", 300),
    "sampling transformer_lm": lambda: writing("transformer_lm", 300),
    "beam search lstm_lm": lambda: writing("lstm_lm", 30, strategy="beam"),
    "scoring lstm_vae": scoring,
    "tracing lstm_vae": tracing,
    "BLEU": judging,
    "tokenizing": tokenizing,
}


def yardstick():
    """Work that no change of the package makes faster or slower: products, elementwise operations, plain Python."""
    import tensorflow as tf

    square = tf.random.stateless_normal([384, 384], [0, 0])

    def run():
        found = square
        for _ in range(60):
            found = tf.tanh(tf.matmul(found, square))
        return sum(number * number for number in range(900_000)), found.numpy()

    return run


def costs(names, turns: int) -> dict[str, float]:
    """Of each piece of work, its least processor seconds over the least of the yardstick."""
    measure = yardstick()
    found = {}
    for name in names:
        seconds = measuring.in_turn({"work": WORK[name](), "yardstick": measure}, turns, "processor")
        found[name] = round(min(seconds["work"]) / min(seconds["yardstick"]), 3)
    return found


def compare(found: dict[str, float], baseline: dict[str, float], tolerance: float) -> dict[str, float]:
    """How many times its baseline each piece of work costs that costs more than is tolerated."""
    times = {name: cost / baseline[name] for name, cost in found.items() if name in baseline}
    return {name: round(value, 2) for name, value in times.items() if value > tolerance}


def main() -> int:
    """Measures, and compares or writes; 1 if something became slower."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="WORK", help=f"of {', '.join(WORK)}")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--tolerance", type=float, default=TOLERANCE, help="times the baseline")
    parser.add_argument("--baseline", type=Path, default=BASELINE)
    parser.add_argument("--write", action="store_true", help="writes the baseline instead of comparing with it")
    arguments = parser.parse_args()
    names = arguments.only or list(WORK)
    for name in names:
        if name not in WORK:
            raise unknown("piece of work", name, WORK)
    for name in THREADS:
        os.environ[name] = "1"  # threads that wait for one another in a loop would count as work
    surroundings = measuring.Surroundings()
    if not (arguments.write or arguments.baseline.is_file()):
        raise InputError(f"there is no baseline {arguments.baseline}; make one with --write")
    known = read_json(arguments.baseline) if arguments.baseline.is_file() else {}
    found = costs(names, arguments.turns)
    facts = surroundings.facts(1)
    if arguments.write:
        kept = known.get("work", {}) if arguments.only else {}
        work = {**kept, **found}
        write_atomically(arguments.baseline, json.dumps({"work": work, **facts}, indent=2) + "\n")
    slower = {} if arguments.write else compare(found, known["work"], arguments.tolerance)
    if slower:
        again = costs(slower, arguments.turns)
        slower = compare({name: min(found[name], again[name]) for name in again}, known["work"], arguments.tolerance)
    measuring.report({"cost": found, "baseline": known.get("work"), "slower": slower, **facts})
    for name, times in slower.items():
        print(f"{name} costs {times} times its baseline ({arguments.tolerance} is tolerated)", file=sys.stderr)
    if known and not arguments.write and known.get("processor") != facts["processor"]:
        print(f"the baseline is of another processor: {known.get('processor')}", file=sys.stderr)
    return 1 if slower else 0


if __name__ == "__main__":
    measuring.run(main)

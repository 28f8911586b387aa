"""What weights in fewer bytes cost: every trained model that comes with the package and has a likelihood, exported as
it is and with small weights, scored through the export.

    python benchmarks/quantizing.py --out runs/quantizing.json

The bytes are those of the files of the weights; the likelihoods those of the first test texts of `reviews`, in nats a
text (with 20 importance samples where there is a latent, the same for every kind).
"""

import argparse
import json
import platform
import tempfile
from pathlib import Path

import tensorflow as tf

import zoo
from training.markdown import table
from training.presets import NAME
from training.run_config import RunConfig
from training.whole_files import write_atomically
from zoo import trained
from zoo.quantizing import KINDS


def measure(model, texts, kind: str | None) -> dict:
    """Bytes of the weights and the mean negative log-likelihood, in nats a text."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = zoo.export(model, scratch, quantize=kind)
        score = tf.saved_model.load(str(folder)).signatures["score"]
        numbers = {"num_samples": tf.constant(20), "seed": tf.constant(0, tf.int64)}
        wanted = {name: numbers[name] for name in model.signatures()["score"].inputs if name in numbers}
        parts = [texts[first : first + 50] for first in range(0, len(texts), 50)]
        total = sum(float(tf.reduce_sum(score(texts=tf.constant(part), **wanted)["log_likelihood"])) for part in parts)
        return {
            "bytes": sum(path.stat().st_size for path in (folder / "variables").iterdir()),
            "nll": -total / len(texts),
        }


def main() -> None:
    """Reads the options, measures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=500)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    texts = RunConfig("lstm_lm", "reviews").load_corpus().test.take(range(arguments.texts))
    rows, lines = {}, []
    for name in zoo.list_models():
        if NAME not in trained.names(name) or not hasattr(zoo.spec(name).load(), "score"):
            continue
        model = zoo.build(name, preset=NAME)
        rows[name] = {kind or "float32": measure(model, list(texts), kind) for kind in (None, *KINDS)}
        whole = rows[name]["float32"]
        cells = [f"{whole['bytes'] / 1e6:.2f}", f"{whole['nll']:.3f}"]
        for kind in KINDS:
            found = rows[name][kind]
            cells.append(f"{found['bytes'] / 1e6:.2f}, {found['nll'] - whole['nll']:+.4f}")
        lines.append([f"`{name}`", *cells])
        print(lines[-1], flush=True)
    print(table(["", "float32 (MB)", "NLL", *(f"{kind} (MB, NLL)" for kind in KINDS)], lines))
    settings = {"texts": arguments.texts, "machine": platform.machine(), "tensorflow": tf.__version__}
    if arguments.out:
        write_atomically(arguments.out, json.dumps({"settings": settings, "models": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()

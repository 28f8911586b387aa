"""The trade-off between writing and remembering: one model on `reviews` for several floors under the rate.

    python benchmarks/free_bits.py --out free_bits.json

Trains `lstm_vae` once for each setting, all else equal, and writes rate, distortion, likelihood, active units,
reconstruction and grammatical share as JSON and as a Markdown table. The test texts are scored; nothing is chosen by
them.
"""

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path

import zoo
from training import corpora, trainer
from training.evaluation import evaluate

COLUMNS = {
    "free_bits": "free bits (nats a dimension)",
    "rate": "rate",
    "distortion": "distortion",
    "nll": "NLL",
    "over_floor": "over the floor",
    "active_units": "active units",
    "reconstruction_exact": "back word for word",
    "grammatical": "grammatical samples",
}


def measure(free_bits: float, arguments) -> dict:
    """Trains one model and returns its figures on the test texts."""
    config = trainer.RunConfig(
        "lstm_vae",
        "reviews",
        hyperparameters={"free_bits": free_bits, "embedding_dim": 128, "output_dim": 256},
        limit=arguments.limit,
        epochs=arguments.epochs,
        precision=arguments.precision,
        validation_texts=200,
        validation_samples=2,
        seed=arguments.seed,
    )
    corpus = corpora.load("reviews")
    with tempfile.TemporaryDirectory() as folder:
        trainer.start(config, Path(folder) / "run")
        model = zoo.load(Path(folder) / "run")
    figures = evaluate(model, corpus.test[: arguments.texts], num_samples=20, grammar=corpus, num=500)
    return {"free_bits": free_bits, **figures}


def main() -> None:
    """Reads the options, measures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--free-bits", type=float, nargs="+", default=[0.0, 0.1, 0.28, 0.8, 2.4])
    parser.add_argument("--limit", type=int, default=16_000, help="training texts")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--texts", type=int, default=500, help="test texts")
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("free_bits.json"))
    arguments = parser.parse_args()
    rows = []
    for free_bits in arguments.free_bits:
        rows.append(measure(free_bits, arguments))
        settings = {name: str(value) for name, value in vars(arguments).items()}
        machine = {"machine": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
        arguments.out.write_text(json.dumps({"settings": settings, **machine, "rows": rows}, indent=2) + "\n")
    print("| " + " | ".join(COLUMNS.values()) + " |")
    print("| " + " | ".join("---" for _ in COLUMNS) + " |")
    for row in rows:
        cells = (
            f"{row[name]:.1%}" if name in ("over_floor", "reconstruction_exact", "grammatical") else row[name]
            for name in COLUMNS
        )
        print("| " + " | ".join(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |")


if __name__ == "__main__":
    main()

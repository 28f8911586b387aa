"""Models side by side on the corpus `reviews`: trains every row of a table, measures it on the test texts, prints it.

    python benchmarks/reviews.py trade_off --out runs/trade_off

A row that was interrupted goes on where it stopped; one that is finished is not trained again. The figures go to
`<out>/figures.json` with the settings and the machine. Test texts are scored; nothing is chosen by them.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import zoo
from training import trainer
from training.evaluation import evaluate
from training.judging import Judge
from training.whole_files import write_atomically

LSTM_LM = dict(model="lstm_lm", epochs=16, hyperparameters={"dropout": 0.35, "recurrent_dropout": 0.2})
SEQGAN = {
    "sequence_length": 22,
    "filters": [[1, 50], [2, 100], [3, 100], [4, 100], [5, 100], [6, 50], [8, 50], [10, 50]],
    "num_rollouts": 4,
    "discriminator_steps": 4,
    "discriminator_learning_rate": 1e-3,
    "discriminator_l2": 0.0,
    "likelihood_weight": 0.1,
}
# The rows of each table: what differs from the common configuration below.
TABLES = {
    "trade_off": {
        f"KL weight {weight}": dict(preset="reconstruction", hyperparameters={"kl_weight": weight})
        for weight in (0.03, 0.1, 0.3, 1.0)
    },
    "latent": {
        "dense_ae": dict(model="dense_ae"),
        "dense_vae": dict(model="dense_vae"),
        "bow_vae": dict(model="bow_vae"),
        "lstm_vae": dict(model="lstm_vae"),
        "seq_vae": dict(model="seq_vae", batch_size=64, epochs=12),
        "transformer_vae": dict(model="transformer_vae", learning_rate=1e-3, batch_size=64, epochs=24),
    },
    "language": {
        "ngram_lm": dict(model="ngram_lm"),
        "lstm_lm": LSTM_LM,
        "transformer_lm": dict(
            model="transformer_lm",
            learning_rate=1e-3,
            batch_size=64,
            epochs=12,
            hyperparameters={"hidden_dim": 192},
        ),
    },
    "adversarial": {
        "lstm_lm": LSTM_LM,
        "seqgan": dict(model="seqgan", batch_size=256, hyperparameters=SEQGAN),
        "gan": dict(model="gan", batch_size=64, hyperparameters={"sequence_length": 22}, learning_rate=None),
    },
    "remedies": {
        name: dict(hyperparameters={"kl_weight": 1.0, "free_bits": 0.0, **changes})
        for name, changes in {
            "none": {},
            "linear KL weight": {"kl_weight": "linear:50%"},
            "cyclical KL weight": {"kl_weight": "cyclical:25%"},
            "free bits, a dimension": {"free_bits": 0.28},
            "free bits, in all": {"free_bits": 9.0, "free_bits_kind": "total"},
            "aggressive encoder": {"aggressive": True},
            "pre-training, free bits": {"pretraining_epochs": 2, "kl_weight": "linear:50%", "free_bits": 0.28},
            "normalised means": {"mean_scale": 0.6},
            "word dropout": {"word_dropout": 0.4},
            "denoising": {"denoising": 0.3},
        }.items()
    },
}
COMMON = {
    "trade_off": dict(model="lstm_vae", epochs=12, batch_size=64),
    "latent": dict(epochs=30, attributes=["number", "sentiment", "tense", "topic"]),
    "language": {},
    "adversarial": {},
    "remedies": dict(model="lstm_vae", epochs=4),
}
COLUMNS = {
    "rate": "rate",
    "distortion": "distortion",
    "nll": "NLL",
    "over_floor": "over the floor",
    "mutual_information": "MI",
    "active_units": "active units",
    "reconstruction_exact": "back word for word",
    "reconstruction_bleu": "BLEU-4 of what comes back",
    "grammatical": "grammatical samples",
    "distinct": "different samples",
    "samples_nll": "their -log p under the grammar",
    "coverage": "coverage",
    "attribute_distance": "distance of attributes",
    "control": "attributes right",
    "parameters": "parameters",
    "minutes": "minutes",
}
SHARES = ("over_floor", "reconstruction_exact", "grammatical", "distinct", "coverage", "control")


def measure(config: trainer.RunConfig, path: Path, samples: int) -> dict:
    """Trains one model, or goes on with it, and returns its figures on the test texts."""
    finished = path / "test.json"
    if finished.exists():
        return json.loads(finished.read_text())
    start = time.perf_counter()
    trainer.resume(path) if path.exists() else trainer.start(config, path)
    minutes = (time.perf_counter() - start) / 60
    model, corpus = zoo.load(path), config.load_corpus()
    judge = Judge(corpus.test, corpus.train, grammar=corpus)
    options = dict(num_samples=samples, grammar=corpus, judge=judge)
    figures = evaluate(model, corpus.test, labels=corpus.test.labels, **options)
    facts = {"parameters": int(model.count_params()), "minutes": round(minutes, 1), "intervals": figures.intervals}
    write_atomically(finished, json.dumps(figures | facts, indent=2) + "\n")
    return figures | facts


def cell(name: str, value) -> str:
    """A figure as it stands in the table; a dash where a model has none."""
    if value is None:
        return "-"
    return f"{value:.1%}" if name in SHARES else f"{value:.2f}" if isinstance(value, float) else f"{value:,}"


def main() -> None:
    """Reads the options, measures, prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="only these; several processes can share a table")
    parser.add_argument("--epochs", type=int, help="instead of the table's own number")
    parser.add_argument("--samples", type=int, default=100, help="importance samples a text")
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    common = {"data": "reviews", "precision": arguments.precision, "seed": arguments.seed, **COMMON[arguments.table]}
    if arguments.epochs:
        common["epochs"] = arguments.epochs
    rows = {}
    for name in arguments.rows or TABLES[arguments.table]:
        changes = TABLES[arguments.table][name]
        config = trainer.RunConfig(**{**common, **changes})
        rows[name] = measure(config, arguments.out / name.replace(" ", "-"), arguments.samples)
        machine = {"machine": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
        settings = {option: str(value) for option, value in vars(arguments).items()}
        report = {"settings": settings, **machine, "rows": rows}
        name = "figures.json" if arguments.rows is None else f"figures-{'-'.join(arguments.rows)}.json"
        write_atomically(arguments.out / name.replace(" ", "-"), json.dumps(report, indent=2) + "\n")
    print("| | " + " | ".join(COLUMNS.values()) + " |")
    print("| --- " * (len(COLUMNS) + 1) + "|")
    for name, figures in rows.items():
        print(f"| {name} | " + " | ".join(cell(column, figures.get(column)) for column in COLUMNS) + " |")


if __name__ == "__main__":
    main()

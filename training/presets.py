"""The trained models that come with the package: trains each on `reviews`, measures it, and writes its file and card.

    python -m training.presets --out runs/presets

A training that was interrupted goes on where it stopped; one that is finished is not repeated.
"""

import argparse
import json
import os
import platform
from pathlib import Path

import zoo
from training import trainer
from training.evaluation import evaluate
from training.judging import Judge
from training.run_config import RunConfig
from zoo import trained

NAME = "reviews"
SHORT = {"sequence_length": 22}  # no review is longer
NARROW = {"embedding_dim": 192, "hidden_dim": 192}
FILTERS = [[1, 40], [2, 60], [3, 60], [4, 60], [5, 60], [6, 40]]
SEQGAN = {
    **SHORT,
    **{"embedding_dim": 128, "hidden_dim": 160, "output_dim": 128, "filters": FILTERS},
    **{"pretraining_epochs": 10, "discriminator_epochs": 2, "num_rollouts": 4, "discriminator_steps": 4},
    **{"discriminator_learning_rate": 1e-3, "discriminator_l2": 0.0, "likelihood_weight": 0.1},
}
# What differs from the common settings; small enough that all of them together are under 20 MB.
SETTINGS = {
    "bow_vae": dict(epochs=15),
    "dense_ae": dict(epochs=20, hyperparameters={**SHORT, "embedding_dim": 96}),
    "dense_vae": dict(epochs=20, hyperparameters={**SHORT, "embedding_dim": 96}),
    "gan": dict(epochs=20, batch_size=64, learning_rate=None, hyperparameters=SHORT),
    "lstm_lm": dict(epochs=12, hyperparameters={"dropout": 0.35, "recurrent_dropout": 0.2}),
    "lstm_vae": dict(epochs=15, hyperparameters=NARROW),
    "ngram_lm": dict(hyperparameters={"order": 4}),
    "seq_vae": dict(epochs=6, batch_size=64, hyperparameters={"hidden_dim": 192}),
    "seqgan": dict(epochs=14, batch_size=128, hyperparameters=SEQGAN),
    "transformer_lm": dict(epochs=12, batch_size=64, learning_rate=1e-3, hyperparameters={"hidden_dim": 192}),
    "transformer_vae": dict(epochs=20, batch_size=64, learning_rate=1e-3, hyperparameters={"hidden_dim": 128}),
}


def make(name: str, out: Path, corpus, judge: Judge) -> dict:
    """Trains one model and adds it to the package; returns its card."""
    config = RunConfig(name, "reviews", precision="mixed_bfloat16", **SETTINGS.get(name, {})).check()
    path = out / name
    trainer.resume(path) if path.exists() else trainer.start(config, path)
    model = zoo.load(path)
    figures = evaluate(model, corpus.test, grammar=corpus, judge=judge)
    facts = {
        "model": name,
        "preset": NAME,
        "data": "reviews: 50,000 restaurant reviews drawn from a grammar that comes with the package",
        "licence": "Apache-2.0, as the package; the texts are drawn from its own grammar",
        "command": f"python -m training.presets --out runs/presets --models {name}",
        "seed": config.seed,
        "hyperparameters": config.hyperparameters,
        "epochs": config.epochs,
        "parameters": int(model.count_params()),
        "machine": {"kind": platform.machine(), "cores": os.cpu_count()},
        "figures": figures,
        "intervals": figures.intervals,
    }
    trained.save(model, NAME, name, facts)
    return trained.card(name, NAME)


def main() -> None:
    """Reads the options, makes the models, prints a line of each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/presets"), help="folder of the runs")
    parser.add_argument("--models", nargs="+", choices=zoo.list_models(), default=zoo.list_models(), metavar="MODEL")
    arguments = parser.parse_args()
    corpus = RunConfig("lstm_lm", "reviews").load_corpus()
    judge = Judge(corpus.test, corpus.train, grammar=corpus)
    for name in arguments.models:
        card = make(name, arguments.out, corpus, judge)
        shown = {key: card["figures"].get(key) for key in ("nll", "grammatical", "distinct")}
        print(json.dumps({"model": name, "megabytes": round(card["bytes"] / 1e6, 2), **shown}), flush=True)


if __name__ == "__main__":
    main()

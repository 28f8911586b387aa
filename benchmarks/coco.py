"""The models of the zoo on COCO captions, beside published text GANs: quality against diversity.

    python benchmarks/coco.py --train train.txt --test test.txt --out runs/coco --readme README.md

Trains every model (one that was interrupted goes on, one that is finished is not repeated), lets it write at several
temperatures and judges that by all test captions; likelihoods are of the first 2,000 of them. The figures go to
`<out>/<model>/test.json`, the tables of all that are finished to the terminal and between their marks in the README.
"""

import argparse
import json
import os
import platform
from pathlib import Path

import numpy as np

import zoo
from training import markdown, trainer
from training.evaluation import evaluate, frontier
from training.figures import figure_shown
from training.judging import ORDERS, Judge
from training.run_config import RunConfig
from training.whole_files import write_atomically

SHORT = {"sequence_length": 30}  # one caption in 1,600 is longer
FILTERS = [[1, 50], [2, 100], [3, 100], [4, 100], [5, 100], [6, 50], [8, 50], [10, 50]]
SEQGAN = {
    **{**SHORT, "dropout": 0.5, "filters": FILTERS, "pretraining_epochs": 10, "discriminator_epochs": 2},
    **{"num_rollouts": 4, "discriminator_steps": 4, "discriminator_learning_rate": 1e-3, "discriminator_l2": 0.0},
    "likelihood_weight": 0.1,
}
TRANSFORMER = dict(epochs=10, batch_size=64, learning_rate=1e-3, hyperparameters={"dropout": 0.5})
# What differs from the common settings; on so few captions all but the adversarial models over-fit after a few epochs.
SETTINGS = {
    "bow_vae": dict(epochs=30),
    "dense_ae": dict(epochs=5, hyperparameters=SHORT),
    "dense_vae": dict(epochs=10, hyperparameters=SHORT),
    "gan": dict(epochs=20, batch_size=64, learning_rate=None, hyperparameters=SHORT),
    "lstm_lm": dict(epochs=8, hyperparameters={"dropout": 0.5}),
    "lstm_vae": dict(epochs=9, hyperparameters={"dropout": 0.5}),
    "ngram_lm": {},
    "seq_vae": dict(epochs=9, batch_size=64, hyperparameters={"dropout": 0.5}),
    "seqgan": dict(epochs=14, batch_size=128, hyperparameters=SEQGAN),
    "transformer_lm": TRANSFORMER,
    "transformer_vae": TRANSFORMER,
}
TEMPERATURES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
SCORED = 2000
# BLEU-2 to 5 and Self-BLEU-2 to 5 as Zhu et al. 2018 (Texygen) give them.
PUBLISHED = {
    "likelihood": ((0.731, 0.497, 0.305, 0.189), (0.916, 0.769, 0.583, 0.408)),
    "SeqGAN": ((0.745, 0.498, 0.294, 0.180), (0.950, 0.840, 0.670, 0.489)),
    "LeakGAN": ((0.746, 0.528, 0.355, 0.230), (0.966, 0.913, 0.848, 0.780)),
}
MARKS = ("<!-- COCO: written by python benchmarks/coco.py -->", "<!-- end of COCO -->")


def measure(name: str, arguments, judge: Judge) -> dict:
    """Trains one model, or goes on with it; its figures on the test captions, at temperature 1 and along the curve."""
    path = arguments.out / name
    finished = path / "test.json"
    if finished.exists():
        return json.loads(finished.read_text())
    files = dict(data=str(arguments.train), test=str(arguments.test), seed=arguments.seed)
    config = RunConfig(name, precision="mixed_bfloat16", **files, **SETTINGS[name]).check()
    trainer.resume(path) if path.exists() else trainer.start(config, path)
    model, texts = zoo.load(path), config.load_corpus().test
    figures = evaluate(model, texts.take(range(SCORED)), seed=arguments.seed, judge=judge, num=arguments.num)
    points = frontier(model, judge, arguments.num, TEMPERATURES, seed=arguments.seed)
    facts = {"model": name, "num": arguments.num, "seed": arguments.seed, "parameters": int(model.count_params())}
    facts |= {"machine": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]}
    report = {**facts, "figures": figures, "intervals": figures.intervals, "frontier": points}
    write_atomically(finished, json.dumps(report, indent=2) + "\n")
    return report


COLUMNS = {
    "perplexity": "perplexity",
    **{f"bleu_{n}": f"BLEU-{n}" for n in ORDERS},
    **{f"self_bleu_{n}": f"Self-BLEU-{n}" for n in ORDERS},
    "forward_perplexity": "forward perplexity",
    "reverse_perplexity": "reverse perplexity",
    "mauve": "MAUVE",
    "novel_samples": "novel",
}


def table(reports: list[dict]) -> str:
    """A model a row at temperature 1, with intervals."""
    lines = [[f"`{report['model']}`", *(cell(report, name) for name in COLUMNS)] for report in reports]
    return markdown.table(["model", *COLUMNS.values()], lines)


def cell(report: dict, name: str) -> str:
    """A figure, and how far its interval reaches to either side."""
    if name not in report["figures"]:
        return "-"
    low, high = report["intervals"][name]
    shown = figure_shown(name, report["figures"][name])
    return f"{shown} ± {figure_shown(name, (high - low) / 2)}"


def at_diversity(reports: list[dict]) -> str:
    """The BLEU of every model at the Self-BLEU-4 of a published row: between the two temperatures around it; a dash
    where the model's curve does not reach that far."""
    lines = []
    for published, (bleu, self_bleu) in PUBLISHED.items():
        wanted = self_bleu[ORDERS.index(4)]
        lines.append([f"{published} (published)", f"{wanted:.3f}", "-", *(f"{value:.3f}" for value in bleu)])
        for report in reports:
            points = sorted((point["figures"] | {"at": point["temperature"]} for point in report["frontier"]), key=of_4)
            reached = [of_4(point) for point in points]
            if not reached[0] <= wanted <= reached[-1]:
                continue
            between = lambda name, points=points, reached=reached, wanted=wanted: np.interp(  # noqa: E731
                wanted, reached, [point[name] for point in points]
            )
            values = [f"{between(f'bleu_{n}'):.3f}" for n in ORDERS]
            lines.append([f"`{report['model']}`", "", f"{between('at'):.2f}", *values])
    return markdown.table(["", "Self-BLEU-4", "temperature", *(f"BLEU-{n}" for n in ORDERS)], lines)


def of_4(point: dict) -> float:
    """The diversity of a point of a curve."""
    return point["self_bleu_4"]


def main() -> None:
    """Reads the options, measures, writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--models", nargs="+", choices=SETTINGS, default=list(SETTINGS), metavar="MODEL")
    parser.add_argument("--num", type=int, default=2000, help="texts to write at each temperature")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--readme", type=Path, help="where to put the tables, between their marks")
    arguments = parser.parse_args()
    corpus = RunConfig("lstm_lm", str(arguments.train), test=str(arguments.test)).load_corpus()
    judge = Judge(corpus.test, corpus.train, seed=arguments.seed)
    for name in arguments.models:
        measure(name, arguments, judge)
    reports = [json.loads(path.read_text()) for path in sorted(arguments.out.glob("*/test.json"))]
    reports.sort(key=lambda report: report["figures"]["forward_perplexity"])
    tables = f"{table(reports)}\n\n{at_diversity(reports)}"
    print(tables)
    if arguments.readme:
        markdown.write_into(arguments.readme, tables, *MARKS)


if __name__ == "__main__":
    main()

"""What the discriminator of an oracle experiment has learned: does it know texts of the oracle that it never saw, and
does its verdict on the generator's texts follow the truth?

    python benchmarks/oracle_discriminator.py runs/seqgan-oracle --language-model runs/frontier/model.keras

A reward can only lead where it knows the way: its rank correlation with the oracle's own log-likelihood, among the
texts that the generator writes, is what policy gradient climbs. The log-likelihood that the generator itself gives its
texts, and that of a language model, stand beside the discriminator.
"""

import argparse
import json
from pathlib import Path

import measuring
import numpy as np
import tensorflow as tf
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

import zoo
from training.oracle import LENGTH, scorer, write
from training.oracle_protocol import Experiment, Protocol
from training.run_folder import RunFolder

ROWS_AT_ONCE = 500


def verdicts(model, ids) -> np.ndarray:
    """The discriminator's logits that texts are real, `[n]`."""
    parts = [ids[first : first + ROWS_AT_ONCE] for first in range(0, len(ids), ROWS_AT_ONCE)]
    return np.concatenate([model.discriminator(tf.constant(part), tf.zeros([len(part), 0])).numpy() for part in parts])


def measure(path: Path, num: int, seed: int, language_model: Path | None = None) -> dict:
    """The figures of a run as it stands."""
    folder = RunFolder.open(path)
    experiment = Experiment(Protocol(**folder.config()).check())
    model = zoo.load(folder.checkpoint(folder.state()["latest"]))
    texts = {"learned from": experiment.texts, "of the oracle": experiment.held_out, "written": write(model, num, seed)}
    texts = {name: ids[:num] for name, ids in texts.items()}
    logits = {name: verdicts(model, ids) for name, ids in texts.items()}
    likelihood = lambda judge: scorer(judge)(tf.constant(texts["written"]), 1.0).numpy() / LENGTH  # noqa: E731
    truth = likelihood(experiment.oracle.model)
    judges = {"discriminator": logits["written"], "likelihood of the generator": likelihood(model)}
    if language_model is not None:
        judges["likelihood of the language model"] = likelihood(zoo.load(language_model, compile=False))

    def told_apart(real: str) -> float:
        labels = np.repeat([1, 0], [len(logits[real]), len(logits["written"])])
        return float(roc_auc_score(labels, np.concatenate([logits[real], logits["written"]])))

    return {
        "run": folder.config(),
        "units": folder.state()["epoch"],
        "texts": num,
        "reward": {name: float(np.mean(1 / (1 + np.exp(-found)))) for name, found in logits.items()},
        "area under the curve": {name: told_apart(name) for name in ("learned from", "of the oracle")},
        "rank correlation with the truth": {
            name: {
                "value": float(spearmanr(verdict, truth).statistic),
                "interval": list(correlation_interval(verdict, truth, seed)),
            }
            for name, verdict in judges.items()
        },
    }


def correlation_interval(verdict, truth, seed: int, resamples: int = 500) -> tuple[float, float]:
    """A 95 % interval by the bootstrap over texts."""
    draw = np.random.default_rng(seed)
    rows = draw.integers(len(truth), size=(resamples, len(truth)))
    found = [spearmanr(verdict[chosen], truth[chosen]).statistic for chosen in rows]
    return tuple(float(value) for value in np.quantile(found, [0.025, 0.975]))


def main() -> None:
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of `textgen bench seqgan-oracle`")
    parser.add_argument("--num", type=int, default=3000, help="texts of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--language-model", type=Path, help="a .keras file whose likelihood is held beside the verdict")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.run, arguments.num, arguments.seed, arguments.language_model), indent=2))


if __name__ == "__main__":
    measuring.run(main)

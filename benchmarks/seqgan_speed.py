"""How long the parts of the oracle experiment of Yu et al. 2017 take: 5,000 words, length 20, batch 64, 16 rollouts.

    python benchmarks/seqgan_speed.py --threads 2 --precision mixed_bfloat16 --out speed.json

Medians of several runs after one that is not counted: a step of the generator with rollouts, an epoch of the
discriminator (312 batches of 32 real and 32 written texts), an epoch of the generator by likelihood
(156 batches, from 20 steps), and 10,000 texts.
"""

import argparse
import sys
from pathlib import Path

import measuring
import numpy as np
import tensorflow as tf

from keras_textgen import devices

# Seconds of the authors' code (TensorFlow 1.15) and of TextGAN-PyTorch on 2 cores.
PUBLISHED = {
    "generator step": (12.8, 37.1),
    "discriminator epoch": (27.2, 20.4),
    "pre-training epoch": (15.0, 4.45),
    "10,000 texts": (7.0, 24.0),
}


def main() -> None:
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2, help="cores that it may use")
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    measuring.take_cores(arguments.threads)
    devices.take_two_operations_at_once()

    from training.oracle import write
    from training.oracle_protocol import BATCH, Experiment, Protocol

    experiment = Experiment(Protocol(precision=arguments.precision, texts=10_000, measured=100))
    model = experiment.build()
    steps = experiment.steps(model)
    texts, fakes, order = tf.constant(experiment.texts[:BATCH]), write(model, 10_000, 0), np.random.default_rng(0)
    surroundings = measuring.Surroundings()
    runs = {
        "generator step": (1, steps["game"]),
        "discriminator epoch": (1, lambda: experiment.discriminator_epoch(steps, fakes, order)),
        "pre-training epoch": (156 / 20, lambda: [steps["likelihood"](texts) for _ in range(20)]),
        "10,000 texts": (1, lambda: write(model, 10_000, 0)),
    }
    times = {}
    for name, (scale, run) in runs.items():  # not in turn: each changes the model
        times[name] = [scale * value for value in measuring.in_turn({name: run}, arguments.runs)[name]]
    found = measuring.medians(times)
    for name, value in found.items():
        authors, textgan = PUBLISHED[name]
        compared = f"{authors / value:.1f} times the authors' code, {textgan / value:.1f} TextGAN-PyTorch"
        print(f"{name}: {value:.2f} s; {compared}", file=sys.stderr)
    hours = (120 * found["pre-training epoch"] + 200 * found["generator step"]) / 3600
    hours += ((50 + 1000) * found["10,000 texts"] + (150 + 3000) * found["discriminator epoch"]) / 3600
    print(f"the whole protocol: {hours:.1f} hours", file=sys.stderr)
    rows = [
        measuring.row(f"SeqGAN, {name}", "s", value, f"{beside}, measured earlier", theirs)
        for name, value in found.items()
        for beside, theirs in zip(("the authors' code", "TextGAN-PyTorch"), PUBLISHED[name], strict=True)
    ]
    settings = {name: str(value) for name, value in vars(arguments).items()}
    figures = {"seconds": found, "from and to": measuring.spreads(times), "hours": hours, "rows": rows}
    measuring.report({"settings": settings, **figures, **surroundings.facts(arguments.threads)}, arguments.out)


if __name__ == "__main__":
    measuring.run(main)

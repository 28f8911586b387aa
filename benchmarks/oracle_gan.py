"""What `gan` writes after the oracle of Yu et al. 2017, at every temperature: NLL_oracle in nats a token. It has no
likelihood, so how much of the truth it misses can only be told by what repeats: the share of different texts and words.

    python benchmarks/oracle_gan.py --oracle target_lstm.npz --out gan.json
"""

import argparse
import sys
from pathlib import Path

import keras
import measuring
import numpy as np

import zoo
from training.oracle import INVERSE_TEMPERATURES, LENGTH, WORDS, Oracle, oracle_tokenizer


def standing(model, oracle: Oracle, num: int, seed: int, temperature: float) -> dict[str, float]:
    """Figures of `num` texts of the model."""
    ids = np.asarray(model.tokenizer(model.generate(num, seed=seed, temperature=temperature)))
    return {
        "temperature": round(temperature, 4),
        "nll_oracle": oracle.score(ids),
        "different texts": len(np.unique(ids, axis=0)) / num,
        "different words": len(np.unique(ids)) / WORDS,
    }


def main() -> None:
    """Reads the options, trains, measures every few epochs, sweeps the temperatures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--oracle", type=Path, help="the published weights; drawn by seed if left out")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--every", type=int, default=5, help="epochs between two measurements")
    parser.add_argument("--num", type=int, default=10_000, help="texts, to learn from and to measure")
    parser.add_argument("--precision", default="mixed_bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    oracle, surroundings = Oracle(arguments.oracle, arguments.seed), measuring.Surroundings()
    texts = oracle.write(arguments.num, arguments.seed)
    keras.utils.set_random_seed(arguments.seed)
    sizes = dict(sequence_length=LENGTH, seed=arguments.seed, dtype=arguments.precision)
    model = zoo.build("gan", tokenizer=oracle_tokenizer(), **sizes)
    curve = []
    for epoch in range(arguments.epochs + 1):
        if epoch:
            model.fit(texts, batch_size=64, epochs=1, verbose=0)
        if epoch % arguments.every == 0 or epoch == arguments.epochs:
            curve.append({"epoch": epoch, **standing(model, oracle, arguments.num, arguments.seed, 1.0)})
            print(curve[-1], file=sys.stderr, flush=True)
    heats = [1 / inverse for inverse in INVERSE_TEMPERATURES]
    swept = [standing(model, oracle, arguments.num, arguments.seed, heat) for heat in heats]
    settings = {name: str(value) for name, value in vars(arguments).items()}
    measuring.report({"settings": settings, "curve": curve, "sweep": swept, **surroundings.facts()}, arguments.out)


if __name__ == "__main__":
    measuring.run(main)

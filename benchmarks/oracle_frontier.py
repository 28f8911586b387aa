"""How near language models of the zoo come to the oracle of Yu et al. 2017, at every temperature: quality (NLL_oracle)
against diversity (NLL of held-out texts of the oracle), both in nats a token.

    python benchmarks/oracle_frontier.py --oracle target_lstm.npz --out runs/frontier

Trained on 10,000 texts of the oracle; 1,000 others choose the epoch, the model and the temperature of "at 9":
the lowest at which their NLL is at most 8.95 (of so few texts it is known to 0.02). 10,000 more are held out for the
figures. The model stays beside its figures: `textgen bench seqgan-oracle --reward FILE.keras` takes it as a reward.
"""

import argparse
import dataclasses
import json
import platform
from pathlib import Path

import keras
import measuring
import numpy as np

import zoo
from training.checkpoints import save_model
from training.oracle import INVERSE_TEMPERATURES, LENGTH, Oracle, Standing, oracle_tokenizer, score, sweep
from training.whole_files import write_atomically

SMALL = dict(output_dim=0, average_attention=False)
MODELS = {
    # The published generator: 32 units, nothing against over-fitting.
    "lstm_lm, 32 units": dict(model="lstm_lm", embedding_dim=32, hidden_dim=32, dropout=0.0, weight_decay=0.0, **SMALL),
    "lstm_lm, 32 units, dropout": dict(model="lstm_lm", embedding_dim=32, hidden_dim=32, dropout=0.2, **SMALL),
    # Wider than the oracle, held by dropout and a Gaussian prior (of precision 4, at 10,000 texts). With --epochs 16
    # --patience 3 --learning-rate 5e-3.
    **{
        f"lstm_lm, {units} units, prior, dropout {rate}": dict(
            model="lstm_lm",
            embedding_dim=64,
            hidden_dim=units,
            dropout=rate,
            weight_decay=0.0,
            l2=4e-4,
            initial_spread=0.1,
            clip=100.0,
            **SMALL,
        )
        for units, rate in ((128, 0.25), (128, 0.3), (192, 0.35))
    },
}


def train(settings: dict, oracle: Oracle, arguments):
    """A model after the epoch whose validation texts are likeliest."""
    texts, validation = oracle.write(10_000, arguments.seed), oracle.write(1_000, arguments.seed + 2)
    keras.utils.set_random_seed(arguments.seed)
    options = {name: value for name, value in settings.items() if name not in ("model", "initial_spread", "clip")}
    sizes = dict(sequence_length=LENGTH, seed=arguments.seed, dtype=arguments.precision)
    model = zoo.build(settings["model"], tokenizer=oracle_tokenizer(), **sizes, **options)
    if "initial_spread" in settings:
        draw_matrices(model, settings["initial_spread"], arguments.seed)
    steps = -(-len(texts) // arguments.batch_size) * arguments.epochs
    model.optimizer.learning_rate = keras.optimizers.schedules.CosineDecay(arguments.learning_rate, steps, alpha=0.01)
    optimizer = {**model.optimizer.get_config(), "global_clipnorm": settings.get("clip", 5.0)}
    model.compile(type(model.optimizer).from_config(optimizer))
    model.build_optimizers()
    best = keras.callbacks.EarlyStopping("val_loss", patience=arguments.patience, restore_best_weights=True)
    fitted = model.fit(
        texts,
        batch_size=arguments.batch_size,
        epochs=arguments.epochs,
        validation_data=validation,
        callbacks=[best],
        verbose=0,
    )
    return model, validation, len(fitted.history["loss"])


def coldest(model, validation, most: float = 8.95) -> float:
    """The highest inverse temperature, in hundredths, at which texts are still that likely, in nats a token."""
    inverse = 1.0
    while score(model, validation, 1 / (inverse + 0.01)) <= most:
        inverse = round(inverse + 0.01, 2)
    return inverse


def draw_matrices(model, spread: float, seed: int) -> None:
    """Draws the weights but the biases from a normal distribution around 0, as Yu et al. 2017 (of spread 0.1): from
    smaller ones, as Keras draws them, a prior keeps training near 0 for long."""
    generator = np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if len(variable.shape) > 1:
            variable.assign(generator.normal(0.0, spread, variable.shape))


def main() -> None:
    """Reads the options, trains, sweeps, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--oracle", type=Path, help="the published weights; drawn by seed if left out")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--patience", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--inverse-temperatures", type=float, nargs="+", default=INVERSE_TEMPERATURES)
    arguments = parser.parse_args()
    oracle = Oracle(arguments.oracle, arguments.seed)
    held_out = oracle.write(10_000, arguments.seed + 1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    print(f"the oracle's own entropy: {oracle.score(held_out):.3f}")
    for name in arguments.models:
        model, validation, epochs = train(MODELS[name], oracle, arguments)
        standing = Standing.of(model, oracle, held_out, seed=arguments.seed)
        temperatures = dict(inverse_temperatures=arguments.inverse_temperatures)
        found = sweep(model, oracle, held_out, seed=arguments.seed, **temperatures)
        inverse = coldest(model, validation)
        at_9 = Standing.of(model, oracle, held_out, seed=arguments.seed, temperature=1 / inverse)
        at_9 = {"inverse_temperature": inverse, **dataclasses.asdict(at_9)}
        likely = {f"validation_{heat}": score(model, validation, heat) for heat in (1.0, 0.5)}
        report = {"settings": {key: str(value) for key, value in vars(arguments).items()}, "model": MODELS[name]}
        report |= {"machine": platform.machine(), **likely, "epochs": epochs}
        report |= {"standing": dataclasses.asdict(standing), "sweep": found, "at_9": at_9}
        stem = name.replace(", ", "-").replace(" ", "-")
        save_model(model, arguments.out / f"{stem}.keras")
        write_atomically(arguments.out / f"{stem}.json", json.dumps(report, indent=2))
        print(
            f"{name}: {likely}; held out {standing.nll_held_out:.3f}, NLL_oracle {standing.nll_oracle:.3f}; {at_9}",
            flush=True,
        )


if __name__ == "__main__":
    measuring.run(main)

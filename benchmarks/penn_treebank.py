"""The LSTM variational autoencoder on Penn Treebank in the published setting (embedding 256, hidden 256, 32 latent, one
layer): goes on from a training by Adam with plain gradient descent, which ends in weights that generalise better, and
measures the best epoch's model on the test sentences.

    textgen train lstm_vae --data ptb/train.txt --valid ptb/valid.txt --test ptb/test.txt --splitting whitespace \
        --set vocabulary_size=10003 --set sequence_length=90 --set tie_embeddings=true --set output_dim=0 \
        --set average_attention=false --set dropout=0.5 --set recurrent_dropout=0.2 --set weight_decay=0.08 \
        --set free_bits=0.3 --epochs 32 --precision mixed_bfloat16 --out runs/ptb-adam
    python benchmarks/penn_treebank.py --data ptb --first runs/ptb-adam --out runs/ptb-sgd

The validation sentences choose the epoch; the test sentences are read once. An hour or more each on a core of an AMD
EPYC, and one more for the 500 samples of each test sentence.
"""

import argparse
import json
import os
import platform
from pathlib import Path

import keras
import numpy as np

import zoo
from training.corpora.files import read_texts
from training.whole_files import write_atomically

CHANGES = {"kl_weight": 1.0, "free_bits": 0.27, "recurrent_dropout": 0.1, "weight_decay": 0.0}
BATCH = 32


class KeepBest(keras.callbacks.Callback):
    """Saves the model whenever the likelihood of validation texts is higher than ever.

    Args:
        texts: some validation texts; `place`: of the file.
    """

    def __init__(self, texts, place: Path):
        super().__init__()
        self.texts, self.place, self.best = texts, place, np.inf

    def on_epoch_end(self, epoch, logs=None):
        nats = -float(self.model.score(self.texts, num_samples=5, seed=0).astype(np.float64).mean())
        print(json.dumps({"epoch": epoch + 1, "val_nll": round(nats, 3), "rate": round(logs["rate"], 2)}), flush=True)
        if nats < self.best:
            self.best = nats
            self.model.save(self.place)


def descend(first: Path, train, valid, place: Path, rate: float, epochs: int) -> None:
    """Trains on from the weights of a run, and saves the best model at a place."""
    old = zoo.load(first)
    model = type(old).from_config({**old.get_config(), **CHANGES})
    for weight, value in zip(model.trainable_variables, old.trainable_variables, strict=True):
        weight.assign(value)
    steps = epochs * -(-len(train) // BATCH)
    model.compile(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(rate, steps), global_clipnorm=5.0))
    model.fit(train, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[KeepBest(valid[:1000], place)])


def main() -> None:
    """Reads the options, trains unless that is done, prints and keeps the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train.txt, valid.txt and test.txt")
    parser.add_argument("--first", type=Path, required=True, help="the run to go on from")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--learning-rate", type=float, default=0.5)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--samples", type=int, default=500)
    arguments = parser.parse_args()
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    keras.utils.set_random_seed(0)
    train, valid, test = (list(read_texts(arguments.data / f"{part}.txt")) for part in ("train", "valid", "test"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    place = arguments.out / "model.keras"
    if not place.exists():
        descend(arguments.first, train, valid, place, arguments.learning_rate, arguments.epochs)
    model = zoo.load(place)
    nats = -float(model.score(test, num_samples=arguments.samples).astype(np.float64).sum())
    tokens = int(model.ids(test).row_lengths().numpy().sum())
    found = {"tokens": tokens, "nll": nats / len(test), "perplexity": float(np.exp(nats / tokens))}
    found |= model.latent_statistics(test)
    found |= {"machine": platform.machine(), "cores": os.cpu_count(), "samples": arguments.samples}
    write_atomically(arguments.out / "test.json", json.dumps(found, indent=2) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()

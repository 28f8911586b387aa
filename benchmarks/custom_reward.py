"""A reward of one's own: the policy of `seqgan` is taught to write about a topic.

    python benchmarks/custom_reward.py --out runs/custom_reward

Trains on the corpus `reviews` by likelihood, then by policy gradient with the reward 1 for a text that names a word of
the topic, with and without likelihood steps in between. The share of such texts before and after is what the reward
asks for; how many are grammatical, how many differ, and how likely real texts are, is what it may cost.
"""

import argparse
import json
import platform
from pathlib import Path

import keras

import zoo
from keras_textgen.metrics import distinct
from training import corpora
from training.against_grammar import samples_against_grammar
from training.whole_files import write_atomically

WORDS = ("patio", "table")


@keras.saving.register_keras_serializable("custom_reward")
def about_seats(texts: list[str]) -> list[float]:
    """1 for each text that names the topic, else 0."""
    return [float(any(word in text for word in WORDS)) for text in texts]


def figures(model, corpus, num: int) -> dict[str, float]:
    """What the model writes, and what it makes of real texts."""
    texts = model.generate(num, seed=100)
    return {
        "about the topic": sum(about_seats(texts)) / num,
        "grammatical": samples_against_grammar(texts, {}, corpus)["grammatical"].value,
        "distinct": distinct(texts).value,
        "nll of real texts": float(-model.score(list(corpus.valid[:500])).mean()),
    }


def main() -> None:
    """Reads the options, trains, measures before and after, prints samples."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=6, help="by likelihood")
    parser.add_argument("--steps", type=int, default=150, help="by policy gradient")
    parser.add_argument("--likelihood-weights", type=float, nargs="+", default=[0.0, 0.1])
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    corpus = corpora.load("reviews", seed=0)
    start = zoo.build("lstm_lm", texts=corpus.train, sequence_length=22, seed=arguments.seed)
    start.optimizer.learning_rate = 2e-3
    start.fit(list(corpus.train), epochs=arguments.epochs, verbose=2)
    rows = {}
    for weight in arguments.likelihood_weights:
        keras.utils.set_random_seed(arguments.seed)
        options = dict(num_rollouts=4, pretraining_epochs=0, likelihood_weight=weight, seed=arguments.seed)
        model = zoo.build("seqgan", tokenizer=start.tokenizer, sequence_length=22, reward=about_seats, **options)
        for ours, given in zip(model.decoder.weights, start.decoder.weights, strict=True):
            ours.assign(given)
        model.compile(keras.optimizers.Adam(3e-4, global_clipnorm=5.0))
        model.build_optimizers()
        before = figures(model, corpus, 1000)
        model.fit(list(corpus.train), batch_size=32, epochs=1, steps_per_epoch=arguments.steps, verbose=2)
        rows[f"likelihood weight {weight}"] = {"before": before, "after": figures(model, corpus, 1000)}
        print(json.dumps(rows, indent=2), *model.generate(5, seed=1), sep="\n")
    arguments.out.mkdir(parents=True, exist_ok=True)
    settings = {name: str(value) for name, value in vars(arguments).items()}
    report = {"settings": settings, "machine": platform.machine(), "rows": rows}
    write_atomically(arguments.out / "figures.json", json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()

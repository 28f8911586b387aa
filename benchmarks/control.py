"""Whether controlled texts have the attribute that they were asked for, as a classifier of real texts sees it.

    python benchmarks/control.py runs/yelp --eval eval.tsv --out runs/yelp/control.json

The classifier (logistic regression over words, pairs and triples of words, weighted by tf-idf) learns from the run's
own training texts; its accuracy on the real texts of `--eval` says how far it can be trusted. The model then writes as
many texts for each value, and rewrites texts of `--eval` with the other value.
"""

import argparse
import json
from pathlib import Path

import numpy as np

import zoo
from keras_textgen.metrics import reconstruction_bleu
from training.run_config import RunConfig, load_with_attributes
from training.run_folder import RunFolder
from training.whole_files import write_atomically


def classifier(texts, labels):
    """A classifier of texts, fitted."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    return make_pipeline(words, LogisticRegression(C=10.0, max_iter=1000)).fit(texts, labels)


def main() -> None:
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run folder of a model with one attribute of two values")
    parser.add_argument("--eval", required=True, help="real texts that the run has not seen, in the form of its data")
    parser.add_argument("--out", type=Path, required=True, help="a JSON file")
    parser.add_argument("--num", type=int, default=1000, help="texts to write for each value")
    parser.add_argument("--transfers", type=int, default=1000, help="texts to rewrite")
    parser.add_argument("--temperature", type=float, default=1.0, help="of the texts that are written from scratch")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    config = RunConfig.of(RunFolder.open(arguments.run))
    model, train = zoo.load(arguments.run), config.load_corpus().train
    ((name, values),) = model.attributes.values.items()
    real = load_with_attributes(
        arguments.eval, config.attributes, text=config.text, valid=arguments.eval, test=arguments.eval
    ).train
    judge = classifier(list(train), train.labels[name])
    figures = {"accuracy_on_real_texts": float(judge.score(list(real), real.labels[name]))}

    for value in values:
        options = dict(seed=arguments.seed, temperature=arguments.temperature)
        texts = model.generate(arguments.num, attributes={name: value}, **options)
        figures[f"written_{value}"] = float(np.mean(judge.predict(texts) == value))
        figures[f"samples_{value}"] = texts[:5]
    figures["written"] = float(np.mean([figures[f"written_{value}"] for value in values]))

    chosen = np.random.default_rng(arguments.seed).choice(len(real), arguments.transfers, replace=False)
    some = real.take(chosen.tolist())
    wanted = [values[1 - values.index(value)] for value in some.labels[name]]
    transfers = model.reconstruct(some, attributes={name: wanted})
    figures["transferred"] = float(np.mean(judge.predict(transfers) == np.array(wanted)))
    figures["transfer_bleu_with_the_text"] = reconstruction_bleu(some, transfers)
    figures["transfers"] = [list(row) for row in zip(some, wanted, transfers, strict=True)][:10]
    write_atomically(arguments.out, json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(figures, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()

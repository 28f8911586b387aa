"""textgen evaluate: a model's figures on held-out texts."""

from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import figures_table, load_model, print_json


def command(
    model: Annotated[str, typer.Argument(help="A run folder or a .keras file.")],
    data: Annotated[
        str | None, typer.Option(help="A corpus by name, or a file; a run's own corpus if left out.")
    ] = None,
    split: Annotated[str, typer.Option(help="Of the corpus: train, valid, test; or all of a file.")] = "test",
    text: Annotated[str | None, typer.Option(help="The text column of a CSV, TSV or JSON-lines file.")] = None,
    attributes: Annotated[
        list[str] | None,
        typer.Option("--attribute", help="A label of --data that the model is told: name, or name=column; repeatable."),
    ] = None,
    vocabulary: Annotated[str | None, typer.Option(help="The words of a file of word counts (.feat).")] = None,
    samples: Annotated[int, typer.Option(help="Importance samples a text, for models with a latent.")] = 100,
    curve: Annotated[bool, typer.Option("--curve", help="The likelihood for 1, 10, 100, … samples, too.")] = False,
    num: Annotated[int, typer.Option(help="Texts to write where a corpus can judge them.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of samples of all kinds.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Likelihood, latent statistics and reconstruction on held-out texts; on `reviews`, the distance to the floor."""
    from keras_textgen.errors import InputError, unknown
    from training.corpora import list_corpora
    from training.run_folder import RunFolder
    from training.trainer import RunConfig, load_with_attributes

    if split not in ("train", "valid", "test", "all"):
        raise unknown("split", split, ["train", "valid", "test", "all"])
    if data is None:
        if not Path(model).is_dir():
            raise InputError("give --data: only a run folder knows its own corpus")
        corpus = RunConfig.of(RunFolder.open(model)).load_corpus()
    else:
        # With a file in the place of all three parts nothing is split off it.
        whole_file = {"valid": data, "test": data} if split == "all" and data not in list_corpora() else {}
        corpus = load_with_attributes(data, attributes or [], text=text, vocabulary=vocabulary, **whole_file)
        split = "train" if whole_file else split
    texts = corpus.all() if split == "all" else getattr(corpus, split)
    loaded = load_model(model)

    from training.evaluation import evaluate

    grammar = corpus if hasattr(corpus, "is_grammatical") else None
    options = dict(num_samples=samples, curve=curve, seed=seed, grammar=grammar, num=num)
    figures = evaluate(loaded, texts, labels=texts.labels, **options)
    print_json(figures) if json else figures_table(f"{model} on {len(texts):,} texts ({split})", figures)

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
    samples: Annotated[int, typer.Option(help="Importance samples a text, for models with a latent.")] = 100,
    num: Annotated[int, typer.Option(help="Texts to write where a corpus can judge them.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of samples of all kinds.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Likelihood, latent statistics and reconstruction on held-out texts; on `reviews`, the distance to the floor."""
    from keras_textgen.errors import InputError, unknown
    from training import corpora
    from training.corpora.files import read_texts
    from training.run_folder import RunFolder
    from training.trainer import RunConfig

    if split not in ("train", "valid", "test", "all"):
        raise unknown("split", split, ["train", "valid", "test", "all"])
    if data is None:
        if not Path(model).is_dir():
            raise InputError("give --data: only a run folder knows its own corpus")
        corpus = RunConfig.of(RunFolder.open(model)).load_corpus()
    elif split == "all":
        corpus = None
        texts = list(read_texts(Path(data), text=text))
    else:
        corpus = corpora.load(data, text=text)
    if corpus is not None:
        texts = list(getattr(corpus, split)) if split != "all" else [*corpus.train, *corpus.valid, *corpus.test]
    loaded = load_model(model)

    from training.evaluation import evaluate

    grammar = corpus if hasattr(corpus, "is_grammatical") else None
    figures = evaluate(loaded, texts, num_samples=samples, seed=seed, grammar=grammar, num=num)
    print_json(figures) if json else figures_table(f"{model} on {len(texts):,} texts ({split})", figures)

"""textgen evaluate: a model's figures on held-out texts."""

import hashlib
import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import ModelPath, figures_table, load_model, print_json, table

FEATURES = "Of sentences, for their distances: n_grams, or wordllama (the extra `encoder`)."
TEMPERATURES = "Quality against diversity at several: 0.7,1,1.3, or 0.5..1.5 in steps of 0.1."


def command(
    model: ModelPath,
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
    num: Annotated[int, typer.Option(help="Texts to write and judge; 0 leaves that out.")] = 1000,
    temperatures: Annotated[str | None, typer.Option(help=TEMPERATURES)] = None,
    features: Annotated[str, typer.Option(help=FEATURES)] = "n_grams",
    seed: Annotated[int, typer.Option(help="Of samples of all kinds.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Likelihood, latent statistics, reconstruction, and what the model writes beside held-out texts: BLEU, Self-BLEU,
    diversity, copies, perplexities; on `reviews`, the distance to the floor. Intervals are 95 %, by the bootstrap.

    The figures of a run go to its evaluation.json, too, where `textgen compare` finds them.
    """
    from keras_textgen.checks import whole
    from keras_textgen.errors import InputError
    from training.run_folder import RunFolder
    from training.whole_files import write_atomically

    heats = parse_temperatures(temperatures)
    if whole(0, num=num) == 1:
        raise InputError("--num 1 cannot be judged: give at least 2, or 0 to leave that out")
    corpus, texts, known = load_texts(model, data, split, attributes or [], num > 0, text=text, vocabulary=vocabulary)
    judged = num > 0 and bool(known)
    if heats and not judged:
        raise InputError("--temperatures needs samples to judge and training texts: leave out --num 0 and --split all")
    loaded = load_model(model)

    from training.evaluation import evaluate, frontier
    from training.judging import Judge

    grammar = corpus if hasattr(corpus, "is_grammatical") else None
    judge = Judge(texts, known, grammar=grammar, features=features, seed=seed) if judged else None
    figures = evaluate(
        loaded,
        texts,
        labels=texts.labels,
        num_samples=samples,
        curve=curve,
        seed=seed,
        grammar=grammar,
        judge=judge,
        num=num,
    )
    points = frontier(loaded, judge, num, heats, texts.labels, seed=seed) if judge is not None else []
    settings = {"data": data or corpus.name, "split": split, "samples": samples, "num": num, "seed": seed}
    settings |= {"features": features if judged else None, "digest": digest(texts)}
    found = {"settings": settings, "figures": figures, "intervals": figures.intervals, "frontier": points}
    if json:
        print_json(found)
    else:
        print_tables(f"{model} on {len(texts):,} texts ({split})", figures, points)
    if Path(model).is_dir():  # after they were shown, lest a folder that cannot be written costs them
        write_atomically(RunFolder.open(model).evaluation, json_module.dumps(found, indent=2) + "\n")


def digest(texts) -> str:
    """What tells that two evaluations were on the same texts."""
    return hashlib.sha256(json_module.dumps(list(texts)).encode()).hexdigest()[:16]


def print_tables(title, figures, points) -> None:
    """The figures, and a line for each temperature."""
    figures_table(title, figures)
    if points:
        columns = ("bleu_4", "self_bleu_4", "forward_perplexity", "reverse_perplexity", "grammatical")
        columns = [name for name in columns if name in points[0]["figures"]]
        rows = [[point["temperature"], *(point["figures"][name] for name in columns)] for point in points]
        table("Quality against diversity", ["temperature", *columns], rows)


def load_texts(model, data, split, attributes, judged, *, text=None, vocabulary=None):
    """The corpus, the texts of it to evaluate on, and those that the model was trained on: of its run, or else of the
    corpus; none where all of a file is held out, or nothing is judged by them."""
    from keras_textgen.errors import InputError, unknown
    from training.corpora import list_corpora
    from training.run_config import RunConfig, load_with_attributes
    from training.run_folder import RunFolder

    if split not in ("train", "valid", "test", "all"):
        raise unknown("split", split, ["train", "valid", "test", "all"])
    is_run, own = Path(model).is_dir(), None
    if is_run and (data is None or judged):  # else the file it was trained on may be gone
        own = RunConfig.of(RunFolder.open(model)).load_corpus()
    if data is None:
        if own is None:
            raise InputError("give --data: only a run folder knows its own corpus")
        return own, part_of(own, split), own.train
    # With a file in the place of all three parts nothing is split off it.
    whole_file = {"valid": data, "test": data} if split == "all" and data not in list_corpora() else {}
    corpus = load_with_attributes(data, attributes, text=text, vocabulary=vocabulary, **whole_file)
    known = own.train if own is not None else [] if whole_file or is_run else corpus.train
    return corpus, part_of(corpus, "train" if whole_file else split), known


def part_of(corpus, split: str):
    """The texts of a part of a corpus."""
    return corpus.all() if split == "all" else getattr(corpus, split)


def parse_temperatures(given: str | None) -> list[float]:
    """`0.7,1,1.3`, or `0.5..1.5` in steps of 0.1."""
    from keras_textgen.errors import InputError

    if given is None:
        return []
    try:
        if ".." not in given:
            found = [float(part) for part in given.split(",")]
        else:
            first, last = (float(end) for end in given.split(".."))
            steps = min(round((last - first) / 0.1), 100)  # one too many is refused below
            found = [round(first + 0.1 * step, 6) for step in range(steps + 1)]
    except (ValueError, OverflowError):
        found = []
    if not found or not all(0 < value <= 1000 for value in found) or len(found) > 100:
        raise InputError(f"--temperatures takes numbers over 0, as 0.7,1,1.3 or 0.5..1.5, not {given!r}")
    return found

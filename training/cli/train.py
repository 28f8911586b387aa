"""textgen train: from a file of text to a model."""

import functools
import json as jsonlib
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from keras_textgen.errors import InputError
from training import trainer
from training.cli.shared import errors, fail, figures_table, print_json, require_alone, silence
from training.cli.stages import Stages
from training.distribution import WorkerLost
from training.harmless import harmless

DEFAULTS = trainer.RunConfig
DATA = (
    "A corpus by name (reviews); a text, JSON-lines, CSV, TSV or Parquet file, maybe .gz or .zst; a pattern or folder "
    "of such; hf:NAME or tfds:NAME/CONFIG; or what `textgen prepare` has written."
)
PRECISION = "float32, mixed_bfloat16, mixed_float16, or auto: mixed_bfloat16 where the device has instructions for it."


def command(
    context: typer.Context,
    model: Annotated[str | None, typer.Argument(help="A model of the zoo; see `textgen models`.")] = None,
    data: Annotated[str | None, typer.Option(help=DATA)] = None,
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/<model>-<data>-<time> if left out.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder; takes no other option.")
    ] = None,
    valid: Annotated[str | None, typer.Option(help="A validation file; a share of --data if left out.")] = None,
    test: Annotated[str | None, typer.Option(help="A test file; a share of --data if left out.")] = None,
    text: Annotated[
        str | None, typer.Option(help="The text column: a name, or a number from 0 without a header.")
    ] = None,
    attributes: Annotated[
        list[str] | None,
        typer.Option("--attribute", help="A label that the model is told: name, or name=column of a file; repeatable."),
    ] = None,
    vocabulary: Annotated[str | None, typer.Option(help="The words of a file of word counts (.feat).")] = None,
    limit: Annotated[int | None, typer.Option(help="Train on the first texts only.")] = None,
    preset: Annotated[str | None, typer.Option(help="Hyper-parameters for a purpose; see `textgen models`.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="A hyper-parameter, as name=value; repeatable.")
    ] = None,
    tokenizer: Annotated[str, typer.Option(help="words, characters, wordpiece or bytes.")] = DEFAULTS.tokenizer,
    start_from: Annotated[
        str | None, typer.Option(help="A run or .keras file of the same model to start with, its weights and words.")
    ] = None,
    splitting: Annotated[str | None, typer.Option(help="For words: punctuation, whitespace or unicode.")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training texts; if left out, 30, but 1 for ngram_lm.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Texts a step.")] = DEFAULTS.batch_size,
    tokens_per_batch: Annotated[
        int | None,
        typer.Option(help="Texts of about one length share a batch of so many tokens; no --batch-size then."),
    ] = None,
    optimizer: Annotated[str, typer.Option(help="adam, or plain sgd (with a rate of about 1).")] = DEFAULTS.optimizer,
    learning_rate: Annotated[float, typer.Option(help="At the start.")] = DEFAULTS.learning_rate,
    decay: Annotated[str, typer.Option(help="Of the learning rate: cosine or none.")] = DEFAULTS.decay,
    precision: Annotated[str, typer.Option(help=PRECISION)] = DEFAULTS.precision,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = DEFAULTS.seed,
    samples_every: Annotated[int, typer.Option(help="Epochs between two files of samples.")] = DEFAULTS.samples_every,
    distribute: Annotated[
        str, typer.Option(help="auto, none, mirrored (all GPUs) or multiworker (the machines of TF_CONFIG).")
    ] = DEFAULTS.distribute,
    keep_checkpoints: Annotated[
        int, typer.Option(help="Checkpoints that stay, beside the best.")
    ] = DEFAULTS.keep_checkpoints,
    average_epochs: Annotated[
        int,
        typer.Option(help="Average the weights of so many last epochs, and keep the mean where it validates better."),
    ] = DEFAULTS.average_epochs,
    auto_resume: Annotated[
        bool, typer.Option("--auto-resume", help="Go on with the run in --out where there is one.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The figures as one JSON object at the end.")] = False,
) -> None:
    """Train a model into a run folder, or go on with a run that was interrupted."""
    if resume is not None:
        require_alone(context)
        path, begin = resume, functools.partial(trainer.resume, resume)
    else:
        if model is None or data is None:
            raise InputError("give a model and --data, as in: textgen train lstm_vae --data reviews.txt")
        config = trainer.RunConfig(
            model=model,
            data=data,
            preset=preset,
            hyperparameters=dict(parse_setting(setting) for setting in settings or []),
            text=text,
            valid=valid,
            test=test,
            attributes=attributes or [],
            vocabulary=vocabulary,
            limit=limit,
            tokenizer=tokenizer,
            tokenizer_options={} if splitting is None else {"splitting": splitting},
            start_from=start_from,
            epochs=epochs,
            batch_size=batch_size,
            tokens_per_batch=tokens_per_batch,
            optimizer=optimizer,
            learning_rate=learning_rate,
            decay=decay,
            precision=precision,
            seed=seed,
            samples_every=samples_every,
            distribute=distribute,
            keep_checkpoints=keep_checkpoints,
            average_epochs=average_epochs,
        ).check()
        if auto_resume and out is None:
            raise InputError("--auto-resume needs --out, the folder of the run to go on with")
        path = out or Path("runs") / f"{model}-{title_of(data)}-{time.strftime('%Y%m%d-%H%M%S')}"
        action = trainer.start_or_resume if auto_resume else trainer.start
        begin = functools.partial(action, config, path, watch_preparing=Stages())
    figures = watched(begin, path)
    if json:
        print_json({"run": str(path), **figures})
    else:
        averaged = figures["averaged_epochs"]
        chosen = f"epoch {figures['best_epoch']}" if averaged == 1 else f"the mean of the last {averaged} epochs"
        figures_table(f"{path}: {chosen} of {figures['epochs']}, validation", figures["valid"])
        print(f"textgen generate {path}")


def title_of(data: str) -> str:
    """What a run's folder is called after: the name of the corpus without marks of patterns."""
    return re.sub(r"[^\w.-]+", "-", Path(data).stem).strip("-.") or "texts"


def watched(begin: Callable, path: Path) -> dict:
    """Runs `begin(watch)` with its progress on the terminal; says how to go on where it is stopped."""
    shown = []

    def watch(folder, config, steps):
        from training.cli.progress import ShowProgress

        shown.append(ShowProgress(config.epochs, steps))
        into = f"{config.epochs} epochs of {steps} steps into {folder.path}"
        errors.print(harmless(f"{config.model} on {config.data}: {into}"), markup=False)
        return shown

    with silence():
        import tensorflow  # noqa: F401
    try:
        return begin(watch)
    except KeyboardInterrupt as stop:
        again = f"textgen train --resume {path}" if path.exists() else f"the same command and --out {path}"
        fail(f"stopped; go on with: {again}", code=128 + getattr(stop, "signal", signal.SIGINT))
    except WorkerLost as error:
        fail(str(error), code=os.EX_TEMPFAIL)
    except OSError as error:
        reason = f"{path} cannot be written: {error.strerror or error}"
        raise InputError(f"{reason}; make room, then go on with: textgen train --resume {path}") from error
    finally:
        for bar in shown:
            bar.close()


def parse_setting(setting: str) -> tuple[str, object]:
    """`name=value` to a pair; the value is read as JSON, or else taken as text."""
    name, equals, value = setting.partition("=")
    if not equals or not name:
        raise InputError(f"--set takes name=value, not {setting!r}")
    try:
        return name.strip(), jsonlib.loads(value)
    except jsonlib.JSONDecodeError:
        return name.strip(), value

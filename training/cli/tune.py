"""textgen tune: the hyper-parameters that suit a corpus."""

import dataclasses
import functools
import inspect
import json as jsonlib
import shlex
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from keras_textgen.errors import InputError
from training import trainer, tuning
from training.cli.shared import errors, fail, print_json, require_alone, shown, silence, table
from training.cli.train import command as train
from training.cli.train import parse_setting
from training.harmless import harmless

DEFAULTS = trainer.RunConfig
of_train = types.SimpleNamespace(**inspect.get_annotations(train))  # options that are those of `textgen train`


def command(
    context: typer.Context,
    model: of_train.model = None,
    data: of_train.data = None,
    search: Annotated[
        list[str] | None,
        typer.Option(help="What to search, as name=low..high, name=low..high:log or name=a,b,c; repeatable."),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="How many settings to try; 20 if left out.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder; runs/tune-<model>-<data>-<time> if left out.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the search in this folder; takes --trials alone, their new number.")
    ] = None,
    valid: of_train.valid = None,
    test: of_train.test = None,
    text: of_train.text = None,
    attributes: of_train.attributes = None,
    vocabulary: of_train.vocabulary = None,
    limit: of_train.limit = None,
    preset: of_train.preset = None,
    settings: of_train.settings = None,
    tokenizer: of_train.tokenizer = DEFAULTS.tokenizer,
    splitting: of_train.splitting = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training texts in each trial.")] = 10,
    batch_size: Annotated[int | None, typer.Option(help="Texts a step; not searched then.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of Adam, at the start; not searched then.")] = None,
    decay: of_train.decay = DEFAULTS.decay,
    precision: of_train.precision = DEFAULTS.precision,
    seed: Annotated[int, typer.Option(help="The same seed gives the same search.")] = DEFAULTS.seed,
    samples_every: of_train.samples_every = DEFAULTS.samples_every,
    json: Annotated[bool, typer.Option("--json", help="The table as one JSON object at the end.")] = False,
) -> None:
    """Search for the hyper-parameters that give held-out texts the best likelihood, in many short runs.

    Without --search it searches the learning rate, and hidden_dim, latent_dim, dropout and free_bits where the model
    has them, but for those that are set.
    """
    tuning.load_optuna()
    if resume is not None:
        require_alone(context, "search", beside="trials")
        path, begin = resume, functools.partial(tuning.resume, resume, trials)
    else:
        if model is None or data is None:
            raise InputError("give a model and --data, as in: textgen tune lstm_vae --data reviews.txt")
        fixed = {"learning_rate": learning_rate, "batch_size": batch_size}
        fixed = {name: value for name, value in fixed.items() if value is not None}
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
            epochs=epochs,
            decay=decay,
            precision=precision,
            seed=seed,
            samples_every=samples_every,
            **fixed,
        ).check()
        space = parse_space(search or [], config, fixed)
        wanted = tuning.Search(config, space, 20 if trials is None else trials)
        path = out or Path("runs") / f"tune-{model}-{Path(data).stem}-{time.strftime('%Y%m%d-%H%M%S')}"
        begin = functools.partial(tuning.start, wanted, path)
    rows = watched(begin, path)
    report(path, rows, json)


def parse_space(searches: list[str], config: trainer.RunConfig, fixed: dict) -> dict:
    """The space of the options `--search`, or the default one without what the options `fixed` set."""
    space = {}
    for text in searches:
        name, values = parse_search(text)
        if name in fixed:
            raise InputError(f"--{name.replace('_', '-')} is given and searched; leave one of them out")
        if name in space:
            raise InputError(f"{name} is searched twice; give it one --search")
        space[name] = values
    if searches:
        return space
    with silence():
        import tensorflow  # noqa: F401
    space = tuning.default_space(config)
    return {name: values for name, values in space.items() if name not in fixed}


def parse_search(text: str) -> tuple[str, tuning.Range | tuning.Choice]:
    """`name=low..high`, `name=low..high:log` or `name=a,b,c` to a name and its values, each read as in `--set`."""
    name, equals, values = text.partition("=")
    name, read = name.strip(), lambda value: parse_setting(f"{name}={value}")[1]
    if not (name and equals and values.strip()):
        raise InputError(f"--search takes name=low..high, name=low..high:log or name=a,b,c, not {text!r}")
    try:
        if ".." not in values:
            return name, tuning.Choice(tuple(read(value.strip()) for value in values.split(",")))
        ends, colon, scale = values.partition(":")
        if colon and scale.strip() != "log":
            raise InputError(f"only :log may follow a range, not {colon + scale!r}")
        low, _, high = ends.partition("..")
        return name, tuning.Range(read(low), read(high), log=bool(colon))
    except InputError as error:
        raise InputError(f"--search {text!r}: {error}") from None


def watched(begin: Callable, path: Path) -> list[dict]:
    """Runs `begin(watch=…, told=…)` with a bar and a line a trial; says how to go on where it is stopped."""
    bars = []

    def watch(folder, config, steps):
        from training.cli.progress import ShowProgress

        bars.append(ShowProgress(config.epochs, steps, lines=False))
        return bars[-1:]

    def told(row):
        while bars:
            bars.pop().close()
        settings = [f"{name} {short(value)}" for name, value in row["parameters"].items()]
        line = "  ".join([name_of(row), *settings, value_of(row), state_of(row)])
        errors.print(harmless(line), markup=False)

    with silence():
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")  # it warns of functions traced again, as those of every new model are
    try:
        return begin(watch=watch, told=told)
    except KeyboardInterrupt:
        started = (path / "search.json").exists()
        fail(f"stopped; go on with: textgen tune --resume {path}" if started else "stopped", code=130)
    except OSError as error:
        reason = f"{path} cannot be written: {error.strerror or error}"
        raise InputError(f"{reason}; make room, then go on with: textgen tune --resume {path}") from error
    finally:
        for bar in bars:
            bar.close()


def report(path: Path, rows: list[dict], json: bool) -> None:
    """The table of a search, best first, and how to train the best setting in full; an error if there is none."""
    best = rows[0] if rows[0]["state"] == "complete" else None
    line = train_command(tuning.Search.of(path).config_of(best["parameters"])) if best else None
    if json:
        print_json({"search": str(path), "best": best, "command": line, "trials": rows})
    else:
        names = list(rows[0]["parameters"])
        columns = ["trial", "value", *(name.replace("_", " ") for name in names), "epochs", "minutes", "state"]
        cells = [
            [name_of(row), value_of(row)]
            + [short(row["parameters"].get(name)) for name in names]
            + [short(row["epochs"]), short(row["minutes"]), state_of(row)]
            for row in rows
            if row["state"] != "interrupted"  # each of these was tried again
        ]
        table(f"{path}: the best epoch's value on validation texts, lower is better", columns, cells)
    if best is None:
        raise InputError(f"no trial was completed; see {path / 'trials.csv'} for the reasons")
    if not json:
        print(line)


def train_command(config: trainer.RunConfig) -> str:
    """The line for a shell that trains with this configuration, at least as long as a run usually is."""
    import zoo

    words = ["textgen", "train", config.model]
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name == "hyperparameters":
            for name, setting in value.items():
                words += ["--set", f"{name}={setting if isinstance(setting, str) else jsonlib.dumps(setting)}"]
        elif field.name == "tokenizer_options":
            for name, setting in value.items():
                words += [option_of(name), str(setting)]
        elif field.name == "epochs":
            words += ["--epochs", str(value)] if value > zoo.spec(config.model).epochs else []
        elif field.name != "model" and value != field.default:
            for one in value if isinstance(value, list) else [value]:
                words += [option_of(field.name), str(one)]
    return shlex.join(words)


def option_of(name: str) -> str:
    """How `textgen train` calls the option for a field of the configuration."""
    return {"attributes": "--attribute"}.get(name, f"--{name.replace('_', '-')}")


def name_of(row: dict) -> str:
    """A trial as its folder is called."""
    return f"{row['number']:04d}"


def value_of(row: dict) -> str:
    """The value of a trial, where it has one."""
    return "" if row["value"] is None else shown(row["value"])


def state_of(row: dict) -> str:
    """The state of a trial, with the first clause of its reason."""
    return row["state"] if row["reason"] is None else f"{row['state']}: {row['reason'].partition(';')[0]}"


def short(value) -> str:
    """A parameter in few digits; nothing for None."""
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)

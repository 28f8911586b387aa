"""The command `textgen`: a file a verb. Nothing here imports TensorFlow until a verb needs it."""

import logging
import os
import sys
import warnings

import typer

from keras_textgen.errors import CollapseWarning, InputError
from training.checkpoints import DamageWarning
from training.cli import (
    bench,
    call,
    check_export,
    compare,
    demo,
    encode,
    evaluate,
    export,
    generate,
    interpolate,
    models,
    prepare,
    reconstruct,
    score,
    serve,
    train,
    tune,
)
from training.cli.shared import fail
from training.harmless import harmless
from training.trainer import DivergenceWarning

app = typer.Typer(
    name="textgen",
    help="Train, look at, evaluate and export models that write text.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

TRAINING = (models, demo, prepare, train, tune)
ASKING = (generate, reconstruct, interpolate, encode, score, evaluate, compare)
SERVING = (export, check_export, serve, call)
for verb in (*TRAINING, *ASKING, *SERVING):
    app.command(verb.__name__.rsplit(".", 1)[-1].replace("_", "-"))(verb.command)


app.add_typer(bench.app, name="bench")


def show_in_a_line(kind: type[Warning]) -> None:
    """Shows warnings of a kind as their message alone, without the line of code they come from."""
    show = warnings.showwarning

    def in_a_line(message, category, *place, **options):
        if issubclass(category, kind):
            print(f"textgen: {harmless(str(message))}", file=sys.stderr)
        else:
            show(message, category, *place, **options)

    warnings.showwarning = in_a_line


def main() -> None:
    """Runs a verb; every failure that a user can cause is one line on standard error and a non-zero exit."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its hints on tracing are not for those who train
    for kind in (CollapseWarning, DamageWarning, DivergenceWarning):
        show_in_a_line(kind)
    try:
        app()
    except InputError as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("stopped", code=130)
    except BrokenPipeError:  # the reader of a pipe has left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        fail(f"{error.filename or 'the disk'}: {error.strerror or error}")
    except Exception as error:
        # TensorFlow has errors of its own for a full disk, missing permissions, and files that change while it reads.
        if type(error).__name__ in ("ResourceExhaustedError", "PermissionDeniedError", "DataLossError"):
            fail(str(error.message).splitlines()[0])
        raise

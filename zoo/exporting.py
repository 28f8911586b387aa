"""Export: a SavedModel that a stock TF Serving loads. Strings in, strings out, no Python."""

import os
import shutil
import tempfile
from pathlib import Path

import tensorflow as tf

from keras_textgen.errors import InputError
from zoo import serving_files
from zoo.quantizing import quantized


def export(model, directory, *, quantize: str | None = None) -> Path:
    """Writes the next version of a model, as `directory/<version>/`, and returns that folder.

    It appears whole or not at all: a server that polls the folder never sees half a version. Every function of
    `model.signatures()` becomes a signature of that name; "serving_default" is `generate`. A version holds requests to
    warm up with, `batching_params.pbtxt` and its card, `README.md`; beside the versions stands `models.config`.

    Args:
        quantize: "float16", "bfloat16" or "int8" keeps the weights in fewer bytes; see `zoo.quantizing`.

    Raises:
        InputError: if the model has no vocabulary yet, there is no such kind of weights, or the folder cannot be
            written.
    """
    model.require_weights()
    directory = Path(directory)
    name = directory.resolve().name
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Not a number, so a server passes over it; in the same folder, so that the renaming is atomic.
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=directory))
    except OSError as error:
        raise InputError(f"{directory} cannot be written: {error.strerror or error}") from error
    try:
        folder = unfinished / "saved_model"
        write(model, folder, quantize)
        requests = serving_files.examples(model)
        serving_files.write_warm_up(requests, name, folder)
        (folder / "batching_params.pbtxt").write_text(serving_files.BATCHING, encoding="utf-8")
        (folder / "README.md").write_text(serving_files.card(model, name, quantize, requests), encoding="utf-8")
        place = publish(folder, directory)
        configuration = unfinished / "models.config"
        configuration.write_text(serving_files.config(name, versions(directory)), encoding="utf-8")
        configuration.replace(directory / "models.config")
        return place
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "message", None) or error
        raise InputError(f"{directory} cannot be written: {reason}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def write(model, folder: Path, quantize: str | None) -> None:
    """Writes one SavedModel: the functions, the weights they use, the tokenizer's tables."""
    functions = model.functions_to_export()
    module = tf.Module()
    module.tokenizer = model.tokenizer
    module.weights = [weight.value for weight in model.weights]
    with quantized(module.weights, quantize) as module.small:
        tf.saved_model.save(module, folder, {"serving_default": functions["generate"], **functions})


def publish(folder: Path, directory: Path) -> Path:
    """Moves a finished SavedModel to the next free version number and returns its new place."""
    folder.chmod(0o755)
    while True:
        place = directory / str(max(versions(directory), default=0) + 1)
        try:
            os.rename(folder, place)
            return place
        except OSError:
            if not place.exists():  # not a race for the number with another export
                raise


def versions(directory: Path) -> list[int]:
    """The numbers that are taken in a folder of versions."""
    return [int(entry.name) for entry in directory.iterdir() if entry.name.isdecimal()]

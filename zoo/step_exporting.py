"""Export of the step by which a model writes, for phones and programs without TensorFlow: LiteRT and ONNX."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
from keras_textgen.text import SPECIAL_TOKENS, START
from zoo.silence import silence
from zoo.step_card import card
from zoo.step_formats import FORMATS, Format, NotConverted
from zoo.step_functions import ATTRIBUTES, LATENTS, LOGITS, TOKENS, StepFunctions

STEPS = 8  # so many are compared
TOLERANCE = 1e-3  # of logits, and of what the state holds


def export_step(model, directory, form: str, *, batch_size: int = 1) -> Path:
    """Writes the step by which a model writes, in float32, to a new folder, and returns it.

    Beside `step.tflite`, or `start.onnx` and `step.onnx`, stand the tokens by their ids (`tokens.json`), what 64 texts
    can be written from where a model needs that (`latents.npy`), and `README.md` with the inputs, the outputs and a
    loop in Python. Before the folder appears, what its files answer is compared with the model.

    Args:
        form: "litert" or "onnx".
        batch_size: how many texts a step goes on with at once.

    Raises:
        InputError: if the model has no vocabulary yet, the format is unknown, not installed, lacks an operation or
            answers otherwise, the folder holds something or cannot be written, or `batch_size` is out of range.
    """
    if form not in FORMATS:
        raise unknown("format of a step", form, FORMATS)
    writer = FORMATS[form]
    batch_size = whole(1, 1024, batch_size=batch_size)
    model.require_weights()
    try:
        writer.require()
    except ImportError as error:
        raise InputError(f'{error.name} is missing: pip install "keras-textgen[{form}]"') from error
    directory = Path(directory)
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise InputError(f"{directory} is there already; name a new folder")
        directory.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=directory.parent))
    except OSError as error:
        raise InputError(f"{directory} cannot be written: {error.strerror or error}") from error
    try:
        write(StepFunctions(model, batch_size), writer, unfinished)
        unfinished.chmod(0o755)
        os.rename(unfinished, directory)
    except OSError as error:
        raise InputError(f"{directory} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return directory


def write(functions: StepFunctions, writer: Format, folder: Path) -> None:
    """Writes all files, and asks them; raises `InputError`."""
    name = type(functions.model).__name__
    try:
        writer.write(functions, folder)
    except NotConverted as error:
        reason = f"{writer.title} {error}, so it cannot have the step of {name}"
        raise InputError(f"{reason}; export it without --step, as a SavedModel") from error
    with silence():
        largest = largest_difference(functions, writer.load(folder))
    if not largest <= TOLERANCE:
        raise InputError(
            f"{writer.title} computes the step of {name} otherwise, by up to {largest:.2g}: nothing is left"
        )
    if functions.latents is not None:
        np.save(folder / "latents.npy", functions.latents)
    tokens = json.dumps(tokens_of(functions.model.tokenizer), ensure_ascii=False)
    (folder / "tokens.json").write_text(tokens + "\n", encoding="utf-8")
    (folder / "README.md").write_text(card(functions, writer), encoding="utf-8")


def largest_difference(functions: StepFunctions, found: dict) -> float:
    """By how much what the files give differs from what the model does, over a few steps with tokens at random."""
    draws, size = np.random.default_rng(0), functions.batch_size
    given = {}
    if functions.latents is not None:
        given[LATENTS] = np.resize(functions.latents, [size, *functions.latents.shape[1:]])
    if len(functions.model.attributes):
        sizes = [len(values) for values in functions.model.attributes.values.values()]
        given[ATTRIBUTES] = draws.integers(0, sizes, [size, len(sizes)], np.int32)
    ours, theirs = run(functions, "start", given), found["start"](**given)
    differences = [difference(ours, theirs)]
    for place in range(min(STEPS, functions.model.sequence_length)):
        tokens = draws.integers(START, functions.model.tokenizer.vocabulary_size, size, np.int32)
        tokens = np.full(size, START, np.int32) if place == 0 else tokens
        ours = run(functions, "step", {TOKENS: tokens, **ours})
        theirs = found["step"](**{TOKENS: tokens, **theirs})
        differences.append(difference(ours, theirs))
        ours, theirs = (next_state(answer) for answer in (ours, theirs))
    return float(np.max(differences))


def run(functions: StepFunctions, name: str, inputs: dict) -> dict:
    """What a function of the model gives, as arrays."""
    given = [inputs[key] for key in functions.inputs[name]]
    return {key: value.numpy() for key, value in functions.functions[name](*given).items()}


def next_state(answer: dict) -> dict:
    """The state that the next step takes, from the answer of a step."""
    return {name.removeprefix("next_"): value for name, value in answer.items() if name != LOGITS}


def difference(ours: dict, theirs: dict) -> float:
    """The largest between arrays of the same names; NaN if one holds that, infinite for other names or shapes."""
    if {name: value.shape for name, value in ours.items()} != {name: np.shape(value) for name, value in theirs.items()}:
        return np.inf
    with np.errstate(invalid="ignore"):
        parts = [np.abs(np.subtract(ours[name], theirs[name], dtype=np.float64)) for name in ours]
    return float(np.max([np.max(part) for part in parts]))


def tokens_of(tokenizer) -> list[str]:
    """The tokens by their ids; bytes as "<0x41>"."""
    if tokenizer.vocabulary is None:
        return [*SPECIAL_TOKENS, *(f"<0x{value:02X}>" for value in range(256))]
    return [*SPECIAL_TOKENS, *tokenizer.vocabulary]

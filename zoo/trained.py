"""Trained models that come with the package: a `.keras` file and a card each, under `zoo/trained_models/<model>/`.

The card says what the file's checksum is, so that a damaged or exchanged file is refused. The weights are kept in half
precision and compressed; Keras reads them into the precision of the model.
"""

import hashlib
import io
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from keras_textgen.errors import InputError

FOLDER = Path(__file__).parent / "trained_models"


def names(model: str) -> list[str]:
    """The presets of a model that come with weights."""
    return sorted(path.stem for path in (FOLDER / model).glob("*.json"))


def card(model: str, preset: str) -> dict:
    """What is known of a trained model: `data`, `command`, `seed`, `figures`, `licence`, `sha256` and so on."""
    return json.loads((FOLDER / model / f"{preset}.json").read_text(encoding="utf-8"))


def file_of(model: str, preset: str) -> Path:
    """The file of a trained model that comes with the package.

    Raises:
        InputError: if it is missing, or is not the one that its card was written for.
    """
    path = FOLDER / model / f"{preset}.keras"
    try:
        whole = checksum(path) == card(model, preset)["sha256"]
    except (OSError, ValueError, KeyError, TypeError):  # either file is missing or damaged
        whole = False
    if not whole:
        raise InputError(f"{path} is missing or is not the file of its card; install the package again")
    return path


def save(model, preset: str, name: str, facts: dict, folder: Path = FOLDER) -> Path:
    """Adds a trained model to the package; returns the place of its file.

    Args:
        model: of the zoo, trained.
        name: the model's name in the zoo.
        facts: what its card says of it.
    """
    place = folder / name / f"{preset}.keras"
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        full, small = Path(scratch) / "full.keras", Path(scratch) / "small.keras"
        optimizer, model.optimizer = model.optimizer, None  # its state would be two thirds of the file
        try:
            model.save(full)
        finally:
            model.optimizer = optimizer
        compress(full, small)
        shutil.copyfile(small, place.with_suffix(".unfinished"))
    os.replace(place.with_suffix(".unfinished"), place)
    facts = {**facts, "sha256": checksum(place), "bytes": place.stat().st_size}
    place.with_suffix(".json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return place


def compress(full: Path, small: Path) -> None:
    """Copies a `.keras` file, its weights in half precision and both packed."""
    with zipfile.ZipFile(full) as archive, zipfile.ZipFile(small, "w", zipfile.ZIP_LZMA) as packed:
        for entry in archive.namelist():
            content = archive.read(entry)
            packed.writestr(entry, halved(content) if entry.endswith(".h5") else content)


def halved(content: bytes) -> bytes:
    """An HDF5 file with its single precision numbers in half precision, in an order that packs well."""
    import h5py
    import numpy as np

    result = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as weights, h5py.File(result, "w") as half:

        def copy(path, item):
            if isinstance(item, h5py.Dataset):
                values = item[()]
                values = values.astype(np.float16) if values.dtype == np.float32 else values
                made = half.create_dataset(path, data=values, shuffle=True if values.ndim and values.size else None)
            else:
                made = half.require_group(path)
            made.attrs.update(item.attrs)

        half.attrs.update(weights.attrs)
        weights.visititems(copy)
    return result.getvalue()


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

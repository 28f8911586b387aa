"""Models and their versions on the disk."""

import os
from pathlib import Path

from keras_textgen.errors import InputError

LARGEST = 2**63 - 1  # the highest version that there can be


def find_models(base: Path) -> dict[str, dict[int, Path]]:
    """The folders of versions by model and number. A base that holds versions itself is one model of its own name.

    Raises:
        InputError: if the base cannot be listed.
    """
    try:
        inside = sorted(entry for entry in base.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"{base} cannot be served: {error.strerror or error}") from error
    if versions := numbered(inside):
        return {base.resolve().name: versions}
    found = {}
    for folder in inside:
        try:
            found[folder.name] = numbered(sorted(entry for entry in folder.iterdir() if entry.is_dir()))
        except OSError:  # one folder that cannot be read does not keep the others from being served
            found[folder.name] = {}
    return found


def numbered(folders) -> dict[int, Path]:
    """Those whose names are version numbers."""
    found = {int(folder.name): folder for folder in folders if folder.name.isascii() and folder.name.isdigit()}
    return {number: folder for number, folder in found.items() if number <= LARGEST}


def files(folder: Path) -> tuple:
    """The files below a folder with their sizes and times; another answer later means that somebody writes there."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                known = os.stat(os.path.join(place, name))
            except OSError:
                continue
            found.append((os.path.join(place, name), known.st_size, known.st_mtime_ns))
    return tuple(sorted(found))

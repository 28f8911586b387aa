"""Files that are there whole or not at all: each is written beside its place and moved there."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from keras_textgen.errors import InputError

UNFINISHED = ".unfinished-"  # begins the name of a file that is being written; the suffix says what it is
LONGEST = 2**26  # bytes of a JSON file


def in_place(path: Path, write: Callable[[Path], object]) -> None:
    """Has a file written so that it is never seen half written: `write` is told the path that it is to write to."""
    unfinished = path.with_name(f"{UNFINISHED}{path.name}")
    try:
        write(unfinished)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def write_atomically(path: Path, text: str) -> None:
    """Writes a text file so that it is never seen half written."""
    in_place(path, lambda unfinished: unfinished.write_bytes(text.encode("utf-8")))


def read_json(path: Path) -> dict:
    """A JSON file of the run; `InputError` names the file if it is missing or damaged."""
    try:
        with path.open(encoding="utf-8") as file:
            return json.loads(file.read(LONGEST))
    except FileNotFoundError:
        raise InputError(f"there is no {path}; is {path.parent} a run folder?") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path} is damaged: it is not JSON") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def sha256(path: Path, advance: Callable[[int], None] = lambda size: None) -> str:
    """The SHA-256 of a file, in hexadecimal digits; `advance` is told the bytes of each piece that was read."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            found.update(piece)
            advance(len(piece))
    return found.hexdigest()

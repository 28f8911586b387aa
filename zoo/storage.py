"""Loading models that were saved with `model.save("name.keras")`."""

import json
import os
import re
import warnings
import zipfile
import zlib
from pathlib import Path

from keras_textgen.errors import InputError, unknown
from zoo import trained

# Of a .keras file: its parts by name, and how large they can be. Weights packed as tightly as those that come with the
# package expand 5 times.
MEMBER = re.compile(r"(config|metadata)\.json|model\.weights\.h5|assets/[\w./-]*")
MOST_EXPANSION, SMALL, MOST_TEXT = 100, 2**20, 2**27


def load(path, *, compile: bool = True):
    """Loads a model from a `.keras` file, the final model of a run folder, or one that comes with the package, as
    "lstm_vae/reviews".

    Args:
        compile: whether the optimizer is loaded, too, with what it remembers. Without it loading is faster; the model
            has the optimizer that it would be built with.

    Raises:
        InputError: if there is no such file, it is damaged or truncated, or it holds no model of the zoo.
    """
    path = find(path)
    config = read_config(path)
    import keras

    from keras_textgen.models.text_model import TextModel

    module = str(config.get("module"))
    import_registered(module)
    try:
        with warnings.catch_warnings():
            # What comes with the package has no state of an optimizer: training starts with a new one.
            warnings.filterwarnings("ignore", message="Skipping variable loading for optimizer")
            model = keras.saving.load_model(path, compile=compile, safe_mode=True)
    except Exception as error:  # Keras raises many kinds for a foreign or damaged file
        raise InputError(f"{path} cannot be loaded: {first_line(error)}") from error
    if not isinstance(model, TextModel):
        raise InputError(f"{path} holds a {type(model).__name__}, not a model of the zoo")
    return model


def import_registered(module: str) -> None:
    """Imports the module of a registered model, so that Keras knows its class; no other module is touched."""
    import importlib

    from zoo.registry import list_models, spec

    if module in {spec(name).entry_point.partition(":")[0] for name in list_models()}:
        importlib.import_module(module)


def find(path) -> Path:
    """The `.keras` file at a path, in the run folder at that path, or of the trained model of that name."""
    name, _, preset = str(path).partition("/")
    path = Path(path)
    try:
        if not path.exists() and preset in trained.names(name):
            return trained.file_of(name, preset)
        if path.is_dir():
            if not (path / "model.keras").is_file():
                raise InputError(
                    f"{path} is a folder without a model.keras; give a run that has finished, or a .keras file"
                )
            path = path / "model.keras"
        if not path.is_file() and trained.names(name) and not path.parent.is_dir():
            raise unknown(f"trained {name}", preset, trained.names(name))
        if not path.is_file():
            raise InputError(f"there is no file {path}; give a .keras file or a run folder")
        if not os.access(path, os.R_OK):
            raise InputError(f"{path} cannot be read: no permission")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    return path


def read_config(path: Path) -> dict:
    """The configuration inside a `.keras` file, after a check of what the archive declares, and of all of it against
    its checksums. Keras itself refuses links and shapes beyond what is stored in the weights."""
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty; it is no model")
    try:
        with zipfile.ZipFile(path) as archive:
            require_plain(path, archive)
            damaged = archive.testzip()
            if damaged is not None:
                raise InputError(f"{path} is damaged: {damaged} in it does not match its checksum")
            config = json.loads(archive.read("config.json"))
            stored = sum(entry.file_size for entry in archive.infolist()) // 2  # numbers, of at least two bytes
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise InputError(f"{path} is no .keras file, or a truncated one") from None
    except InputError:
        raise
    except (KeyError, RecursionError, ValueError):
        raise InputError(f"{path} is an archive, but no .keras file") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    if not isinstance(config, dict):
        raise InputError(f"{path} is an archive, but no .keras file")
    require_sizes(path, config.get("config"), stored)
    return config


def require_plain(path: Path, archive: zipfile.ZipFile) -> None:
    """Raises `InputError` unless an archive holds what a `.keras` file does, under the names that it has there, and
    unpacks to no more than its size allows."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    strange = next((name for name in names if not MEMBER.fullmatch(name) or ".." in name.split("/")), None)
    if strange is not None or len(set(names)) < len(names):
        raise InputError(f"{path} is an archive, but no .keras file: it holds {strange or 'a name twice'!r}")
    unpacked, most = sum(entry.file_size for entry in entries), path.stat().st_size * MOST_EXPANSION + SMALL
    of_text = max((entry.file_size for entry in entries if entry.filename.endswith(".json")), default=0)
    if unpacked > most or of_text > MOST_TEXT:
        raise InputError(f"{path} claims to unpack to {unpacked:,} bytes, which no model of its size does")


def require_sizes(path: Path, config, stored: int) -> None:
    """Raises `InputError` where a configuration has a layer wider than the numbers that are stored, which would be made
    before anybody sees that its weights are missing."""
    widths = config.items() if isinstance(config, dict) else ()
    for name, value in widths:
        for width in value if isinstance(value, list) else [value]:
            if str(name).endswith(("_dim", "_dims")) and isinstance(width, (int, float)) and width > stored:
                raise InputError(f"{path} claims a {name} of {width:,}, and holds no weights of that size")


def first_line(error: BaseException) -> str:
    """An exception in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__

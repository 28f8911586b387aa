"""Data sets by name: Hugging Face `datasets` ("hf:") and TensorFlow Datasets ("tfds:"), read as streams."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from keras_textgen.errors import InputError, unknown
from training.corpora.lines import ignore
from training.corpora.records import clean_example, column
from training.corpora.sources import Source

PARTS = {"train": ("train",), "valid": ("validation", "valid", "dev"), "test": ("test",)}


class Rows(Source):
    """The rows of one part of a data set.

    Args:
        name: as it was asked for.
        part: the name of the part in the data set.
        features: for each column, what turns its values into texts, or None.
        read: gives the rows, each a dictionary by column.
    """

    def __init__(self, name: str, part: str, features: dict, read: Callable[[], Iterable[dict]], text, labels, version):
        self.name, self.part, self.features, self.read, self.version = name, part, features, read, version
        self.text = column(f"{name}, {part}", features, text)
        self.labels = [column(f"{name}, {part}", features, label) for label in labels]

    def examples(self, advance=ignore):
        found = False
        try:
            for number, row in enumerate(self.read(), 1):
                given = {label: self.shown(label, row[label]) for label in self.labels}
                yield clean_example(
                    f"{self.name}, {self.part}, row {number}", self.shown(self.text, row[self.text]), given
                )
                found = True
        except InputError:
            raise
        except Exception as error:  # these libraries raise kinds of their own for what is damaged or out of reach
            raise failed(self.name, error) from error
        if not found:
            raise InputError(f"{self.name}, {self.part}: holds no texts")

    def shown(self, name: str, value):
        if self.features[name] is not None:
            return self.features[name](value)
        return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value

    def identity(self):
        return [self.name, self.part, self.version]


def open_named(kind: str, name: str, text, labels: Sequence[str]) -> Source:
    """The data set of a name, or in a local folder; its own parts "valid" and "test" stand in `parts`.

    Raises InputError if the package is missing, or the data set can't be loaded or has no train part.
    """
    if not name:
        raise InputError(f"{kind}: needs a name, as in {kind}:imdb_reviews")
    title = f"{kind}:{name}"
    found, version = {"hf": hugging_face, "tfds": tensorflow_datasets}[kind](title, name)
    sources = {}
    for part, names in PARTS.items():
        own = next((one for one in names if one in found), None)
        if own is not None:
            sources[part] = Rows(title, own, *found[own], text, labels, version)
    if "train" not in sources:
        raise unknown(f"part of {title}", "train", found)
    source = sources.pop("train")
    source.parts = sources
    return source


def hugging_face(title: str, name: str) -> tuple[dict, str]:
    """For each part its features and what reads it, from "name" or "name:config", or a folder: of `save_to_disk`, or
    of files."""
    datasets = imported("datasets", title, "hf")
    try:
        if any((Path(name) / mark).is_file() for mark in ("dataset_dict.json", "state.json")):
            found = datasets.load_from_disk(name)
        else:
            path, _, config = name.partition(":")
            found = datasets.load_dataset(path, config or None, streaming=True)
    except Exception as error:
        raise failed(title, error) from error
    parts = dict(found) if isinstance(found, dict) else {"train": found}
    opened = {}
    for part, rows in parts.items():
        features = rows.features or dict.fromkeys(next(iter(rows), {}))
        shown = {column: getattr(feature, "int2str", None) for column, feature in features.items()}
        opened[part] = shown, lambda rows=rows: iter(rows)
    return opened, str(next(iter(parts.values())).info.version)


def tensorflow_datasets(title: str, name: str) -> tuple[dict, str]:
    """The same for "name", "name/config", "name/config:version", or a folder that a builder has written."""
    tfds = imported("tensorflow_datasets", title, "tfds")
    try:
        local = Path(name).is_dir()
        builder = tfds.builder_from_directory(name) if local else tfds.builder(name)
        if not local:
            builder.download_and_prepare()
    except Exception as error:
        raise failed(title, error) from error
    shown = {
        column: getattr(feature, "int2str", None) if hasattr(feature, "num_classes") else None
        for column, feature in builder.info.features.items()
    }

    def read(part):
        return lambda: tfds.as_numpy(builder.as_dataset(split=part, shuffle_files=False))

    return {part: (shown, read(part)) for part in builder.info.splits}, str(builder.info.version)


def imported(module: str, title: str, extra: str):
    """A package that only these data sets need."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.replace("_", "-")
        raise InputError(f'{title}: needs {package}; install it with: pip install "keras-textgen[{extra}]"') from None


def failed(title: str, error: Exception) -> InputError:
    """The one line for whatever such a library raises."""
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return InputError(f"{title}: can't be loaded: {reason}")

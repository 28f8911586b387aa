"""Models by name: registered lazily, built with every hyper-parameter checked.

Other packages add their own through the entry-point group `keras_textgen.models`:

    [project.entry-points."keras_textgen.models"]
    my_vae = "my_package.my_module:MyVAE"
"""

import dataclasses
import fnmatch
import functools
import importlib
import importlib.metadata
import inspect
import types
import typing
import warnings
from collections.abc import Mapping

from keras_textgen.errors import InputError, unknown
from zoo import trained
from zoo.storage import load

ENTRY_POINTS = "keras_textgen.models"


@dataclasses.dataclass(frozen=True)
class ModelSpec:
    """What the zoo knows of a model before it is imported.

    Attributes:
        name: the name that `zoo.build` takes.
        entry_point: "module:Class" of a `keras_textgen.models.text_model.TextModel`.
        summary: one line on what it is.
        source: the paper.
        epochs: passes over the texts that a training takes unless told otherwise.
        presets: named sets of hyper-parameters.
    """

    name: str
    entry_point: str
    summary: str = ""
    source: str = ""
    epochs: int = 30
    presets: Mapping[str, Mapping[str, object]] = dataclasses.field(default_factory=dict)

    def load(self) -> type:
        """Imports the class (and TensorFlow with it).

        Raises:
            InputError: if it cannot be imported, or is no `TextModel`.
        """
        from keras_textgen.models.text_model import TextModel

        module, _, name = self.entry_point.partition(":")
        try:
            model = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise InputError(f"model {self.name!r} cannot be imported from {self.entry_point!r}: {error}") from error
        if not (isinstance(model, type) and issubclass(model, TextModel)):
            raise InputError(f"model {self.name!r}: {self.entry_point!r} is not a TextModel")
        return model

    @property
    def hyperparameters(self) -> dict[str, inspect.Parameter]:
        """Every keyword of the model with its type and default; imports the class."""
        found = {}
        for base in self.load().__mro__:
            if base.__module__.split(".")[0] == "keras" or "__init__" not in vars(base):
                continue
            for parameter in inspect.signature(base.__init__).parameters.values():
                if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                    found.setdefault(parameter.name, parameter)
        return found


_registered: dict[str, ModelSpec] = {}


def register(
    name: str, entry_point: str, *, summary: str = "", source: str = "", epochs: int = 30, presets=None
) -> ModelSpec:
    """Adds a model to the zoo.

    Args:
        name: lower-case letters, digits and underscores.
        entry_point: "module:Class"; imported when the model is first built.
        summary, source: a line each, for `textgen models`.
        epochs: passes over the texts that a training takes unless told otherwise.
        presets: named sets of hyper-parameters.

    Raises:
        InputError: if the name is taken or not well formed, or the entry point is no "module:Class".
    """
    if not (name.isidentifier() and name == name.lower()):
        raise InputError(f"a model's name is lower-case letters, digits and underscores, not {name!r}")
    if name in _registered:
        raise InputError(f"a model named {name!r} is registered already ({_registered[name].entry_point})")
    if not all(entry_point.partition(":")):
        raise InputError(f"an entry point is written 'module:Class', not {entry_point!r}")
    _registered[name] = ModelSpec(name, entry_point, summary, source, epochs, presets or {})
    return _registered[name]


@functools.cache
def _from_other_packages() -> dict[str, ModelSpec]:
    found = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        if point.name in _registered:
            warnings.warn(f"model {point.name!r} of {point.value!r} is left out: the zoo has that name", stacklevel=2)
        else:
            found[point.name] = ModelSpec(point.name, point.value, summary=f"from {point.value.split(':')[0]}")
    return found


def _models() -> dict[str, ModelSpec]:
    return {**_from_other_packages(), **_registered}


def list_models(pattern: str = "*") -> list[str]:
    """Names of the models that match a wildcard pattern, in alphabetical order."""
    return sorted(fnmatch.filter(_models(), pattern))


def list_presets(name: str) -> list[str]:
    """Names of a model's presets: those that are hyper-parameters alone, and those that are trained."""
    return sorted({*spec(name).presets, *trained.names(name)})


def spec(name: str) -> ModelSpec:
    """What the zoo knows of a model.

    Raises:
        InputError: if there is no model of that name; it suggests the nearest.
    """
    models = _models()
    if name not in models:
        raise unknown("model", name, models)
    return models[name]


def build(name: str, /, *, texts=None, tokenizer=None, preset: str | None = None, **hyperparameters):
    """Builds a model: compiled, and with weights as soon as it has a vocabulary.

    Args:
        name: one of `list_models()`.
        texts: strings to learn the vocabulary from; without them the first `fit` does it.
        tokenizer: "words" (the default), "characters", "wordpiece", "bytes", or a `keras_textgen.text.Tokenizer`.
        preset: one of `list_presets(name)`: hyper-parameters for a purpose, over which keywords given here go; or a
            trained model that comes with the package, as it is.
        **hyperparameters: of the model; see `spec(name).hyperparameters`.

    Returns:
        A `keras_textgen.models.text_model.TextModel`.

    Raises:
        InputError: if a name is unknown or a value is of the wrong type or out of range.
    """
    model_spec = spec(name)
    if preset in trained.names(name):
        if texts is not None or tokenizer is not None or hyperparameters:
            raise InputError(f"the preset {preset!r} of {name} is trained: it takes no texts, tokenizer or settings")
        return load(f"{name}/{preset}")
    if preset is not None:
        if preset not in model_spec.presets:
            raise unknown(f"preset of {name}", preset, list_presets(name))
        hyperparameters = {**model_spec.presets[preset], **hyperparameters}
    check(name, hyperparameters, model_spec.hyperparameters)
    model = model_spec.load()(tokenizer, **hyperparameters)
    return model if texts is None else model.learn(texts)


KERAS_KEYWORDS = ("name", "dtype")


def check(name: str, given: Mapping[str, object], known: Mapping[str, inspect.Parameter]) -> None:
    """Refuses hyper-parameters that the model does not have, or of the wrong type."""
    for key, value in given.items():
        if key in KERAS_KEYWORDS:
            continue
        if key not in known:
            raise unknown(f"hyper-parameter of {name}", key, known)
        expected = known[key].annotation
        if expected is not inspect.Parameter.empty and not fits(value, expected):
            if typing.get_origin(expected) is typing.Literal:
                raise unknown(f"{key} of {name}", value, typing.get_args(expected))
            kind = expected.__name__ if isinstance(expected, type) else str(expected)
            raise InputError(f"{key} of {name} must be of type {kind}, not {value!r}")


def fits(value: object, expected) -> bool:
    """Whether a value is of an annotated type: whole numbers pass for floats, truth values for nothing else."""
    if typing.get_origin(expected) in (typing.Union, types.UnionType):
        return any(fits(value, option) for option in typing.get_args(expected))
    if typing.get_origin(expected) is typing.Literal:
        return value in typing.get_args(expected)
    expected = typing.get_origin(expected) or expected
    if not isinstance(expected, type):
        return True  # an annotation that cannot be checked here, such as a name in quotation marks
    if isinstance(value, bool):
        return expected in (bool, object)
    return isinstance(value, (int, float) if expected is float else expected)

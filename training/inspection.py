"""What a trained model does with texts: what it writes, what comes back, and how its latent space lies."""

import dataclasses

import numpy as np

from keras_textgen.errors import InputError
from keras_textgen.metrics import exact_match
from training import corpora
from training.comparison import Run
from training.corpora import Texts
from training.evaluation import normalized
from training.run_config import RunConfig
from training.run_folder import RunFolder

MAPPED = 1000  # texts on the map of latent space
VALUES = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # that a dimension is walked through
DIMENSIONS = 6  # that are walked
PATHS = 4  # interpolations
STEPS = 7  # of an interpolation
WITHOUT_MODEL = "the samples are those of the training, there is no model to ask"
WITHOUT_TEXTS = "the samples are those of the training, there are no held-out texts to show the model"


@dataclasses.dataclass
class HeldOut:
    """Texts that a model was not trained on.

    Attributes:
        texts: with the labels that the model is told.
        labels: all that the corpus knows, one list of labels a name.
    """

    texts: Texts
    labels: dict[str, list[str]]

    def told(self, num: int) -> dict[str, list[str]]:
        """The labels of the first `num` texts; from the start again where there are not so many."""
        return self.texts.take([place % len(self.texts) for place in range(num)]).labels


@dataclasses.dataclass
class LatentMap:
    """Codes of texts on the plane in which they spread most.

    Attributes:
        points: `float [n, 2]`.
        shares: of the whole variance, by axis: `float [2]`.
        texts: `n` strings; labels: of these, by name.
    """

    points: np.ndarray
    shares: np.ndarray
    texts: list[str]
    labels: dict[str, list[str]]


@dataclasses.dataclass
class Traversal:
    """A text's code with one of its dimensions walked through `values`, and the text that each decodes to."""

    dimension: str
    own_value: float
    values: list[float]
    texts: list[str]


@dataclasses.dataclass
class Interpolation:
    """The texts that decode on the way from the code of one text to that of another."""

    start: str
    end: str
    texts: list[str]


@dataclasses.dataclass
class Inspection:
    """What is seen of one run; a part that does not apply is empty, and `notes` say why."""

    samples: list[str] = dataclasses.field(default_factory=list)
    reconstructions: list[tuple[str, str, bool]] = dataclasses.field(default_factory=list)  # text, what came back, same
    latent_map: LatentMap | None = None
    walked: tuple[str, str] = ("", "")  # the text whose code is walked, and what comes back of it as it is
    traversals: list[Traversal] = dataclasses.field(default_factory=list)
    interpolations: list[Interpolation] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)


def inspect(run: Run, num: int = 10, seed: int = 0) -> Inspection:
    """Looks at the model of a run; what cannot be had of it is told in the notes.

    Args:
        num: samples, and texts to reconstruct.
        seed: of the samples.
    """
    import zoo

    try:
        model = zoo.load(run.path)
    except InputError as error:
        return Inspection(samples=last_samples(run, num), notes=[f"{WITHOUT_MODEL}: {error}"])
    try:
        return inspect_model(model, load_held_out(RunConfig.of(RunFolder.open(run.path))), num, seed)
    except InputError as error:
        return Inspection(samples=last_samples(run, num), notes=[f"{WITHOUT_TEXTS}: {error}"])


def inspect_model(model, held_out: HeldOut, num: int, seed: int) -> Inspection:
    """All that applies to a model."""
    seen = Inspection(samples=model.generate(num, seed=seed, attributes=held_out.told(num)))
    if not hasattr(model, "reconstruct"):
        return seen
    seen.reconstructions = reconstructions(model, held_out, num)
    labels = held_out.texts.labels if model.encoder_is_told else None
    codes = model.encode(list(held_out.texts), labels=labels)
    seen.latent_map = latent_map(codes, held_out)
    if seen.latent_map is None:
        seen.notes.append("no map of latent space: too few texts, or all have one code")
    seen.walked, seen.traversals = traversals(model, codes, held_out)
    seen.interpolations = interpolations(model, held_out)
    return seen


def load_held_out(config: RunConfig, num: int = MAPPED) -> HeldOut:
    """The first `num` test texts of a run's corpus; `InputError` if it cannot be read."""
    if config.data in corpora.list_corpora():
        test = corpora.load(config.data, seed=config.seed).test
        pairs = (attribute.partition("=") for attribute in config.attributes)
        told = Texts(test, {name: test.labels[column or name] for name, _, column in pairs})
    else:
        test = told = config.load_corpus().test
    first = range(min(num, len(test)))
    return HeldOut(told.take(first), test.take(first).labels)


def last_samples(run: Run, num: int) -> list[str]:
    """The first of the texts that a run wrote last while it was trained."""
    places = sorted((run.path / "samples").glob("epoch-*.txt"))
    return places[-1].read_text(encoding="utf-8", errors="replace").splitlines()[:num] if places else []


def reconstructions(model, held_out: HeldOut, num: int) -> list[tuple[str, str, bool]]:
    """Texts as the tokenizer writes them, what comes back of each, and whether that is the same."""
    texts = held_out.texts.take(range(min(num, len(held_out.texts))))
    pairs = zip(normalized(model, texts), model.reconstruct(list(texts), attributes=texts.labels), strict=True)
    return [(text, back, exact_match([text], [back]) == 1.0) for text, back in pairs]


def latent_map(codes: np.ndarray, held_out: HeldOut) -> LatentMap | None:
    """The plane of the largest variance of the codes `[n, …]` (principal components); None where there is none."""
    from sklearn.decomposition import PCA

    flat = codes.reshape(len(codes), -1).astype(np.float64)
    if min(flat.shape) < 2 or not np.isfinite(flat).all() or not flat.var(axis=0).any():
        return None
    components = PCA(2, svd_solver="full").fit(flat)
    points, shares = components.transform(flat), components.explained_variance_ratio_
    return LatentMap(points, shares, list(held_out.texts), held_out.labels)


def traversals(model, codes: np.ndarray, held_out: HeldOut) -> tuple[tuple[str, str], list[Traversal]]:
    """The first text with what comes back of it, and walks through those of its code's dimensions that vary most over
    the codes `[n, …]`.

    A dimension takes the `VALUES` one after the other, while the others stay. Under a prior these are standard
    deviations of it; the codes of a model that has none are measured in standard deviations from their own mean.
    """
    flat = codes.reshape(len(codes), -1)
    varied = flat.var(axis=0)
    dimensions = np.argsort(-varied, kind="stable")[:DIMENSIONS]
    own = not hasattr(model, "latent_statistics")
    walks = np.repeat(flat[:1], len(dimensions) * len(VALUES) + 1, axis=0)
    for place, dimension in enumerate(dimensions):
        rows = slice(1 + place * len(VALUES), 1 + (place + 1) * len(VALUES))
        centre, scale = (flat[:, dimension].mean(), varied[dimension] ** 0.5) if own else (0.0, 1.0)
        walks[rows, dimension] = centre + scale * np.asarray(VALUES)
    told = {name: values * len(walks) for name, values in held_out.told(1).items()}
    texts = model.decode(walks.reshape(-1, *codes.shape[1:]), attributes=told)
    found = []
    for place, dimension in enumerate(dimensions):
        first = 1 + place * len(VALUES)
        values = walks[first : first + len(VALUES), dimension].tolist()
        name, own_value = name_of_dimension(dimension, codes.shape[1:]), float(flat[0, dimension])
        found.append(Traversal(name, own_value, values, texts[first : first + len(VALUES)]))
    return (held_out.texts[0], texts[0]), found


def name_of_dimension(number: int, shape) -> str:
    """A dimension of a latent of that shape: `[latent]`, or `[words, latent]`."""
    *words, dimension = np.unravel_index(number, shape)
    return "".join(f"word {word + 1}, " for word in words) + f"dimension {dimension + 1}"


def interpolations(model, held_out: HeldOut) -> list[Interpolation]:
    """Ways between the first texts, two by two; what they are told is that of the text at the start."""
    num = min(PATHS, len(held_out.texts) // 2)
    if num == 0:
        return []
    starts = held_out.texts.take(range(0, 2 * num, 2))
    ends = held_out.texts.take(range(1, 2 * num, 2))
    ways = model.interpolate(list(starts), list(ends), STEPS, attributes=starts.labels)
    return [Interpolation(*found) for found in zip(starts, ends, ways, strict=True)]

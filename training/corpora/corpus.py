"""What a corpus is: three lists of texts, each with labels where there are any."""

from collections.abc import Iterable, Mapping, Sequence


class Texts(list[str]):
    """A list of texts. `labels` maps the name of an attribute to one label a text; {} where there are none."""

    def __init__(self, texts: Iterable[str] = (), labels: Mapping[str, Iterable[str]] | None = None):
        """Raises ValueError where an attribute doesn't have one label a text."""
        super().__init__(texts)
        self.labels: dict[str, list[str]] = {name: list(values) for name, values in (labels or {}).items()}
        for name, values in self.labels.items():
            if len(values) != len(self):
                raise ValueError(f"{len(values)} labels {name!r} for {len(self)} texts")

    def take(self, indices: Iterable[int]) -> "Texts":
        """The texts at `indices`, in that order, with their labels."""
        indices = list(indices)
        labels = {name: [values[index] for index in indices] for name, values in self.labels.items()}
        return Texts((self[index] for index in indices), labels)


class Corpus:
    """The texts to train on (`train`), to choose by (`valid`) and to measure on (`test`), under a `name`.

    `vocabulary` holds all words that the texts are made of where the corpus states them, otherwise it is None.
    """

    vocabulary: Sequence[str] | None = None
    shards = None  # the training texts of a corpus that is not in memory

    def __init__(self, name: str, train: Texts, valid: Texts, test: Texts, vocabulary: Sequence[str] | None = None):
        self.name = name
        if vocabulary is not None:  # a subclass may have set its own
            self.vocabulary = vocabulary
        self.train = train
        self.valid = valid
        self.test = test

    @property
    def values_of_attributes(self) -> dict[str, list[str]]:
        """The values of each attribute that the training texts have."""
        from keras_textgen.attributes import Attributes

        return Attributes.learn(self.train.labels).get_config() or {}

    def all(self) -> Texts:
        """The texts of all three parts, with their labels."""
        parts = [self.train, self.valid, self.test]
        labels = {name: [label for part in parts for label in part.labels[name]] for name in self.train.labels}
        return Texts((text for part in parts for text in part), labels)

    def __repr__(self) -> str:
        sizes = f"{len(self.train):,} train, {len(self.valid):,} valid, {len(self.test):,} test"
        return f"{type(self).__name__}({self.name!r}: {sizes})"

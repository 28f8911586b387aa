"""Corpora that are read into memory as a whole."""

from keras_textgen.errors import InputError
from training.corpora.corpus import Corpus, Texts
from training.corpora.sources import Source, open_source
from training.corpora.splitting import held_out

IN_MEMORY = 256 << 20  # bytes of texts; a larger corpus is prepared, and then read from the disk
HELD_OUT = 100_000  # texts that are read of the own validation or test part of a data set


class TooLarge(InputError):
    """Texts that should not be held in memory."""


def load_source(source: Source, parts: dict[str, Source], split_seed: int) -> Corpus:
    """Reads a corpus; what `parts` ("valid", "test") and the source's own parts do not have is split off it.

    Raises InputError for whatever can't be read; TooLarge where that is over `IN_MEMORY`.
    """
    train = read_all(source)
    read = read_parts(source, parts)
    wanted = [part for part in ("valid", "test") if part not in read]
    split = held_out(len(train), wanted, split_seed, source.name)
    read.update({part: train.take(places) for part, places in split.items()})
    left_out = {place for places in split.values() for place in places}
    train = train.take(place for place in range(len(train)) if place not in left_out)
    return Corpus(source.name, train=train, **read, vocabulary=source.words)


def read_parts(source: Source, parts: dict[str, Source]) -> dict[str, Texts]:
    """The validation and test texts that are sources of their own."""
    own = {name: read_all(part, HELD_OUT) for name, part in source.parts.items() if name not in parts}
    return {**own, **{name: read_all(part) for name, part in parts.items()}}


def read_texts(source, text=None, labels=(), vocabulary=None) -> Texts:
    """All texts of what `source` names, with the labels in the columns asked for; the options of `open_source`."""
    return read_all(open_source(source, text, labels, vocabulary))


def read_all(source: Source, most: int | None = None) -> Texts:
    """All texts of a source with their labels, or the first `most`."""
    hint = f"prepare it first: textgen prepare {source.name} --out FOLDER, and train with --data FOLDER"
    large = TooLarge(f"{source.name}: holds over {IN_MEMORY >> 20} MB, too much for the memory; {hint}")
    if source.size is not None and source.size > IN_MEMORY:
        raise large
    texts, labels, size = [], {}, 0
    for text, given in source.examples():
        texts.append(text)
        for name, value in given.items():
            labels.setdefault(name, []).append(value)
        size += len(text)
        if size > IN_MEMORY:
            raise large
        if len(texts) == most:
            break
    return Texts(texts, labels)

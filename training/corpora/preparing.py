"""`prepare`: from texts of any size to a folder of shards (see prepared.py), in constant memory and resumable.

A first pass counts and checks all texts, and draws those that are held out and a sample; from the sample (or from all
training texts, in a pass of its own) the tokenizer learns its vocabulary. A last pass writes the shards. After a kill
in between, the finished shards are verified and kept.
"""

import dataclasses
import itertools
import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_textgen.checks import whole
from keras_textgen.errors import InputError
from training.corpora.corpus import Texts
from training.corpora.files import read_parts
from training.corpora.lines import ignore
from training.corpora.prepared import FORMAT, INDEX, PLAN, PreparedCorpus
from training.corpora.sources import Source
from training.corpora.splitting import MOST, Lottery, part_size
from training.corpora.tokenizing import new_tokenizer
from training.run_folder import RunFolder
from training.whole_files import UNFINISHED, read_json, sha256, write_atomically

BATCH = 2048  # texts that are tokenized together
SAMPLE_KEPT = 50_000  # texts of the sample that stay in the folder
SAMPLE_CHARACTERS = 64 << 20  # of all texts of the sample
MOST_VALUES = 1_000  # of an attribute

# Told the stage, how much of it is done, and of how much (None where nobody knows).
Watch = Callable[[str, int, int | None], None]


@dataclasses.dataclass
class Options:
    """What `prepare` makes, beside what it reads.

    Attributes:
        tokenizer, vocabulary_size, tokenizer_options: what `new_tokenizer` takes.
        sample: training texts, drawn uniformly, that the tokenizer learns from (and at most 64 MB of them); 0 for all.
        max_tokens: kept of a text.
        shard_texts: texts of a shard.
        split_seed: of the texts that are held out, and of the sample.
    """

    tokenizer: str | dict = "words"
    tokenizer_options: dict = dataclasses.field(default_factory=dict)
    vocabulary_size: int = 10_000
    sample: int = 200_000
    max_tokens: int = 512
    shard_texts: int = 200_000
    split_seed: int = 0

    def __post_init__(self):
        new_tokenizer(self.tokenizer, self.vocabulary_size, self.tokenizer_options)
        whole(0, sample=self.sample)
        whole(0, split_seed=self.split_seed)
        for name in ("vocabulary_size", "max_tokens", "shard_texts"):
            whole(1, **{name: getattr(self, name)})


class Preparation:
    """One corpus on its way into a folder.

    Args:
        source: of the training texts, with the labels that are kept.
        parts: sources of "valid" and "test"; what is missing is split off.
        names: of the attributes, by the label that they are read from.
        folder: to write to.
        options: of what is made.
        watch: told of the progress.
    """

    def __init__(self, source: Source, parts: dict[str, Source], names: Mapping, folder, options, watch: Watch):
        self.source, self.parts, self.names = source, parts, dict(names)
        self.folder, self.options, self.watch = Path(folder), options, watch
        self.identity = {
            "source": source.identity(),
            "parts": {name: part.identity() for name, part in sorted(parts.items())},
            "attributes": self.names,
            "options": dataclasses.asdict(options),
        }

    def run(self) -> PreparedCorpus:
        """Prepares the corpus, or what of it is not there yet.

        Raises:
            InputError: for whatever can't be read, and if the folder holds something else.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with RunFolder(self.folder).locked():
                if not self.finished():
                    plan = self.plan()
                    self.finish(plan, self.write_shards(plan))
        except InputError:
            if {entry.name for entry in self.folder.iterdir()} <= {".lock", PLAN}:  # nothing came of it
                shutil.rmtree(self.folder)
            raise
        return PreparedCorpus(self.folder)

    def finished(self) -> bool:
        """Whether there is nothing to do; refuses a folder of something else."""
        for name in (INDEX, PLAN):
            if (self.folder / name).exists():
                there, asked = read_json(self.folder / name)["identity"], json.loads(json.dumps(self.identity))
                if there != asked:
                    same = all(there[key] == asked[key] for key in ("source", "parts"))
                    what = "other options" if same else "another source, or an earlier state of it"
                    raise InputError(f"{self.folder}: was prepared from {what}; give another --out, or remove it")
                if name == INDEX:
                    self.tidy()
                return name == INDEX
        if any(entry.name != ".lock" and not entry.name.startswith(UNFINISHED) for entry in self.folder.iterdir()):
            raise InputError(f"{self.folder}: holds something else; give another --out")
        return False

    # The first pass

    def plan(self) -> dict:
        """What the first pass found out; from the folder, if it was done before."""
        if (self.folder / PLAN).exists() and "texts" in (plan := read_json(self.folder / PLAN)):
            return plan
        write_atomically(self.folder / PLAN, json.dumps({"identity": self.identity}) + "\n")
        wanted = [part for part in ("valid", "test") if part not in self.parts and part not in self.source.parts]
        own = {name: self.pairs_of(texts) for name, texts in read_parts(self.source, self.parts).items()}
        num, drawn, sample, values = self.survey(len(wanted))
        size = part_size(num, len(wanted), self.source.name)
        split = {part: sorted(drawn[at * size : (at + 1) * size]) for at, part in enumerate(wanted)}
        left_out = {number for pairs in split.values() for number, _ in pairs}
        sample = [(number, pair) for number, pair in sample if number not in left_out]
        tokenizer = self.learn_tokenizer(sample, left_out)
        held_out = own | {part: [pair for _, pair in drawn] for part, drawn in split.items()}
        for name, pairs in held_out.items():
            self.write_pairs(name, pairs)
        self.write_pairs("sample", [pair for _, pair in sorted(sample[:SAMPLE_KEPT])])
        plan = {
            "identity": self.identity,
            "tokenizer": tokenizer,
            "attributes": {name: sorted(values[name]) for name in sorted(values)},
            "texts": num - len(left_out),
            "left_out": sorted(left_out),
        }
        write_atomically(self.folder / PLAN, json.dumps(plan) + "\n")
        return plan

    def survey(self, num_parts: int) -> tuple[int, list, list, dict]:
        """Reads all texts once: their number, those of the lowest draws in the lottery of the split and in that of the
        sample (each as its number and its pair), and the values of the attributes."""
        split = Lottery(self.options.split_seed, num_parts * MOST)
        seed = self.options.split_seed + 2**32  # no other lottery has it
        sample = Lottery(seed, self.options.sample or SAMPLE_KEPT, SAMPLE_CHARACTERS)
        values = {name: set() for name in self.names}
        read = 0

        def advance(size):
            nonlocal read
            read += size
            self.watch("reading", read, self.source.size)

        for pair in self.pairs(advance):
            split.offer(pair)
            sample.offer(pair, len(pair[0]))
            for name, value in pair[1].items():
                values[name].add(value)
                if len(values[name]) > MOST_VALUES:
                    raise InputError(f"{self.source.name}: the attribute {name!r} has over {MOST_VALUES:,} values")
        return split.offered, split.lowest(), sample.lowest(), values

    def pairs(self, advance=ignore) -> Iterator[tuple[str, dict[str, str]]]:
        """The texts of the source with their attributes."""
        for text, labels in self.source.examples(advance):
            yield text, {name: labels[str(column)] for name, column in self.names.items()} if labels else labels

    def pairs_of(self, texts: Texts) -> list[tuple[str, dict[str, str]]]:
        """The same of texts in memory."""
        columns = {name: texts.labels[str(column)] for name, column in self.names.items()}
        return [(text, {name: columns[name][at] for name in columns}) for at, text in enumerate(texts)]

    def training_texts(self, left_out) -> Iterator[tuple[str, dict[str, str]]]:
        """The pairs that are not held out."""
        left_out = set(left_out)
        return (pair for number, pair in enumerate(self.pairs()) if number not in left_out)

    def learn_tokenizer(self, sample: list, left_out: set[int]) -> dict:
        """A tokenizer that has learned from the sample, or from all training texts; as Keras serializes it."""
        import keras

        tokenizer = new_tokenizer(
            self.options.tokenizer, self.options.vocabulary_size, self.options.tokenizer_options, self.source.words
        )
        if not tokenizer.ready:
            self.watch("learning the vocabulary", 0, None)
            drawn = (text for _, (text, _) in sorted(sample))
            tokenizer.learn(drawn if self.options.sample else (text for text, _ in self.training_texts(left_out)))
        serialized = keras.saving.serialize_keras_object(tokenizer)
        serialized["config"]["name"] = "tokenizer"  # Keras numbers its layers; the index shall not change
        return serialized

    def write_pairs(self, name: str, pairs) -> None:
        lines = "".join(json.dumps(pair) + "\n" for pair in pairs)
        write_atomically(self.folder / f"{name}.jsonl", lines)

    # The last pass

    def write_shards(self, plan: dict) -> list[dict]:
        """Writes the shards that are not there yet; what the index says of each."""
        from training.corpora.shards import shard_name

        texts, size = self.training_texts(plan["left_out"]), self.options.shard_texts
        encode, states = self.encoder(plan), []
        for number in range(math.ceil(plan["texts"] / size)):
            part = itertools.islice(texts, size)
            path = self.folder / shard_name(number)
            state = self.kept(path)
            if state is None:
                state = self.write_shard(path, part, encode, plan["texts"], number * size)
            else:
                for _ in part:  # reading past them is cheap beside tokenizing
                    pass
            states.append(state)
            self.watch("writing", min(plan["texts"], (number + 1) * size), plan["texts"])
        return states

    def kept(self, path: Path) -> dict | None:
        """What the index says of a shard that is finished and as it was written."""
        place = path.with_suffix(".json")
        if not (path.exists() and place.exists()):
            return None
        state = read_json(place)
        return state if state["sha256"] == sha256(path) else None

    def write_shard(self, path: Path, part, encode: Callable, total: int, done: int) -> dict:
        from training.corpora.shards import write_shard

        counts = Counter()

        def batches():
            written = done
            while batch := list(itertools.islice(part, BATCH)):
                yield encode(batch, counts)
                written += len(batch)
                self.watch("writing", written, total)

        state = write_shard(path, batches())
        lengths = {int(name): count for name, count in counts.items() if name != "cut"}
        state |= {"texts": sum(lengths.values()), "cut": counts["cut"]}
        state["lengths"] = [lengths.get(length, 0) for length in range(max(lengths) + 1)]
        write_atomically(path.with_suffix(".json"), json.dumps(state) + "\n")
        return state

    def encoder(self, plan: dict) -> Callable:
        """From pairs to records; it counts their lengths, and under "cut" those that are too long."""
        import keras
        import tensorflow as tf

        from keras_textgen.attributes import Attributes
        from training.corpora.shards import dtype_of, pack

        tokenizer = keras.saving.deserialize_keras_object(plan["tokenizer"])
        attributes = Attributes(plan["attributes"])
        dtype = dtype_of(tokenizer.vocabulary_size)
        tokenize = tf.function(tokenizer.tokenize, [tf.TensorSpec([None], tf.string)], autograph=False)

        def encode(pairs: Sequence, counts: Counter) -> list[bytes]:
            ids = tokenize(tf.constant([text for text, _ in pairs]))
            numbers = attributes.numbers(
                {name: [labels[name] for _, labels in pairs] for name in attributes.values}, len(pairs)
            )
            counts["cut"] += int(np.sum(ids.row_lengths() > self.options.max_tokens))
            ids = ids[:, : self.options.max_tokens]
            counts.update(ids.row_lengths().numpy().tolist())
            return pack(ids, numbers, dtype)

        return encode

    def finish(self, plan: dict, shards: list[dict]) -> None:
        """Writes the index, which makes the corpus one that can be read, and removes what led to it."""
        import keras

        from training.corpora.shards import dtype_of, what_index_says

        lengths = [
            sum(counts) for counts in itertools.zip_longest(*(shard.pop("lengths") for shard in shards), fillvalue=0)
        ]
        texts_in = [self.folder / f"{part}.jsonl" for part in ("sample", "valid", "test")]
        tokenizer = keras.saving.deserialize_keras_object(plan["tokenizer"])
        index = {
            "format": FORMAT,
            "name": self.source.name,
            "texts": plan["texts"],
            "tokens": sum(length * count for length, count in enumerate(lengths)),
            "cut": sum(shard["cut"] for shard in shards),
            "dtype": dtype_of(tokenizer.vocabulary_size),
            "shards": shards,
            "texts_in": [what_index_says(path) for path in texts_in],
            "lengths": lengths,
            "options": self.identity["options"],
            **{name: plan[name] for name in ("identity", "attributes", "tokenizer")},
        }
        write_atomically(self.folder / INDEX, json.dumps(index) + "\n")
        self.tidy()

    def tidy(self) -> None:
        """Removes what only an unfinished corpus needs."""
        for pattern in (PLAN, "train-*.json", f"{UNFINISHED}*"):
            for path in self.folder.glob(pattern):
                path.unlink()

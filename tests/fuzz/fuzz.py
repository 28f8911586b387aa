"""Coverage-guided fuzzing of whatever reads files of strangers; no part of the suite.

pip install atheris && python tests/fuzz/fuzz.py corpora -max_total_time=300      # also tables, counts, checkpoints,
                                                                                 # models, tokenizers
A reader may give a result or raise `InputError` with one line; anything else is a finding, which atheris keeps in a
file that `python tests/fuzz/fuzz.py corpora FILE` tries again. Further options are libFuzzer's.
"""

import io
import os
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import atheris

with atheris.instrument_imports(include=["training", "zoo", "keras_textgen"]):
    from keras_textgen.errors import InputError
    from keras_textgen.text import TOKENIZERS
    from training.checkpoints import checked
    from training.corpora.files import read_texts
    from training.harmless import harmless, harmless_json
    from training.run_folder import RunFolder
    from training.whole_files import read_json
    from zoo.storage import read_config

FOLDER = Path(tempfile.mkdtemp())
WORDS = FOLDER / "vocabulary.txt"
WORDS.write_text("apple 1\nPear 2\nplum 3\n")


def corpora(data: bytes) -> None:
    """Texts and JSON-lines; the first byte says which."""
    suffix = (".txt", ".jsonl")[data[0] % 2]
    found = read_texts(written(data[1:], suffix), text="text" if suffix == ".jsonl" and data[0] > 127 else None)
    assert len(found) > 0 and all(text.strip() == text and "\n" not in text for text in found)
    assert harmless(harmless_json(list(found))) == harmless_json(list(found))


def tables(data: bytes) -> None:
    """CSV and TSV with a label."""
    found = read_texts(written(data[1:], (".csv", ".tsv")[data[0] % 2]), data[0] % 3, labels=[(data[0] >> 4) % 3])
    assert all(len(labels) == len(found) for labels in found.labels.values())


def counts(data: bytes) -> None:
    """Word counts, or their vocabulary."""
    if data[0] % 2:
        read_texts(written(data[1:], ".feat"), vocabulary=WORDS)
    else:
        read_texts(written(b"1 1:2 3:1\n", ".feat"), vocabulary=written(data[1:], ".words"))


def checkpoints(data: bytes) -> None:
    """A run folder whose files are the parts of the data."""
    path = FOLDER / "run"
    folder = RunFolder(path)
    folder.checkpoints.path.mkdir(parents=True, exist_ok=True)
    names = ("state.json", "epoch-0001.json", "interrupted.json", "epoch-0001.keras")
    for name, content in zip(names, data.split(b"\xff\xff"), strict=False):
        folder.checkpoint(name).write_bytes(content)
    state = read_json(folder.checkpoint("state.json"))
    assert checked(state) is None or "/" not in state["latest"]
    folder.checkpoints.interrupted(1)
    folder.recover()
    assert folder.state() is None or folder.checkpoints.is_whole(folder.state()["latest"], folder.state())


def models(data: bytes) -> None:
    """A `.keras` file up to where Keras reads it."""
    read_config(written(data, ".keras"))


TOKENIZERS_TRIED = {name: TOKENIZERS[name]() for name in ("words", "characters", "bytes")}


def tokenizers(data: bytes) -> None:
    """Texts there and back; the first byte says by which tokenizer."""
    tokenizer = list(TOKENIZERS_TRIED.values())[data[0] % 3]
    if not tokenizer.ready:
        tokenizer.learn(["the soup was cold.", "Crème 饭!"])
    ids = tokenizer([data[1:].decode("utf-8", "surrogateescape" if data[0] > 127 else "replace")]).numpy()
    assert ids.min() >= 0 and ids.max() < tokenizer.vocabulary_size
    tokenizer.detokenize(ids).numpy()[0].decode("utf-8")


def written(data: bytes, suffix: str) -> Path:
    """A file of these bytes."""
    path = FOLDER / f"given{suffix}"
    path.write_bytes(data)
    return path


def seeds(target) -> list[bytes]:
    """Good input, for atheris to start from."""
    if target is not models:
        record = b'{"epoch": 1, "latest": "epoch-0001.keras", "best": null, "best_value": 1.5, "lowered": 0}'
        return [
            *(bytes([first]) + b'text\tb\nhow "are"\tyou\n' for first in (0, 1, 2, 3, 128, 255)),
            b'\x01{"text": "hello", "label": 1}\n"more"\n',
            b"\x01" + b"1 1:2 3:1\n2 2:4\n",
            b"\xff\xff".join([record, record, b'{"epoch": 1, "step": 3, "metrics": [1.0]}', b"PK"]),
        ]
    import zipfile

    small = io.BytesIO()
    with zipfile.ZipFile(small, "w") as archive:
        archive.writestr("config.json", '{"module": "m", "class_name": "C", "config": {"hidden_dim": 3}}')
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", b"\x89HDF" + b"\0" * 50)
    return [small.getvalue()]


def main() -> None:
    targets = (corpora, tables, counts, checkpoints, models, tokenizers)
    target = next((one for one in targets if one.__name__ == (sys.argv[1:] or [""])[0]), None)
    if target is None:
        sys.exit(f"give one of: {', '.join(one.__name__ for one in targets)}")
    warnings.simplefilter("ignore")

    def one_input(data: bytes) -> None:
        try:
            target(data or b"\0")
        except InputError as error:
            assert "\n" not in str(error), error

    given = FOLDER / "seeds"
    given.mkdir()
    for number, seed in enumerate(seeds(target)):
        (given / str(number)).write_bytes(seed)
    atheris.Setup([sys.argv[0], *sys.argv[2:], *([] if has_files() else [str(given)])], one_input)
    atheris.Fuzz()


def has_files() -> bool:
    """Whether an input to try again was given."""
    return any(not argument.startswith("-") for argument in sys.argv[2:])


if __name__ == "__main__":
    main()

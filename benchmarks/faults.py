"""What becomes of a run when something breaks: each fault is injected into real trainings of a tiny model, and the run
is then resumed and held against one that nothing happened to.

python benchmarks/faults.py --out faults.json     # and faults.md beside it; about 20 minutes on a core

Every training is a process of its own, forked from one that has loaded TensorFlow but not used it. As root the full
disk is a small tmpfs of its own (elsewhere a limit on the size of files), and the folder without permission belongs to
somebody else.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import platform
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow

import keras_textgen.models  # noqa: F401
from keras_textgen.errors import InputError
from training import corpora, trainer
from training.callbacks import KeepRun  # noqa: F401
from training.interruption import Stopped
from training.run_folder import RunFolder

NOBODY = 65534
EPOCHS = 6
FORK = multiprocessing.get_context("fork")
FAULTS = {}


def fault(name):
    """Registers a function `(place, whole) -> what was seen` under the name of its fault; an assertion that fails in it
    is a fault that was not borne."""

    def register(function):
        FAULTS[name] = function
        return function

    return register


class Watch(keras.callbacks.Callback):
    """Calls a function at the end of every batch or epoch of a training, with how many there were and the model."""

    def __init__(self, batch=None, epoch=None):
        super().__init__()
        self.batch, self.epoch, self.batches = batch, epoch, 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        if self.batch is not None:
            self.batch(self.batches, self.model)

    def on_epoch_end(self, epoch, logs=None):
        if self.epoch is not None:
            self.epoch(epoch + 1, self.model)


def config_of(data: Path, **changes) -> trainer.RunConfig:
    """A run of a second or two."""
    sizes = {"embedding_dim": 8, "hidden_dims": [8], "latent_dim": 4}
    few = {"validation_texts": 20, "validation_samples": 1, "samples_every": 1000, "epochs": EPOCHS}
    return trainer.RunConfig("dense_vae", str(data), hyperparameters=sizes, **{**few, **changes})


def train(place: Path, whole: Path, watch=None, before=None, **changes):
    """Starts or resumes the run in `place` in a process of its own.

    Args:
        watch: a Keras callback of it.
        before: is called in the process before the training.
        changes: of the configuration.

    Returns:
        How it ended ("finished", "stopped", or the line that it ended with) and the warnings, or None if it was killed.
    """
    answers = FORK.Queue()

    def body():
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        data = Path(RunFolder.open(whole).config()["data"]) if whole.exists() else place.parent / "data.txt"
        config = config_of(**{"data": data, **changes})
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                if before is not None:
                    before()
                callbacks = [] if watch is None else [watch]
                trainer.start_or_resume(config, place, lambda *_: callbacks)
                ended = "finished"
            except Stopped:
                ended = "stopped"
            except (InputError, OSError) as error:
                ended = f"{type(error).__name__}: {error}"
        named = [str(one.message) for one in warned if one.category.__module__.startswith("training")]
        answers.put((ended, named))
        answers.close()
        answers.join_thread()
        os._exit(0)

    process = FORK.Process(target=body)
    process.start()
    process.answers = answers
    return process


def ended(process, limit: float = 300):
    """Waits for a training of `train`."""
    process.join(limit)
    if process.is_alive():
        process.kill()
        raise AssertionError(f"it did not end within {limit:.0f} s")
    return process.answers.get(timeout=5) if process.exitcode == 0 else None


def same(place: Path, whole: Path) -> str:
    """Asserts that a run has ended as the one that nothing happened to has; says so."""
    ours, theirs = (RunFolder.open(path) for path in (place, whole))
    assert ours.metrics.read_bytes() == theirs.metrics.read_bytes(), "the metrics differ"
    for one, other in zip(weights(ours), weights(theirs), strict=True):
        assert np.array_equal(one, other), "the weights differ"
    return "metrics and weights bit for bit those of the undisturbed run"


def weights(folder: RunFolder) -> list:
    """All numbers in the latest checkpoint: weights and what the optimizer remembers."""
    import io
    import zipfile

    import h5py

    found = []
    with zipfile.ZipFile(folder.checkpoint(folder.state()["latest"])) as archive:
        content = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
        content.visititems(lambda _, item: found.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    return found


def half_way(place: Path, whole: Path, epochs: int = 4) -> RunFolder:
    """A run that was killed behind its fourth epoch."""
    die = Watch(batch=lambda batch, _: batch > epochs * STEPS + 2 and os.kill(os.getpid(), signal.SIGKILL))
    assert ended(train(place, whole, die)) is None
    folder = RunFolder.open(place)
    assert folder.state()["epoch"] == epochs
    return folder


STEPS = 7


def damage(content):
    """A fault: the latest checkpoint becomes what a function makes of its content."""

    def inject(place, whole):
        folder = half_way(place, whole)
        path = folder.checkpoint(folder.state()["latest"])
        path.write_bytes(content(path.read_bytes()))
        how, said = ended(train(place, whole))
        assert how == "finished" and "damaged or truncated; going on from epoch 3" in said[0], (how, said)
        return f"said so, went on from epoch 3; {same(place, whole)}"

    return inject


fault("truncated checkpoint")(damage(lambda content: content[: len(content) // 2]))
fault("one flipped bit in a checkpoint")(damage(lambda c: c[:5000] + bytes([c[5000] ^ 1]) + c[5001:]))


@fault("damaged state.json")
def state_damaged(place, whole):
    folder = half_way(place, whole)
    folder.checkpoint("state.json").write_text('{"epoch": 4, "lat')
    how, said = ended(train(place, whole))
    assert how == "finished" and "going on from epoch 4" in said[0], (how, said)
    return f"made anew from the checkpoints; {same(place, whole)}"


@fault("all checkpoints damaged")
def all_damaged(place, whole):
    folder = half_way(place, whole)
    for path in folder.checkpoint("").glob("*.keras"):
        path.write_bytes(b"")
    how, _ = ended(train(place, whole))
    assert "no other checkpoint is whole" in how, how
    return f"refused: {how}"


@contextlib.contextmanager
def small_disk(place: Path, size: int):
    """A file system of so many bytes at a place; None without the right to mount one."""
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True)
    try:
        yield place if mounted.returncode == 0 else None
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", place], check=True)


@fault("a disk that is too small from the start")
def too_small(place, whole):
    with small_disk(place, 400_000) as disk:
        if disk is None:
            return "not tried: no right to mount"
        taken = []
        how, _ = ended(train(disk / "run", whole, Watch(batch=lambda *_: taken.append(1))))
        assert "make room" in how and not taken, how
        return f"refused before the first step: {how.replace(str(disk), '…')}"


@fault("a disk that fills up in the middle")
def fills_up(place, whole):
    with small_disk(place, 20_000_000) as disk:
        if disk is None:
            return file_limit(place / "run", whole)
        run, filler = disk / "run", disk / "filler"

        def fill(epoch, _):
            if epoch == 2:
                with contextlib.suppress(OSError), filler.open("wb") as file:
                    while True:
                        file.write(b"x" * 4096)

        how, _ = ended(train(run, whole, Watch(epoch=fill)))
        assert how != "finished", how
        state = RunFolder.open(run).state()
        assert state["epoch"] == 2 and RunFolder.open(run).checkpoints.is_whole(state["latest"], state)
        filler.unlink()
        assert ended(train(run, whole))[0] == "finished"
        return f"stopped with one line, epoch 2 kept; with room again: {same(run, whole)}"


def file_limit(place, whole):
    """The same by a limit on the size of files."""
    limit = lambda epoch, _: epoch == 2 and resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))  # noqa: E731
    ignore = lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # noqa: E731
    assert ended(train(place, whole, Watch(epoch=limit), ignore))[0] != "finished"
    assert RunFolder.open(place).state()["epoch"] == 2
    assert ended(train(place, whole))[0] == "finished"
    return f"(by a limit on files) stopped with one line, epoch 2 kept; then: {same(place, whole)}"


@fault("a folder that may not be written")
def read_only(place, whole):
    place.mkdir(mode=0o755)
    taken = []
    how, _ = ended(train(place / "run", whole, Watch(batch=lambda *_: taken.append(1)), somebody_else))
    assert "Permission denied" in how and not taken, how
    return f"refused before the first step: {how.replace(str(place), '…')}"


@fault("permission lost in the middle")
def permission_lost(place, whole):
    place.mkdir()
    os.chown(place, NOBODY if os.getuid() == 0 else -1, -1)
    close = lambda epoch, _: epoch == 2 and (place / "run" / "checkpoints").chmod(0o500)  # noqa: E731
    how, _ = ended(train(place / "run", whole, Watch(epoch=close), somebody_else))
    assert "ermission" in how, how
    (place / "run" / "checkpoints").chmod(0o700)
    assert RunFolder.open(place / "run").state()["epoch"] == 2
    assert ended(train(place / "run", whole, None, somebody_else))[0] == "finished"
    return f"stopped with one line, epoch 2 kept; with permission again: {same(place / 'run', whole)}"


def somebody_else() -> None:
    """Gives up the rights of root, which no permission binds."""
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)


@fault("weights that become no number in one step")
def no_number(place, whole):
    def break_once(batch, model):
        if batch == 2 * STEPS + 3:
            model.trainable_variables[0].assign(model.trainable_variables[0] * np.nan)

    how, said = ended(train(place, whole, Watch(batch=break_once)))
    assert how == "finished" and "back to epoch 2" in said[0], (how, said)
    folder = RunFolder.open(place)
    assert all(np.isfinite(part).all() for part in weights(folder)) and len(folder.history()) == EPOCHS
    return f"said: {said[0]}; finished, no broken model was kept"


@fault("a learning rate that is far too high")
def too_fast(place, whole):
    how, _ = ended(train(place, whole, learning_rate=1e30, decay="none"))
    assert "start again with a lower learning rate" in how, how
    assert not list(RunFolder.open(place).checkpoint("").glob("*.keras"))
    return f"gave up after three tries: {how.split(' (')[0]}"


@fault("the clock jumps back a year")
def clock(place, whole):
    def jump(batch, _):
        if batch == 10:
            now = time.time
            time.time = lambda: now() - 365 * 86400

    assert ended(train(place, whole, Watch(batch=jump)))[0] == "finished"
    return f"nothing: {same(place, whole)}"


@fault("the file of texts is missing when the run goes on")
def missing(place, whole):
    half_way(place, whole)
    data = Path(RunFolder.open(whole).config()["data"])
    data.rename(data.with_suffix(".away"))
    try:
        how, _ = ended(train(place, whole))
    finally:
        data.with_suffix(".away").rename(data)
    assert "no such file" in how, how
    assert ended(train(place, whole))[0] == "finished"
    return f"refused; with the file again: {same(place, whole)}"


@fault("a shard of prepared texts is missing, then has a flipped bit, when the run goes on")
def shard_damaged(place, whole):
    data, undisturbed = place.with_name("prepared"), place.with_name("prepared-run")
    source = RunFolder.open(whole).config()["data"]
    preparing = FORK.Process(target=corpora.prepare, args=(source, data), kwargs={"shard_texts": 100})
    preparing.start()  # a process that has used TensorFlow cannot be forked
    preparing.join()
    assert ended(train(undisturbed, whole, data=data))[0] == "finished"
    die = Watch(batch=lambda batch, _: batch > 2 * STEPS + 2 and os.kill(os.getpid(), signal.SIGKILL))
    assert ended(train(place, whole, die, data=data)) is None
    shard = min(data.glob("*.tfrecord"))
    content = shard.read_bytes()
    shard.unlink()
    missing, _ = ended(train(place, whole, data=data))
    shard.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    damaged, _ = ended(train(place, whole, data=data))
    shard.write_bytes(content)
    assert missing != "finished" and damaged != "finished", (missing, damaged)
    assert ended(train(place, whole, data=data))[0] == "finished"
    lines = "; ".join(line.replace(str(place.parent), "…") for line in (missing, damaged))
    return f"refused: {lines}; with the shard as it was: {same(place, undisturbed)}"


@fault("a second run into the same folder")
def twice(place, whole):
    first = train(place, whole)
    while not (place / "metrics.jsonl").exists():
        time.sleep(0.1)
    how, _ = ended(train(place, whole))
    assert "another run is writing" in how, how
    assert ended(first)[0] == "finished"
    return f"refused; the first: {same(place, whole)}"


def asked(number):
    """A fault: the run is asked to stop by a signal in the middle of its third epoch."""

    def inject(place, whole):
        ask = Watch(batch=lambda batch, _: batch == 2 * STEPS + 3 and os.kill(os.getpid(), number))
        # A shell starts background jobs with SIGINT ignored, and what is ignored stays so.
        heed = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
        assert ended(train(place, whole, ask, heed))[0] == "stopped"
        assert RunFolder.open(place).checkpoints.interrupted(2)["step"] == 3
        assert ended(train(place, whole))[0] == "finished"
        return f"saved at step 3 of epoch 3, exited; {same(place, whole)}"

    return inject


fault("Ctrl-C")(asked(signal.SIGINT))
fault("SIGTERM, as Kubernetes sends it")(asked(signal.SIGTERM))


@fault("kill -9 at a random moment, 50 times")
def killed(place, whole, times=50):
    generator, done, resumed = random.Random(0), 0, 0
    for _ in range(times):
        process = train(place, whole, epochs=EPOCHS * 20)
        time.sleep(generator.uniform(0.1, 20))
        process.kill()
        process.join()
        state = RunFolder(place).state() or {"epoch": 0}
        assert state["epoch"] >= done, "finished epochs were lost"
        resumed += state["epoch"] > done
        done = state["epoch"]
        assert not done or RunFolder(place).checkpoints.is_whole(state["latest"], state), "a damaged checkpoint"
    assert ended(train(place, whole, epochs=EPOCHS * 20), 590)[0] == "finished"
    long = place.with_name("undisturbed")
    assert ended(train(long, whole, epochs=EPOCHS * 20), 590)[0] == "finished"
    return f"{resumed} of {times} got further by at least an epoch, none lost a finished one; {same(place, long)}"


def write(out: Path, results: list[dict]) -> None:
    """Writes what was seen so far as JSON and, beside it, as a table in Markdown."""
    versions = {"python": platform.python_version(), "keras": keras.__version__, "tensorflow": tensorflow.__version__}
    out.write_text(json.dumps({"versions": versions, "results": results}, indent=2) + "\n", encoding="utf-8")
    rows = [f"| {one['fault']} | {one['seen'].replace('|', '/')} |" for one in results]
    out.with_suffix(".md").write_text("\n".join(["| fault | what happened |", "| --- | --- |", *rows]) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="A JSON file; the table goes beside it as .md.")
    parser.add_argument("--only", help="Only the faults with this in their name; what --out has of others stays.")
    arguments = parser.parse_args()
    results = []
    if arguments.only is not None and arguments.out.exists():
        results = json.loads(arguments.out.read_text(encoding="utf-8"))["results"]
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        base.chmod(0o755)
        data = base / "data.txt"
        data.write_text("\n".join(corpora.load("reviews").train[:240]) + "\n", encoding="utf-8")
        whole = base / "whole"
        assert ended(train(whole, whole))[0] == "finished"
        for number, (name, inject) in enumerate(FAULTS.items()):
            if arguments.only is not None and arguments.only not in name:
                continue
            began = time.monotonic()
            try:
                seen, borne = inject(base / f"fault-{number}", whole), True
            except AssertionError as error:
                seen, borne = f"NOT BORNE: {error}", False
            seconds = round(time.monotonic() - began, 1)
            found = {"fault": name, "borne": borne, "seen": seen.replace(str(base), "…"), "seconds": seconds}
            place = next((at for at, one in enumerate(results) if one["fault"] == name), len(results))
            results[place : place + 1] = [found]
            print(f"{name}: {found['seen']} ({seconds} s)", flush=True)
            shutil.rmtree(base / f"fault-{number}", ignore_errors=True)
            write(arguments.out, results)
    sys.exit(not all(one["borne"] for one in results))


if __name__ == "__main__":
    main()

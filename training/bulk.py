"""Jobs of any number of rows: constant memory, resumable, and in shards.

Rows are computed in blocks that begin at multiples of `BLOCK`, whatever the shard, so that a row is the same in all of
them; `PART` rows are a file. All parts lie in the folder `<out>.parts` until they are put together as `<out>`.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from keras_textgen.errors import InputError
from training.row_files import Columns, format_of
from training.run_folder import RunFolder
from training.whole_files import in_place, read_json, write_atomically

BLOCK = 512  # rows that are computed together
PART = 16 * BLOCK

Watch = Callable[[str, int, int], None]


def parse_shard(given: str | None) -> tuple[int, int]:
    """`i/n`, the i-th of n shards, as (i, n); (1, 1) for None.

    Raises:
        InputError: if it is not that.
    """
    number, slash, total = (given or "1/1").partition("/")
    if not (slash and number.isdecimal() and total.isdecimal() and 1 <= int(number) <= int(total)):
        raise InputError(f"--shard takes i/n, as 1/4 for the first of four, not {given!r}")
    return int(number), int(total)


def rows_of_shard(num: int, shard: tuple[int, int]) -> range:
    """The rows of a shard of `num` rows: whole blocks, shards behind each other."""
    number, total = shard
    blocks = -(-num // BLOCK)
    return range(min(num, blocks * (number - 1) // total * BLOCK), min(num, blocks * number // total * BLOCK))


class Job:
    """A file of rows that are computed one block after the other.

    Args:
        out: the file; its suffix says what it is.
        kinds: suffixes that it may have.
        identity: all that the rows depend on, as JSON; a job that goes on must have the same.

    Raises:
        InputError: if the file is there already, or can't be of that kind.
    """

    def __init__(self, out: Path, kinds: tuple[str, ...], identity: dict):
        self.out, self.format, self.identity = out, format_of(out, kinds), identity
        self.folder = out.with_name(f"{out.name}.parts")
        if out.exists():
            raise InputError(f"{out} exists already; remove it, or give another --out")
        if not out.parent.is_dir():
            raise InputError(f"there is no folder {out.parent} for {out.name}")

    def run(self, rows: range, compute: Callable[[int, int], Columns], watch: Watch) -> None:
        """Computes what is not there yet, and puts everything together.

        Args:
            rows: to compute.
            compute: gives the columns of the rows from a first to before a last one; called with rising numbers.

        Raises:
            InputError: if there are no rows, or the parts are of a job that was another.
        """
        if not rows:
            raise InputError(f"{self.out}: the shard has no rows; give fewer shards (of whole blocks of {BLOCK} rows)")
        self.folder.mkdir(exist_ok=True)
        with RunFolder(self.folder).locked():
            parts = self.parts(rows, compute, watch)
            in_place(self.out, lambda path: self.format.join(parts, path))
        shutil.rmtree(self.folder)

    def parts(self, rows: range, compute: Callable, watch: Watch) -> list[Path]:
        """Computes the parts that are not there yet; all of them, in order."""
        self.claim()
        parts = []
        try:
            for first in range(rows.start, rows.stop, PART):
                last = min(first + PART, rows.stop)
                part = self.folder / f"{first:012d}{self.out.suffix}"
                if not part.exists():
                    columns = joined(self.blocks(first, last, rows, compute, watch))
                    in_place(part, lambda path, columns=columns: self.format.write(path, columns))
                parts.append(part)
                watch("writing", last - rows.start, len(rows))
        finally:
            if not parts:  # what failed at once leaves nothing behind
                shutil.rmtree(self.folder)
        return parts

    def claim(self) -> None:
        """Notes what the parts are of, or makes sure that those of before are of the same."""
        place = self.folder / "job.json"
        if place.exists() and read_json(place) != json.loads(json.dumps(self.identity)):
            raise InputError(f"{self.folder} holds parts of another job; remove it, or give another --out")
        write_atomically(place, json.dumps(self.identity) + "\n")

    def blocks(self, first, last, rows, compute, watch) -> Iterator[Columns]:
        for start in range(first, last, BLOCK):
            yield compute(start, min(start + BLOCK, last))
            watch("writing", min(start + BLOCK, last) - rows.start, len(rows))


def joined(blocks: Iterator[Columns]) -> Columns:
    """The columns of blocks behind each other."""
    blocks = list(blocks)
    return {
        name: np.concatenate([block[name] for block in blocks])
        if isinstance(values, np.ndarray)
        else [value for block in blocks for value in block[name]]
        for name, values in blocks[0].items()
    }


def generate(model, out: Path, num: int, identity: dict, shard=(1, 1), watch: Watch = lambda *told: None, **options):
    """Has a model write `num` texts into a file of lines, JSON-lines or Parquet.

    Row k is `model.generate(num, **options)[k]`, in every shard.

    Args:
        identity: what tells the model from others.
        **options: of `generate`, `seed` among them.
    """
    if options.get("seed") is None:
        raise InputError("give --seed with --out, so that the job can go on after an interruption")
    model.wishes(num, options.get("attributes"), options["seed"], options.get("strategy", "sample"), others(options))
    job = Job(out, (".txt", ".jsonl", ".parquet"), {"generate": num, "shard": shard, "options": options, **identity})
    write = lambda first, last: {"text": model.generate(last - first, first_row=first, **options)}  # noqa: E731
    job.run(rows_of_shard(num, shard), write, watch)


def others(options: dict) -> dict:
    """The options that `generate` has no keyword of its own for."""
    return {name: value for name, value in options.items() if name not in ("attributes", "seed", "strategy")}


def encode(
    model, out: Path, read: Callable, identity: dict, shard=(1, 1), watch: Watch = lambda *told: None, labels=None
) -> int:
    """Writes the latents of texts, in their order, into a file of JSON-lines or Parquet beside the texts, or a `.npy`
    file; returns their number, in all shards.

    Args:
        read: gives an iterator over the texts, the same in every call.
        identity: what tells model and texts from others.
        labels: what all texts are told, for a model whose posterior is told that.
    """
    job = Job(out, (".npy", ".jsonl", ".parquet"), {"encode": labels, "shard": shard, **identity})
    num = 0
    for num, _ in enumerate(read(), 1):
        if num % PART == 0:
            watch("counting", num, None)
    texts, position = read(), 0

    def compute(first, last):
        nonlocal position
        block = []
        while position < last:
            text = next(texts)
            if position >= first:
                block.append(text)
            position += 1
        return {"text": block, "latents": model.encode(block, labels=labels)}

    job.run(rows_of_shard(num, shard), compute, watch)
    return num

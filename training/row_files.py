"""Files of many rows, written in parts that are put together at the end: .txt, .jsonl, .parquet, .npy."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_textgen.errors import InputError
from training.corpora.lines import require_pyarrow

# The columns of a part by name: texts as a list of strings, numbers as an array with a row each.
Columns = dict[str, Sequence]
COPIED = 1 << 20  # bytes at a time


def format_of(path: Path, kinds: Sequence[str]):
    """What writes a file of that suffix: the class below.

    Raises:
        InputError: if it is none of `kinds`, or a package for it is missing.
    """
    if path.suffix not in kinds:
        raise InputError(f"{path}: the file must end in {', '.join(kinds[:-1])} or {kinds[-1]}")
    if path.suffix == ".parquet":
        require_pyarrow(path)
    return {".txt": Lines, ".jsonl": JsonLines, ".parquet": Parquet, ".npy": Array}[path.suffix]


class Lines:
    """One text a line; a line break inside a text becomes a space."""

    @staticmethod
    def write(path: Path, columns: Columns) -> None:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(" ".join(text.splitlines()) + "\n" for text in columns["text"])

    @staticmethod
    def join(parts: Sequence[Path], path: Path) -> None:
        with path.open("wb") as file:
            for part in parts:
                with part.open("rb") as source:
                    shutil.copyfileobj(source, file, COPIED)


class JsonLines(Lines):
    """One object a line."""

    @staticmethod
    def write(path, columns):
        values = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()]
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for row in zip(*values, strict=True):
                file.write(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n")


class Parquet:
    """A column each; arrays are flat lists of numbers."""

    @staticmethod
    def write(path, columns):
        import pyarrow
        import pyarrow.parquet

        def column(values):
            if not isinstance(values, np.ndarray):
                return pyarrow.array(values, pyarrow.string())
            flat = np.ascontiguousarray(values.reshape(len(values), -1))
            return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(flat.ravel()), flat.shape[1])

        table = pyarrow.table({name: column(values) for name, values in columns.items()})
        pyarrow.parquet.write_table(table, path, compression="zstd")

    @staticmethod
    def join(parts, path):
        import pyarrow.parquet

        schema = pyarrow.parquet.read_schema(parts[0])
        with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            for part in parts:
                writer.write_table(pyarrow.parquet.read_table(part))


class Array:
    """The one column of numbers, as NumPy saves it."""

    @staticmethod
    def write(path, columns):
        (array,) = (column for column in columns.values() if isinstance(column, np.ndarray))
        with path.open("wb") as file:
            np.save(file, array)

    @staticmethod
    def join(parts, path):
        arrays = [np.load(part, mmap_mode="r") for part in parts]
        rows = sum(map(len, arrays))
        header = {"descr": arrays[0].dtype.str, "fortran_order": False, "shape": (rows, *arrays[0].shape[1:])}
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for array in arrays:
                file.write(array.tobytes())

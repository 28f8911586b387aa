"""The lines of files, compressed or not, a piece at a time: memory does not grow with a file."""

import codecs
import difflib
import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from keras_textgen.errors import InputError

PIECE = 1 << 20  # bytes read at a time
LONGEST = 64 << 20  # bytes of a line; what has no line ends must not fill the memory
COMPRESSED = (".gz", ".zst", ".zstd")

# Told how many bytes of the file on the disk were read since the last time.
Advance = Callable[[int], None]


def ignore(size: int) -> None:
    """An `Advance` for those who don't look."""


def suffix_of(path: Path) -> str:
    """The suffix that says what a file holds: ".csv" of "a.csv" and of "a.csv.gz"."""
    return Path(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def read_lines(path: Path, advance: Advance = ignore) -> Iterator[str]:
    """Yields the lines of a UTF-8 file without their ends (`\\n` or `\\r\\n`) and without a byte-order mark.

    Raises InputError, with the line where there is one, for what can't be read, is damaged, or isn't UTF-8.
    """
    number, first = 1, True
    for data in _whole_lines(path, advance):
        if first:
            data, first = data.removeprefix(codecs.BOM_UTF8), False
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _not_utf8(path, number, data, error.start) from None
        lines = text.replace("\r\n", "\n").split("\n")
        number += len(lines) - 1
        if not lines[-1]:
            lines.pop()
        yield from lines


def _whole_lines(path: Path, advance: Advance) -> Iterator[bytes]:
    """Yields the content of a file in pieces that end where a line ends."""
    rest = []
    for piece in _pieces(path, advance):
        end = piece.rfind(b"\n") + 1
        if end:
            yield b"".join([*rest, piece[:end]])
            rest = []
        rest.append(piece[end:])
        if sum(map(len, rest)) > LONGEST:
            raise InputError(f"{path}: has a line of over {LONGEST >> 20} MB; put one text on a line")
    yield b"".join(rest)


def _pieces(path: Path, advance: Advance) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            unpacked, position = _unpacked(path, file), 0
            while piece := unpacked.read(PIECE):
                advance(file.tell() - position)
                position = file.tell()
                yield piece
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from None


def _unpacked(path: Path, file):
    if path.suffix == ".gz":
        return gzip.GzipFile(fileobj=file)
    if path.suffix in COMPRESSED:
        return require_pyarrow(path).CompressedInputStream(file, "zstd")
    return file


def require_pyarrow(path: Path):
    """The module pyarrow; InputError says how to install it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(f'{path}: needs pyarrow; install it with: pip install "keras-textgen[corpora]"') from None
    return pyarrow


def unreadable(path: Path, error: Exception) -> InputError:
    """The one line for a file that can't be read."""
    if isinstance(error, InputError):
        return error
    if isinstance(error, FileNotFoundError):
        near = difflib.get_close_matches(path.name, siblings(path))
        hint = "did you mean " + " or ".join(map(repr, near)) + "?" if near else "check the path"
        return InputError(f"{path}: no such file; {hint}")
    if path.suffix in COMPRESSED and not getattr(error, "errno", None):
        return InputError(f"{path}: is damaged or cut off ({' '.join(str(error).split())}); fetch or pack it again")
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
    return InputError(f"{path}: can't be read: {reason}")


def siblings(path: Path) -> list[str]:
    """The names beside a path."""
    try:
        return sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return []


def _not_utf8(path: Path, first_line: int, data: bytes, start: int) -> InputError:
    line = first_line + data.count(b"\n", 0, start)
    column = start - (data.rfind(b"\n", 0, start) + 1) + 1
    byte = f"byte {column} of the line is 0x{data[start]:02x}"
    return InputError(f"{path}, line {line}: not UTF-8: {byte}; save the file as UTF-8")

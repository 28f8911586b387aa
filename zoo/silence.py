"""What TensorFlow's libraries and converters print by themselves, kept out of the terminal."""

import contextlib
import os
import sys


@contextlib.contextmanager
def silence():
    """While it holds, nothing reaches the standard error of the process, C++ included."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)

"""What must be there before a report is begun, since a report takes minutes."""

import os
from pathlib import Path

from keras_textgen.errors import InputError


def require_packages() -> None:
    """Raises `InputError` if what draws a report is not installed: a plain installation goes without it."""
    try:
        import jinja2  # noqa: F401
        import plotly.graph_objects  # noqa: F401
    except ImportError as error:
        missing = (error.name or "plotly").partition(".")[0]
        raise InputError(f"a report needs {missing}: pip install 'keras-textgen[report]'") from None


def require_writable(path: Path) -> None:
    """Raises `InputError` if no file can be written there, before anything that takes time is done."""
    folder = path.parent
    if path.is_dir():
        raise InputError(f"{path} cannot be written: it is a folder; give the name of a file")
    if not folder.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{path} cannot be written: no permission in {folder}")

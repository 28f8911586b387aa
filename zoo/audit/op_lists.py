"""Which ops a stock server has: those that the C++ libraries of TensorFlow 2.20 and of 2.21 both run on a CPU.

`lists/<version>.json.gz` has them, as `make_op_lists.py` found them.
"""

import functools
import gzip
import json
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "lists"
TEXT = "text"


class Op(NamedTuple):
    """An op of one version.

    Attributes:
        attributes: the default of each, as `AttrValue` has it in JSON, or None.
        kernel: whether a CPU can run it.
        group: None, "text" (tensorflow-text's), or that of ops that are refused: "xla", "debug", "rpc", "user",
            "experimental datasets".
    """

    attributes: dict
    kernel: bool
    group: str | None

    @property
    def refused(self) -> bool:
        return self.group not in (None, TEXT)


@functools.cache
def versions() -> dict[str, dict[str, Op]]:
    """The ops by name of each version, the oldest version first."""
    found = {}
    for path in sorted(FOLDER.glob("*.json.gz")):
        listed = json.loads(gzip.decompress(path.read_bytes()))
        found[path.name.removesuffix(".json.gz")] = {name: Op(**op) for name, op in listed["ops"].items()}
    return found


def accepted() -> set[str]:
    """The ops that every version runs, and none refuses; tensorflow-text's are among them."""
    return set.intersection(
        *({name for name, op in ops.items() if op.kernel and not op.refused} for ops in versions().values())
    )

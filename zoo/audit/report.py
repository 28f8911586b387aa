"""What an audit finds."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class TensorReport:
    """An input or output of a signature.

    Attributes:
        dtype: its name, such as "string".
        shape: a size an axis, None where any size goes; None where not even the number of axes is known.
        default: the value of an input that may be left out, as lists; None where it may not.
    """

    dtype: str
    shape: list[int | None] | None
    default: object = None


@dataclasses.dataclass(frozen=True)
class SignatureReport:
    """What a signature takes and gives, by name."""

    inputs: dict[str, TensorReport]
    outputs: dict[str, TensorReport]


@dataclasses.dataclass(frozen=True)
class Report:
    """An audited export.

    Attributes:
        path: the folder of the version.
        tensorflow: the version of TensorFlow that wrote it.
        signatures: by name.
        ops: how many nodes of each op there are, in the graph and all its functions; the most frequent first.
        problems: why a stock server would not serve it; each a line that says what is wrong, where, and what to do.
    """

    path: str
    tensorflow: str
    signatures: dict[str, SignatureReport]
    ops: dict[str, int]
    problems: list[str]

    def to_json(self) -> dict:
        """The report as what JSON can hold."""
        return dataclasses.asdict(self)

"""A client of a server of exported models, this package's or the stock one: by REST, or by gRPC."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from keras_textgen.errors import InputError, unknown


class CallError(InputError):
    """A server that cannot be reached, or refuses a call.

    Attributes:
        status: the HTTP status, or the name of the gRPC status; None if there was no answer.
    """

    def __init__(self, message: str, status: int | str | None = None):
        super().__init__(" ".join(message.split()))
        self.status = status


class Input(NamedTuple):
    """What a function takes under a name, by the server's metadata.

    Attributes:
        dtype: as TensorFlow enumerates them: "DT_INT32", "DT_STRING", …
        rank: 0 for one value; None if it is open.
        default: what stands for it where it is left out, as nested lists; None if it has to be given.
    """

    dtype: str
    rank: int | None
    default: Any = None


class Function(NamedTuple):
    """A signature: its inputs by name, and the names of its outputs."""

    inputs: dict[str, Input]
    outputs: list[str]


class Client(ABC):
    """Calls the signatures of the models of a server; a context manager.

    Args:
        timeout: seconds that one attempt may take.
        retries: further attempts, later and later, where a server cannot be reached or says that it is busy.

    Raises:
        InputError: if these are out of range.
    """

    def __init__(self, timeout: float = 60.0, retries: int = 4):
        if not timeout > 0 or retries < 0:
            raise InputError("the timeout must be above 0, and the retries at least 0")
        self.timeout, self.retries = timeout, retries
        self._functions: dict[tuple, dict[str, Function]] = {}

    @abstractmethod
    def read_functions(self, model: str, version: int | None, label: str | None) -> dict[str, Function]:
        """Asks the server for the signatures of a model."""

    @abstractmethod
    def send(self, model, signature, inputs, version, label) -> dict[str, list]:
        """Sends one prediction and returns the outputs by name."""

    @abstractmethod
    def close(self) -> None:
        """Closes the connections."""

    def functions(self, model: str, version: int | None = None, label: str | None = None) -> dict[str, Function]:
        """The signatures of a model by name; the server is asked once.

        Raises:
            CallError: if the server cannot be reached, or has no such model.
        """
        if version is not None and label is not None:
            raise InputError("give a version or a label, not both")
        key = model, version, label
        if key not in self._functions:
            found = self.read_functions(*key)
            self._functions[key] = {name: known for name, known in found.items() if not name.startswith("__")}
        return self._functions[key]

    def function(self, model, signature, version=None, label=None) -> Function:
        """One of them; raises `InputError` if there is none of that name."""
        known = self.functions(model, version, label)
        if signature not in known:
            raise unknown(f"signature of {model}", signature, known)
        return known[signature]

    def predict(self, model, signature="serving_default", inputs=None, *, version=None, label=None) -> dict[str, list]:
        """Calls a signature.

        Args:
            model: its name.
            signature: "generate", "encode", …
            inputs: values by name, lists nested as the tensor is, strings as `str` or `bytes`. Those that have a
                default may be left out.
            version, label: of the model; the highest that is served if both are None.

        Returns:
            The outputs by name, as nested lists; strings as `str`, or as `bytes` where the name ends in `_bytes`.

        Raises:
            CallError: if the server cannot be reached or refuses.
            InputError: if there is no such signature or input, or an input is missing.
        """
        known, inputs = self.function(model, signature, version, label).inputs, dict(inputs or {})
        for name in inputs:
            if name not in known:
                raise unknown(f"input of {signature}", name, known)
        # The stock server wants every input by REST, also those that have a default.
        inputs = {name: known[name].default for name in known if known[name].default is not None} | inputs
        missing = [name for name in known if name not in inputs]
        if missing:
            raise InputError(f"{signature} needs the input {' and '.join(map(repr, missing))}")
        return self.send(model, signature, inputs, version, label)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def connect(url: str, timeout: float = 60.0, retries: int = 4) -> Client:
    """A client of the server at `http://host:port`, or by gRPC at `grpc://host:port`.

    Raises:
        InputError: if the address is neither.
    """
    if url.startswith(("http://", "https://")):
        from zoo.serving.rest_client import RestClient

        return RestClient(url, timeout, retries)
    if url.startswith("grpc://"):
        from zoo.serving.grpc_client import GrpcClient

        return GrpcClient(url, timeout, retries)
    raise InputError(f"the address of a server is http://host:port or grpc://host:port, not {url!r}")

"""The models of a folder: which versions there are, which of them are loaded, and their exchange while requests run."""

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from keras_textgen.errors import unknown
from zoo.serving.folders import files, find_models
from zoo.serving.limits import Refusal
from zoo.serving.servable import Servable

log = logging.getLogger("zoo.serving")
ENDED_KEPT = 10  # versions that are no longer served but still told of, a model


@dataclasses.dataclass
class Version:
    """A version and its state, in the stock server's words.

    Attributes:
        state: LOADING, AVAILABLE, UNLOADING or END.
        error: why it could not be loaded, or "".
        marks: the files of the folder when it was loaded; other ones are a reason to try again.
        servable: what answers, if it is AVAILABLE.
    """

    number: int
    state: str = "LOADING"
    error: str = ""
    marks: tuple = ()
    servable: Servable | None = None


class Repository:
    """Loads what a folder holds, `<base>/<model>/<version>/`, and follows its changes in a thread of its own.

    A version is loaded beside those in service and then put in their place; requests that run keep the version that
    they began on. One that fails to load changes nothing but its own status, until its files change.

    Args:
        base: the folder of all models, or of the versions of one.
        versions: how many of the newest loadable versions of each model are served; None for all.
        labels: `{model: {label: version}}`; these versions are served, too.
        threads: how many requests a version computes at once.
        interval: seconds between two looks at the folder.
        warm_up_seconds: how long a signature may take to be warmed up.

    Raises:
        InputError: if there is no such folder.
    """

    def __init__(
        self,
        base,
        *,
        versions: int | None = 3,
        labels: Mapping[str, Mapping[str, int]] = MappingProxyType({}),
        threads: int = 1,
        interval: float = 0.5,
        warm_up_seconds: float = 60.0,
    ):
        self.base = Path(base)
        self.versions, self.labels = versions, labels
        self.threads, self.interval, self.warm_up_seconds = threads, interval, warm_up_seconds
        self.models: dict[str, dict[int, Version]] = {}
        self.scanned = False
        self._seen: dict[tuple[str, int], tuple] = {}
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._follow, name="versions", daemon=True)
        find_models(self.base)

    def start(self) -> None:
        """Begins to load and to follow."""
        self._thread.start()

    def stop(self, seconds: float = 60.0) -> None:
        """Ends it, after a load that is under way, and unloads everything."""
        self._stopping.set()
        self._thread.join(seconds)
        for name, versions in self.models.items():
            for version in versions.values():
                self._unload(name, version)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                self.scan()
            except Exception as error:  # a folder that cannot be read now, say; what is served stays
                log.error("%s cannot be read: %s", self.base, in_a_line(error))
            self._stopping.wait(self.interval)

    def scan(self) -> None:
        """One look at the folder: loads what is new, unloads what is gone or out of date."""
        found = find_models(self.base)
        for name in [*found, *(name for name in self.models if name not in found)]:
            folders = found.get(name, {})
            while (number := self._next(name, folders)) is not None and not self._stopping.is_set():
                self._load(name, number, folders[number])
            self._clear(name, folders)
        self.scanned = True

    def _next(self, name, folders) -> int | None:
        """The highest version that shall be loaded and is not."""
        for number in self._wanted(name, folders):
            version = self.models.get(name, {}).get(number)
            if version is not None and version.state == "AVAILABLE":
                continue
            marks = files(folders[number])
            # After the start, files that are still being copied must have come to rest.
            settled = not self.scanned or self._seen.get((name, number)) == marks
            self._seen[name, number] = marks
            if settled:
                return number
        return None

    def _wanted(self, name, folders) -> list[int]:
        """Versions that shall be served: the newest that are not known to fail, and those with a label."""
        known = self.models.get(name, {})
        failed = {
            number
            for number, folder in folders.items()
            if number in known and known[number].error and known[number].marks == files(folder)
        }
        newest = [number for number in sorted(folders, reverse=True) if number not in failed]
        labelled = set(self.labels.get(name, {}).values()) & set(newest)
        return sorted({*newest[: self.versions], *labelled}, reverse=True)

    def _load(self, name, number, folder) -> None:
        version = Version(number, marks=files(folder))
        with self._lock:
            self.models.setdefault(name, {})[number] = version
        try:
            servable = Servable(folder, self.threads)
            with contextlib.ExitStack() as failed:
                failed.callback(servable.retire)
                servable.warm_up(self.warm_up_seconds, self._stopping)
                failed.pop_all()
        except Exception as error:  # TensorFlow raises many kinds for a foreign or damaged folder
            with self._lock:
                version.error, version.state = in_a_line(error), "END"
            log.error("%s: version %d cannot be loaded: %s", name, number, version.error)
            return
        with self._lock:
            version.servable, version.state = servable, "AVAILABLE"
        log.info("%s: version %d is in service", name, number)

    def _clear(self, name, folders) -> None:
        """Unloads versions whose folder is gone, and old ones once all that shall be served in their place are."""
        known, wanted = self.models.get(name, {}), self._wanted(name, folders)
        complete = all(number in known and known[number].state == "AVAILABLE" for number in wanted)
        for number, version in sorted(known.items()):
            if version.state == "AVAILABLE" and (number not in folders or (complete and number not in wanted)):
                self._unload(name, version)
        ended = [number for number, version in sorted(known.items()) if version.state == "END"]
        gone = [number for number in ended if number not in folders]
        with self._lock:
            for number in gone[: max(0, len(ended) - ENDED_KEPT)]:
                self._seen.pop((name, number), None)
                del known[number]

    def _unload(self, name, version) -> None:
        with self._lock:
            servable, version.servable = version.servable, None
            version.state = "UNLOADING" if servable else "END"
        if servable is not None:
            servable.retire()
            version.state = "END"
            log.info("%s: version %d is unloaded", name, version.number)

    def use(self, name: str, number: int | None = None, label: str | None = None) -> tuple[int, Servable]:
        """The version that answers, and its servable, entered: the caller leaves it by `servable.__exit__()`.

        Raises:
            Refusal: 404 if there is no such model or version, 503 while it is being loaded; 400 for an unknown label.
        """
        with self._lock:
            versions = self.versions_of(name)
            if label is not None:
                number = self.labelled(name, label)
            loaded = [version for version in versions if version.servable is not None]
            chosen = [version for version in loaded if number in (None, version.number)]
            if not chosen:
                raise absent(name, number, versions)
            return chosen[0].number, chosen[0].servable.__enter__()

    def labelled(self, name: str, label: str) -> int:
        """The version that a label points at; raises `Refusal` if there is no such label."""
        labels = self.labels.get(name, {})
        if label not in labels:
            raise Refusal(400, str(unknown(f"label of {name}", label, labels)))
        return labels[label]

    def versions_of(self, name: str) -> list[Version]:
        """The versions of a model, highest first; raises `Refusal` if there is no such model."""
        if not self.models.get(name):
            raise Refusal(404, str(unknown("model", name, [key for key, known in self.models.items() if known])))
        return [version for _, version in sorted(self.models[name].items(), reverse=True)]

    def in_service(self) -> dict[str, list[int]]:
        """The versions that answer, highest first, by model."""
        with self._lock:
            return {
                name: [number for number in sorted(known, reverse=True) if known[number].state == "AVAILABLE"]
                for name, known in sorted(self.models.items())
            }


def absent(name, number, versions) -> Refusal:
    """Why no version of a model answers."""
    asked = [version for version in versions if number in (None, version.number)]
    if any(version.state == "LOADING" for version in asked):
        return Refusal(503, f"{name} is being loaded", {"Retry-After": "1"})
    which = f"{name} has no version in service" if number is None else f"version {number} of {name} is not in service"
    return Refusal(404, which + "".join(f": {version.error}" for version in asked[:1] if version.error))


def in_a_line(error: Exception) -> str:
    """An error as one line, without the nodes of the graph."""
    message = str(getattr(error, "message", None) or error).replace("Graph execution error:", "")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__

"""What the measurements of this folder share: clocks, medians and spreads, processes that take turns, the machine.

A measurement prints JSON lines; in each, `rows` holds what stands in the table of `bench.py` (see `row`).
"""

import contextlib
import importlib.metadata
import json
import multiprocessing
import os
import platform
import statistics
import sys
import time
from pathlib import Path

from keras_textgen.errors import InputError
from training.whole_files import write_atomically

PACKAGES = ("tensorflow", "keras", "torch", "numpy")
CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
CLOCK_HELP = "processor: seconds that the process computed, not those that it waited for a core; with one thread"


def versions() -> dict[str, str]:
    """The versions of those of the packages that are installed; none is imported."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """The name of the processor, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def load() -> float:
    """Processes that ran or waited for a core, a mean over the last minute."""
    return round(os.getloadavg()[0], 2)


class Surroundings:
    """What a figure must be read with; made before a measurement, asked for its `facts` after it."""

    def __init__(self):
        self.before = load()

    def facts(self, threads: int | None = None) -> dict:
        """Machine, cores, threads, versions, and the load before and after."""
        told = {} if threads is None else {"threads": threads}
        cores = {"machine": platform.machine(), "processor": processor(), "cores": os.cpu_count()}
        return {**cores, **told, "versions": versions(), "load": [self.before, load()]}


def run(main) -> None:
    """What a script of this folder does: `main()`, whose result is the exit code; an error is one line on the terminal,
    with the exit code 2."""
    name = Path(sys.argv[0]).name
    try:
        sys.exit(main())
    except InputError as error:
        print(f"{name}: {error}", file=sys.stderr)
    except OSError as error:
        print(f"{name}: {error.filename}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{name}: stopped", file=sys.stderr)
        sys.exit(130)
    sys.exit(2)


def take_cores(threads: int) -> None:
    """Lets this process compute on so many cores only, as on a machine that has no more."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


# Figures


def in_turn(runs: dict, repeats: int, clock: str = "wall") -> dict[str, list[float]]:
    """Seconds of every run, `repeats` of each; they take turns, and a first round, which traces, is not counted."""
    seconds = {name: [] for name in runs}
    for repeat in range(repeats + 1):
        for name, run in runs.items():
            start = CLOCKS[clock]()
            run()
            if repeat:
                seconds[name].append(CLOCKS[clock]() - start)
    return seconds


def medians(found: dict[str, list[float]], digits: int | None = 3) -> dict[str, float]:
    """The median of each list."""
    return {name: round(statistics.median(values), digits) for name, values in found.items()}


def spreads(found: dict[str, list[float]], digits: int | None = 3) -> dict[str, list[float]]:
    """The least and the greatest of each list."""
    return {name: [round(min(values), digits), round(max(values), digits)] for name, values in found.items()}


def row(what: str, unit: str, ours: float, beside: str = "", theirs=None, *, rate: bool = False, share=None) -> dict:
    """A row of the table.

    Args:
        what: was done.
        unit: of the two figures.
        ours, theirs: the figures; None where there is nobody to hold ours against.
        beside: whose `theirs` is.
        rate: whether more is better; else less is.
        share: of the machine's limit that ours comes to, from 0 to 1, where that is known.
    """
    ratio = None if theirs is None else round(ours / theirs if rate else theirs / ours, 2)
    return dict(what=what, unit=unit, ours=ours, beside=beside, theirs=theirs, ratio=ratio, share=share)


def report(found: dict, out: Path | None = None) -> None:
    """Prints a JSON line, and writes it to a file where one is given."""
    print(json.dumps(found), flush=True)
    if out is not None:
        write_atomically(out, json.dumps(found, indent=2) + "\n")


# Processes that take turns


class Contender:
    """A process that runs something whenever it is told to.

    Args:
        name: in messages.
        prepare: a function of a module, called with `arguments` in the process; gives what is run.
        environment: variables of the process.
    """

    def __init__(self, name: str, prepare, *arguments, environment: dict | None = None):
        self.name = name
        self.pipe, theirs = multiprocessing.Pipe()
        task = (prepare, arguments, theirs)
        self.process = multiprocessing.get_context("spawn").Process(target=take_turns, args=task, daemon=True)
        with variables(environment or {}):
            self.process.start()
        theirs.close()

    def run(self, *told, clock: str = "wall"):
        """Lets it run once with what it is told; gives the seconds that it took, and what came out.

        Raises:
            InputError: if it failed.
        """
        try:
            self.pipe.send((clock, told))
            error, *found = self.pipe.recv()
        except (EOFError, OSError):
            error = "its process has died"
        if error:
            raise InputError(f"{self.name}: {error}")
        return found

    def end(self) -> None:
        """Ends the process."""
        self.pipe.close()
        self.process.join(10)


def compete(contenders: dict[str, Contender], repeats: int, *told) -> tuple[dict, dict]:
    """Seconds and results of all of them, `repeats` of each, in turn; a first round, which traces, is not counted."""
    seconds, results = ({name: [] for name in contenders} for _ in range(2))
    for repeat in range(repeats + 1):
        for name, contender in contenders.items():
            took, found = contender.run(*told)
            if repeat:
                seconds[name].append(took)
                results[name].append(found)
    return seconds, results


@contextlib.contextmanager
def variables(values: dict):
    """Variables of the environment for a while."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def take_turns(prepare, arguments, pipe) -> None:
    """What a contender's process does: runs when it is told to, until nobody is there to tell it."""
    run = None
    while True:
        try:
            name, told = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            run = run or prepare(*arguments)
            start = CLOCKS[name]()
            found = run(*told)
            pipe.send((None, CLOCKS[name]() - start, found))
        except KeyboardInterrupt:
            return
        except Exception as error:
            pipe.send((f"{type(error).__name__}: {' '.join(str(error).split())}",))

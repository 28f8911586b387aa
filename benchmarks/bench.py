"""All measurements of speed, one after the other, and one table of them: ours, whoever is beside it, the ratio.

    make bench                                     # into runs/bench, with the table in runs/bench/table.md
    python benchmarks/bench.py --only draws decoding --readme README.md
    python benchmarks/bench.py --model runs/ptb-sgd/model.keras --texts ptb/test.txt

Every measurement is a script of this folder, in a process of its own; what it prints as JSON goes to
`<out>/<name>.json`, with the versions, the cores and the load before and after. A measurement that fails is named, and
the others go on.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import measuring
from training_speed import check_peer

from keras_textgen.errors import InputError, unknown
from training import markdown
from training.whole_files import read_json, write_atomically

HERE = Path(__file__).parent
MARKS = ("<!-- bench: written by python benchmarks/bench.py -->", "<!-- end of bench -->")
TORCH, NLTK = "torch", "nltk"
GIVEN = {
    "peer": "a Python file of yours to train beside ours; see training_speed.py",
    "model": "an LSTM-VAE that was trained and saved, to decode, encode and score with; its texts end by themselves",
    "texts": "a file with a sentence a line, to encode and score",
}


class Measurement(NamedTuple):
    """What to run.

    Attributes:
        script: of this folder.
        options: of it; "{out}" stands for the folder of the results.
        quick: more options for a run that only shows that it works.
        needs: packages that it cannot do without.
        takes: files of the user's that it knows options for, among `GIVEN`.
    """

    script: str
    options: tuple[str, ...] = ()
    quick: tuple[str, ...] = ("--repeats", "1")
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


# The one place that knows the measurements: a line more here, and it is run and stands in the table.
MEASUREMENTS = {
    "training-ptb": Measurement("training_speed.py", ("--shape", "ptb"), needs=(TORCH,), takes=("peer",)),
    "training-yahoo": Measurement(
        "training_speed.py", ("--shape", "yahoo"), ("--repeats", "1", "--steps", "1"), (TORCH,), ("peer",)
    ),
    "decoding": Measurement("decoding.py", needs=(TORCH,), takes=("model",)),
    "draws": Measurement("draws.py"),
    "encoding": Measurement("encoding.py", needs=(TORCH,), takes=("model", "texts")),
    "importance": Measurement("importance.py", needs=(TORCH,), takes=("model", "texts")),
    "bleu": Measurement(
        "bleu.py",
        ("--texts", "{out}/texts.txt", "--references", "{out}/references.txt"),
        ("--repeats", "1", "--part", "2"),
        (NLTK,),
    ),
    "seqgan": Measurement("seqgan_speed.py", quick=("--runs", "1")),
    "start-up": Measurement("start_up.py"),
    "cost-curves": Measurement("cost_curves.py", ("--plot", "{out}/cost_curves.html"), ("--quick",)),
}


def there() -> dict[str, Measurement]:
    """The measurements whose scripts are there."""
    return {name: found for name, found in MEASUREMENTS.items() if (HERE / found.script).is_file()}


def require(names) -> None:
    """Raises `InputError` for a measurement that needs a package which is not installed."""
    for package in (TORCH, NLTK):
        asking = [name for name in names if package in MEASUREMENTS[name].needs]
        if asking and importlib.util.find_spec(package) is None:
            raise InputError(
                f"{', '.join(asking)} cannot be measured without {package}: pip install {package}, "
                f"or name others with --only"
            )


def require_file(path: Path) -> None:
    """Raises `InputError` where there is no such file, before hours of measuring."""
    if not path.exists():
        raise InputError(f"{path}: no such file; check the path")


def write_texts(out: Path, num: int = 2000) -> None:
    """Texts and references for BLEU, of the built-in corpus: files of a text a line."""
    from training import corpora

    corpus = corpora.load("reviews")
    for name, texts in (("texts", corpus.train), ("references", corpus.test)):
        lines = list(texts.take(range(min(num, len(texts)))))
        write_atomically(out / f"{name}.txt", "".join(f"{line}\n" for line in lines))


def measure(name: str, out: Path, quick: bool, given: dict[str, Path]) -> bool:
    """Runs a measurement and writes what it printed as JSON; whether it went well."""
    found = MEASUREMENTS[name]
    options = [option.format(out=out) for option in found.options] + list(found.quick if quick else ())
    for option in found.takes:
        options += [f"--{option}", str(given[option])] if option in given else []
    surroundings = measuring.Surroundings()
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HERE.parent), environment.get("PYTHONPATH")]))
    command = [sys.executable, str(HERE / found.script), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    lines = json_lines(done.stdout)
    if done.returncode or not lines:
        why = (done.stderr.strip().splitlines() or ["it printed no JSON"])[-1]
        print(f"bench: {name} failed: {why}", file=sys.stderr)
        return False
    result = {"name": name, "command": [found.script, *options], "results": lines, **surroundings.facts()}
    write_atomically(out / f"{name}.json", json.dumps(result, indent=2) + "\n")
    return True


def json_lines(printed: str) -> list[dict]:
    """The JSON objects among the lines of a text."""
    found = []
    for line in printed.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            found.append(value)
    return found


def rows_of(result: dict) -> list[dict]:
    """The rows of a line of a measurement: those that it states, or one from its seconds by name, ours first."""
    if "rows" in result:
        return result["rows"]
    seconds = dict(result.get("seconds", {}))
    if "ours" not in seconds:
        return []
    mine, what = seconds.pop("ours"), str(result.get("job", ""))
    return [measuring.row(what, "s", mine, name, value) for name, value in seconds.items() if number(value)]


def number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def table(out: Path) -> str:
    """All results in a folder as Markdown, with what they were measured on."""
    header, lines, facts = ["", "", "ours", "beside it", "theirs", "ratio", "of the limit"], [], []
    for name in MEASUREMENTS:
        if not (out / f"{name}.json").is_file():
            continue
        found = read_json(out / f"{name}.json")
        facts.append(found)
        for row in (row for result in found["results"] for row in rows_of(result)):
            share = "-" if row.get("share") is None else f"{row['share']:.0%}"
            cells = [row["ours"], row["beside"], row["theirs"], row["ratio"]]
            lines.append([row["what"], row["unit"], *map(cell, cells), share])
    if not lines:
        raise InputError(f"there are no results in {out}; run without --table-only")
    return f"{markdown.table(header, lines)}\n\n{surroundings_of(facts)}"


def cell(value) -> str:
    """A figure or a name as it stands in the table."""
    if value is None or value == "":
        return "-"
    return f"{value:,}" if number(value) else str(value)


def surroundings_of(facts: list[dict]) -> str:
    """What the results were measured on, in a sentence."""
    last, loads = facts[-1], [load for found in facts for load in found["load"]]
    packages = ", ".join(f"{name} {version}" for name, version in last["versions"].items())
    return f"(A ratio over 1: ours is faster. {last['cores']} cores of {last['processor']}, load {min(loads)} to " \
        f"{max(loads)}; {packages}.)"  # fmt: skip


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/bench"), help="folder of the results")
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}")
    parser.add_argument("--quick", action="store_true", help="once each: shows that it works, the figures say little")
    for name, what in GIVEN.items():
        parser.add_argument(f"--{name}", type=Path, help=what)
    parser.add_argument(
        "--most-load", type=float, default=0.5, help="over which a warning says that others are at work"
    )
    parser.add_argument("--table-only", action="store_true", help="measures nothing, writes the table of what is there")
    parser.add_argument("--readme", type=Path, help="where to put the table, between its marks")
    return parser.parse_args()


def main() -> int:
    """Measures what is asked for and writes the table; 1 if a measurement failed."""
    arguments = options()
    names = arguments.only or list(there())
    for name in names:
        if name not in there():
            raise unknown("measurement", name, there())
    failed = []
    if not arguments.table_only:
        require(names)
        given = {name: path for name in GIVEN if (path := getattr(arguments, name))}
        if "peer" in given:
            given["peer"] = check_peer(given["peer"])
        for path in given.values():
            require_file(path)
        arguments.out.mkdir(parents=True, exist_ok=True)
        if "bleu" in names:
            write_texts(arguments.out)
        if (load := measuring.load()) > arguments.most_load:  # later on it is our own
            print(f"bench: the load is {load}: others are at work, and figures will differ", file=sys.stderr)
        for place, name in enumerate(names, 1):
            print(f"bench: {name} ({place} of {len(names)})", file=sys.stderr)
            failed += [] if measure(name, arguments.out, arguments.quick, given) else [name]
    found = table(arguments.out)
    write_atomically(arguments.out / "table.md", found + "\n")
    print(found)
    if arguments.readme:
        markdown.write_into(arguments.readme, found, *MARKS)
    return 1 if failed else 0


if __name__ == "__main__":
    measuring.run(main)

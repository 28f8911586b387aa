"""How long programs take to start, each in a process of its own: `import zoo`, `textgen --help`, a first sentence of
trained models, and the first text of an export that TensorFlow alone has loaded.

    python benchmarks/start_up.py

Prints a JSON line with the medians, wall clock and processor seconds.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measuring

from keras_textgen.errors import InputError

ROOT = Path(__file__).parent.parent
TEXTGEN = "from training.cli import main; main()"
PRESETS = ("lstm_vae/reviews", "transformer_vae/reviews")
OF_AN_EXPORT = """
import sys, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
one = dict(seed=[1], temperature=[1.0], top_k=[0], top_p=[1.0], prompt=[""])
generate = model.signatures["generate_batched"]
wanted = generate.structured_input_signature[1]
print(generate(**{name: tf.constant(value, wanted[name].dtype) for name, value in one.items()})["texts"])
"""
EXPORT = "import sys, zoo; print(zoo.export(zoo.load(sys.argv[1]), sys.argv[2]))"


def python(program: str, *arguments: str) -> tuple[float, float, str]:
    """Runs a program in a new process: wall clock seconds, processor seconds, and what it printed.

    Raises:
        InputError: if it failed.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command, quiet = [sys.executable, "-c", program, *arguments], {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise InputError(f"{' '.join(arguments) or program}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def main() -> None:
    """Reads the options, lets the programs take turns, prints a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a file for the JSON line, too")
    arguments = parser.parse_args()
    surroundings = measuring.Surroundings()
    with tempfile.TemporaryDirectory() as folder:
        version = python(EXPORT, PRESETS[0], str(Path(folder) / "export"))[2].split()[-1]
        programs = {"import zoo": ("import zoo",), "textgen --help": (TEXTGEN, "--help")}
        for preset in PRESETS:
            programs[f"a sentence of {preset}"] = (TEXTGEN, "generate", preset, "-n", "1", "--seed", "1")
        programs[f"a text of an export of {PRESETS[0]}"] = (OF_AN_EXPORT, version)
        wall, processor = {name: [] for name in programs}, {name: [] for name in programs}
        for repeat in range(arguments.repeats + 1):
            for name, program in programs.items():
                found = python(*program)
                if repeat:  # the first reads the files from the disk, and compiles them to bytecode
                    wall[name].append(found[0])
                    processor[name].append(found[1])
    shown = measuring.medians(wall, 2)
    measuring.report(
        {
            "seconds": shown,
            "from and to": measuring.spreads(wall, 2),
            "processor seconds": measuring.medians(processor, 2),
            "rows": [measuring.row(name, "s", value) for name, value in shown.items()],
            **surroundings.facts(),
        },
        arguments.out,
    )


if __name__ == "__main__":
    measuring.run(main)

"""Do exports load and answer under another TensorFlow than that which wrote them? Asked through C libraries alone.

    pip download --no-deps --dest wheels tensorflow-cpu==2.20.0
    unzip -q wheels/tensorflow_cpu-2.20.0-*.whl 'tensorflow/libtensorflow*' -d 2.20
    python benchmarks/serving_versions.py --libraries 2.20/tensorflow

Every request that a server would warm up with, so every signature, is answered by the installed library and the other.
Prints a line a model: how many answers fail or have other strings, and by how much numbers x differ at most, in units
of 1 + |x|; below it what is wrong, with what an audit finds. Without names of exports it exports all trained models.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

import zoo
from zoo.audit import warm_up
from zoo.audit.answering import NoAnswer, answers, ask_library
from zoo.audit.files import find_version


def requests_of(export) -> list[tuple[str, dict]]:
    """The signatures and inputs of its warm-up requests."""
    return [
        (name, {key: tf.make_ndarray(value) for key, value in inputs.items()})
        for name, inputs in warm_up.requests(find_version(export))
    ]


def difference(ours, theirs) -> dict:
    """How two answers to the same request differ."""
    failures = [str(answer).splitlines()[0] for answer in (ours, theirs) if isinstance(answer, NoAnswer)]
    if failures:
        return {"failures": failures}
    texts = [np.array_equal(ours[key], theirs[key]) for key in ours if ours[key].dtype == object]
    numbers = [np.abs(ours[key] - theirs[key]) / (1 + np.abs(ours[key])) for key in ours if ours[key].dtype != object]
    return {
        "same_texts": all(texts),
        "largest_difference": float(max((part.max() for part in numbers if part.size), default=0.0)),
    }


def compare(export, libraries: str) -> dict:
    """What one export answers under both."""
    requests = [*requests_of(export), ("serving_default", {"num": 20, "seed": 1})]
    pairs = zip(requests, answers(export, requests), answers(export, requests, libraries), strict=True)
    rows = [{"signature": name, **difference(ours, theirs)} for (name, _), ours, theirs in pairs]
    return {"export": str(export), "problems": zoo.check_export(export).problems, "answers": rows}


def show(found: dict, version: str) -> None:
    rows = found["answers"]
    wrong = [row for row in rows if not row.get("same_texts")]
    largest = max((row.get("largest_difference", 0.0) for row in rows), default=0.0)
    print(
        f"{found['export']}: {len(rows)} answers under {version}, {len(wrong)} wrong, numbers differ by {largest:.1g}"
    )
    for line in [*found["problems"], *wrong]:
        print(f"  {line}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exports", nargs="*", help="folders of exports; without any, all trained models are exported")
    parser.add_argument("--libraries", required=True, help="the folder `tensorflow` of another version's wheel")
    parser.add_argument("--out", type=Path, help="a JSON file")
    arguments = parser.parse_args()
    version, results = ask_library({}, arguments.libraries)["version"], []
    with tempfile.TemporaryDirectory() as folder:
        for export in arguments.exports or zoo.list_models():
            if not arguments.exports:
                export = zoo.export(zoo.build(export, preset="reviews"), Path(folder) / export)
            results.append(compare(export, arguments.libraries))
            show(results[-1], version)
    if arguments.out:
        arguments.out.write_text(json.dumps({"version": version, "exports": results}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()

"""BLEU-2 to 5 and Self-BLEU-2 to 5 of as many texts against as many references: ours, NLTK's from a part of the texts,
and that of `fast-bleu` where it is installed.

    python benchmarks/bleu.py --texts captions.txt --references held_out.txt

Prints a JSON line with the seconds of each, the ratio, and the largest difference of a text's score.
"""

import argparse
import statistics
import time
from pathlib import Path

import measuring
import numpy as np
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu

from keras_textgen import metrics

ORDERS = (2, 3, 4, 5)
WEIGHTS = {n: (1 / n,) * n for n in ORDERS}


def by_nltk(hypothesis, references) -> list[float]:
    """All orders of one text at once, as NLTK offers it."""
    return sentence_bleu(references, hypothesis, list(WEIGHTS.values()), SmoothingFunction().method1)


def timed(run) -> tuple[float, object]:
    """Seconds and what came out."""
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def main() -> None:
    """Reads the options, measures, prints a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--references", type=Path, required=True)
    parser.add_argument("--part", type=int, default=10, help="texts that NLTK is given")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, help="a file for the JSON line, too")
    arguments = parser.parse_args()
    surroundings = measuring.Surroundings()
    texts, references = (
        [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        for path in (arguments.texts, arguments.references)
    )
    ours = lambda: (metrics.sentence_bleu(texts, references), metrics.sentence_self_bleu(texts))  # noqa: E731
    times, found = zip(*(timed(ours) for _ in range(arguments.repeats)), strict=True)
    seconds = {"ours": round(statistics.median(times), 2), "from and to": [round(min(times), 2), round(max(times), 2)]}
    part = range(arguments.part)
    forward = timed(lambda: [by_nltk(texts[place], references) for place in part])
    among = timed(lambda: [by_nltk(texts[place], texts[:place] + texts[place + 1 :]) for place in part])
    seconds["NLTK, extrapolated"] = round((forward[0] + among[0]) * len(texts) / arguments.part)
    ours_of_part = [[[scores[n][place] for n in ORDERS] for place in part] for scores in found[0]]
    difference = float(np.abs(np.array(ours_of_part) - np.array([forward[1], among[1]])).max())
    try:
        from fast_bleu import BLEU, SelfBLEU

        weights = {str(n): weight for n, weight in WEIGHTS.items()}
        fast = lambda: (BLEU(references, weights).get_score(texts), SelfBLEU(texts, weights).get_score())  # noqa: E731
        seconds["fast-bleu"] = round(timed(fast)[0], 2)
    except ImportError:
        pass
    what = f"BLEU and Self-BLEU of {len(texts)} texts"
    others = {name: value for name, value in seconds.items() if name not in ("ours", "from and to")}
    measuring.report(
        {
            "texts": len(texts),
            "references": len(references),
            "seconds": seconds,
            "NLTK over ours": round(seconds["NLTK, extrapolated"] / seconds["ours"]),
            "difference": difference,
            "rows": [measuring.row(what, "s", seconds["ours"], name, value) for name, value in others.items()],
            **surroundings.facts(),
        },
        arguments.out,
    )


if __name__ == "__main__":
    measuring.run(main)

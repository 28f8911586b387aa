"""Tokens a second of training and of sampling against vocabulary, hidden size, length and batch, one at a time around
the shape of Penn Treebank (10,000 words, 256 units, 24 tokens, 32 texts); ids are fed directly.

    python benchmarks/cost_curves.py --out curves.json --plot curves.html

A cliff is where a size costs more than 1.5 times as much per floating-point operation as the next smaller one: a
larger size gives the processor more to do at once, and should cost less. Both are then measured again, in turn, and the
cliff is told only if it is still there. Prints a JSON line. `--plot` needs plotly (the extra "report").
"""

import argparse
import gc
import itertools
import sys
from pathlib import Path

import measuring
import numpy as np

from training.whole_files import write_atomically

BASE = {"vocabulary": 10_000, "hidden": 256, "length": 24, "batch": 32}
AXES = {
    "vocabulary": (1_000, 2_000, 5_000, 10_000, 20_000, 50_000),
    "hidden": (64, 128, 256, 512, 1024),
    "length": (10, 24, 40, 80, 160),
    "batch": (1, 4, 16, 32, 64, 128, 256),
}
MODELS = ("lstm_vae", "lstm_lm", "transformer_lm")
JOBS = ("training", "sampling")
LATENT, LAYERS, SPECIAL = 32, 2, 4
CLIFF = 1.5


def build(name: str, shape: dict):
    """A model of that shape, plain."""
    import zoo
    from keras_textgen.text import WordTokenizer

    tokenizer = WordTokenizer(vocabulary=[f"w{number}" for number in range(shape["vocabulary"] - SPECIAL)])
    sizes = dict(hidden_dim=shape["hidden"], output_dim=0, dropout=0.5, weight_decay=0.0)
    if name == "transformer_lm":
        sizes |= dict(num_layers=LAYERS)
    else:
        sizes |= dict(embedding_dim=shape["hidden"], average_attention=False)
    if name == "lstm_vae":
        sizes |= dict(latent_dim=LATENT, kl_weight=1.0, free_bits=0.0)
    return zoo.build(name, tokenizer=tokenizer, sequence_length=shape["length"], seed=0, **sizes)


def weights_in_products(name: str, shape: dict, job: str) -> float:
    """The weights that a token is multiplied with, keys and values of the attention among them."""
    hidden, length = shape["hidden"], shape["length"]
    output = hidden * shape["vocabulary"]
    if name == "transformer_lm":
        return LAYERS * (12 * hidden**2 + length * hidden) + output
    decoder = 4 * hidden * (2 * hidden + (LATENT if name == "lstm_vae" else 0))
    encoder = 8 * hidden**2 if name == "lstm_vae" and job == "training" else 0
    return encoder + decoder + output


def operations(name: str, shape: dict, job: str) -> float:
    """Floating-point operations a token: 2 for each weight, 6 in training, and there 12 for each weight of the model
    that the optimizer moves, shared by all tokens of the batch."""
    weights = weights_in_products(name, shape, job)
    if job == "sampling":
        return 2 * weights
    moved = weights + (2 if name == "lstm_vae" else 1) * shape["vocabulary"] * shape["hidden"]
    return 6 * weights + 12 * moved / (shape["batch"] * shape["length"])


class Point:
    """A model of one shape, ready to train and to write."""

    def __init__(self, name: str, shape: dict, seconds: float, clock: str):
        self.name, self.shape, self.wanted, self.clock = name, shape, seconds, measuring.CLOCKS[clock]
        self.model = build(name, shape)
        self.repeats = {}

    def run(self, job: str, times: int) -> float:
        """Seconds of as many steps, or of writing as many batches."""
        batch, length = self.shape["batch"], self.shape["length"]
        if job == "training":
            draw = np.random.default_rng(0)
            ids = draw.integers(SPECIAL, self.shape["vocabulary"], [times * batch, length], dtype=np.int32)
            start = self.clock()
            self.model.fit(ids, batch_size=batch, epochs=1, verbose=0)
        else:
            start = self.clock()
            for seed in range(times):
                self.model.generate(batch, seed=seed, min_length=length, max_length=length)
        return self.clock() - start

    def rate(self, job: str) -> float:
        """Tokens a second: the best of three runs of about as many seconds as are wanted, after one that traces."""
        if job not in self.repeats:
            self.run(job, 1)
            self.repeats[job] = int(np.clip(self.wanted / self.run(job, 1), 2, 100))
        times = self.repeats[job]
        tokens = times * self.shape["batch"] * self.shape["length"]
        return tokens / min(self.run(job, times) for _ in range(3))


def measure(name: str, shape: dict, *how) -> dict[str, float]:
    """Tokens a second of both jobs."""
    import keras

    point = Point(name, shape, *how)
    rates = {job: round(point.rate(job), 1) for job in JOBS}
    del point
    keras.backend.clear_session()
    gc.collect()
    return rates


def cost(name: str, shape: dict, job: str, rate: float) -> float:
    """Nanoseconds an operation."""
    return 1e9 / (rate * operations(name, shape, job))


def jumps(points: list[dict]) -> list[dict]:
    """Where a point costs more than `CLIFF` times the next smaller one on its curve per operation."""
    found = []
    for name, axis, job in {(point["model"], point["axis"], job): None for point in points for job in JOBS}:
        curve = [point for point in points if (point["model"], point["axis"]) == (name, axis)]
        curve.sort(key=lambda point: point["shape"][axis])
        for smaller, larger in itertools.pairwise(curve):
            before, after = (cost(name, point["shape"], job, point[job]) for point in (smaller, larger))
            if after > CLIFF * before:
                sizes = [point["shape"][axis] for point in (smaller, larger)]
                found.append(dict(model=name, axis=axis, job=job, sizes=sizes, times=round(after / before, 2)))
    return found


def confirmed(jump: dict, *how) -> dict | None:
    """A jump with its factor measured again, both sizes in turn; None if it is gone."""
    shapes = [{**BASE, jump["axis"]: size} for size in jump["sizes"]]
    points = [Point(jump["model"], shape, *how) for shape in shapes]
    rates = [[point.rate(jump["job"]) for point in points] for _ in range(3)]
    best = [max(turn[place] for turn in rates) for place in range(2)]
    before, after = (cost(jump["model"], shape, jump["job"], rate) for shape, rate in zip(shapes, best, strict=True))
    return {**jump, "times": round(after / before, 2)} if after > CLIFF * before else None


def plot(points: list[dict], path: Path) -> None:
    """Tokens a second along every axis, a line a model, as a page."""
    from plotly.subplots import make_subplots

    from training.report.plots import COLOURS, SYMBOLS

    units = {"vocabulary": "words", "hidden": "units", "length": "tokens", "batch": "texts"}
    models, axes = (list(dict.fromkeys(point[key] for point in points)) for key in ("model", "axis"))
    titles = [f"{job}, {axis}" for job in JOBS for axis in axes]
    figure = make_subplots(len(JOBS), len(axes), subplot_titles=titles, shared_yaxes="rows", horizontal_spacing=0.02)
    for down, job in enumerate(JOBS, 1):
        for along, axis in enumerate(axes, 1):
            for place, name in enumerate(models):
                curve = [point for point in points if (point["model"], point["axis"]) == (name, axis)]
                style = {"color": COLOURS[place], "symbol": SYMBOLS[place], "size": 7}
                x, y = ([point["shape"][axis] for point in curve], [point[job] for point in curve])
                line = dict(name=name, legendgroup=name, showlegend=down == along == 1, marker=style)
                figure.add_scatter(x=x, y=y, mode="lines+markers", row=down, col=along, **line)
            ticks = dict(type="log", tickvals=AXES[axis], ticktext=[f"{size:,}" for size in AXES[axis]])
            figure.update_xaxes(title_text=units[axis], row=down, col=along, **ticks)
        figure.update_yaxes(type="log", dtick="D2", tickformat=",", row=down)
        figure.update_yaxes(title_text="tokens a second", row=down, col=1)
    legend = dict(orientation="h", y=1.12)
    figure.update_layout(template="none", width=1300, height=760, showlegend=True, legend=legend)
    write_atomically(path, figure.to_html())


def main() -> None:
    """Reads the options, measures every point, tells the cliffs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, metavar="MODEL")
    parser.add_argument("--axes", nargs="+", choices=AXES, default=tuple(AXES), metavar="AXIS")
    parser.add_argument("--seconds", type=float, default=1.0, help="that a run takes, of three for each point")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=measuring.CLOCKS, default="wall", help=measuring.CLOCK_HELP)
    parser.add_argument("--quick", action="store_true", help="the ends of each axis alone, and short runs")
    parser.add_argument("--plot", type=Path, help="a page to draw the curves on")
    parser.add_argument("--out", type=Path, help="a file for the JSON line, too")
    arguments = parser.parse_args()
    if arguments.plot:
        from training.report.requirements import require_packages, require_writable

        require_packages()
        require_writable(arguments.plot)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    surroundings = measuring.Surroundings()
    how = 0.1 if arguments.quick else arguments.seconds, arguments.clock
    points = []
    for name in arguments.models:
        base = measure(name, BASE, *how)
        for axis in arguments.axes:
            sizes = (AXES[axis][0], BASE[axis]) if arguments.quick else AXES[axis]
            for size in sizes:
                shape = {**BASE, axis: size}
                found = base if shape == BASE else measure(name, shape, *how)
                points.append(dict(model=name, axis=axis, shape=shape, **found))
                print(f"{name}, {axis} {size}: {found}", file=sys.stderr, flush=True)
    cliffs = [again for jump in jumps(points) if (again := confirmed(jump, *how))]
    for cliff in cliffs:
        print(
            "cliff: {model}, {job}: {axis} {sizes}, {times} times the cost an operation".format(**cliff),
            file=sys.stderr,
        )
    if arguments.plot:
        plot(points, arguments.plot)
    rows = [
        measuring.row(f"{job}, {point['model']}, Penn Treebank's shape", "tokens/s", point[job], rate=True)
        for point in points
        if point["shape"] == BASE and point["axis"] == arguments.axes[0]
        for job in JOBS
    ]
    facts = surroundings.facts(arguments.threads)
    measuring.report(
        {"clock": arguments.clock, "points": points, "cliffs": cliffs, "rows": rows, **facts}, arguments.out
    )


if __name__ == "__main__":
    measuring.run(main)

"""Plots of quality against diversity over temperatures."""

import collections
import dataclasses

from training.comparison import Run
from training.figures import figure_shown, label_of
from training.report.plots import Plot, draw, line_of
from training.report.texts import in_plot

ON_HOVER = (  # beside the figures of the plot
    *("forward_perplexity", "reverse_perplexity", "distinct", "distinct_2", "novel_samples", "grammatical"),
    *("frechet_distance", "precision", "recall", "mauve"),
)


@dataclasses.dataclass
class Pair:
    """Two figures of samples: `x` of their diversity, `y` of their quality, each with its label.

    `text_at` is where a point's temperature stands off its line.
    """

    title: str
    x: str
    y: str
    x_label: str
    y_label: str
    text_at: str


def frontiers(runs: list[Run], order: int) -> list[Plot]:
    """The plots of quality against diversity that the evaluations have figures for.

    Args:
        order: the n of BLEU-n; the nearest that the runs have if they lack it.
    """
    pairs = [bleu_pair(n) for n in [order_of(runs, order)] if n is not None]
    pairs.append(
        Pair(
            "Forward and reverse perplexity",
            *("reverse_perplexity", "forward_perplexity"),
            "reverse perplexity (← less: more diverse)",
            "forward perplexity (↓ less: better)",
            "top right",
        )
    )
    return [plot for plot in (frontier(runs, pair) for pair in pairs) if plot is not None]


def bleu_pair(n: int) -> Pair:
    """BLEU against Self-BLEU (Caccia et al. 2020)."""
    labels = f"Self-BLEU-{n} (← less: more diverse)", f"BLEU-{n} (more: better ↑)"
    return Pair(f"BLEU-{n} against Self-BLEU-{n}", f"self_bleu_{n}", f"bleu_{n}", *labels, "bottom right")


def order_of(runs: list[Run], wanted: int) -> int | None:
    """The n of BLEU-n that most runs have, and among those the nearest to the one wanted; None if there is none."""
    counts = collections.Counter()
    for run in runs:
        names = {name for point in points_of(run) for name in point["figures"]}
        orders = (name.removeprefix("self_bleu_") for name in names if name.startswith("self_bleu_"))
        counts.update(int(n) for n in orders if n.isdecimal() and f"bleu_{n}" in names)
    most = max(counts.values(), default=0)
    return min((n for n, count in counts.items() if count == most), key=lambda n: (abs(n - wanted), n), default=None)


def points_of(run: Run) -> list[dict]:
    """The points of a run's frontier by temperature; of a run without one, its figures at temperature 1."""
    if run.evaluation is None:
        return []
    alone = {"temperature": 1.0, "figures": run.figures, "intervals": run.intervals}
    return sorted(run.evaluation["frontier"], key=lambda point: point["temperature"]) or [alone]


def frontier(runs: list[Run], pair: Pair) -> Plot | None:
    """One line a run, one point a temperature; None if no run has both figures."""
    traces = [frontier_trace(place, run, pair) for place, run in enumerate(runs)]
    traces = [trace for trace in traces if trace["x"]]
    if not traces:
        return None
    x, y = ({"title": {"text": label}, "zeroline": False} for label in (pair.x_label, pair.y_label))
    return draw(pair.title, traces, x, y, showlegend=False)


def frontier_trace(place: int, run: Run, pair: Pair) -> dict:
    """The line of a run; the bars are the intervals where there are some, and all figures show on hover."""
    points = [point for point in points_of(run) if {pair.x, pair.y} <= set(point["figures"])]
    trace = line_of(place, run)
    trace |= {"mode": "lines+markers+text", "textposition": pair.text_at, "textfont": {"size": 10}}
    trace["text"] = [f"{point['temperature']:g}" for point in points]
    for axis, name in (("x", pair.x), ("y", pair.y)):
        trace[axis] = [point["figures"][name] for point in points]
        trace[f"error_{axis}"] = bars(points, name)
    trace["hovertext"] = ["<br>".join([in_plot(run.name), *hover_lines(point, pair)]) for point in points]
    return trace | {"hoverinfo": "text"}


def hover_lines(point: dict, pair: Pair) -> list[str]:
    """A point of a frontier in words."""
    lines, figures = [f"temperature {point['temperature']:g}"], point["figures"]
    for name in dict.fromkeys((pair.y, pair.x, *(name for name in ON_HOVER if name in figures))):
        line = f"{label_of(name).strip().replace('_', ' ')} {figure_shown(name, figures[name])}"
        if name in point["intervals"]:
            low, high = point["intervals"][name]
            line += f" ({figure_shown(name, low)} to {figure_shown(name, high)})"
        lines.append(in_plot(line, 80))
    return lines


def bars(points: list[dict], name: str) -> dict:
    """The intervals of a figure as error bars."""
    ends = [point["intervals"].get(name, (point["figures"][name],) * 2) for point in points]
    above = [max(high - point["figures"][name], 0) for point, (_, high) in zip(points, ends, strict=True)]
    below = [max(point["figures"][name] - low, 0) for point, (low, _) in zip(points, ends, strict=True)]
    shown = any(above) or any(below)
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "visible": shown, "thickness": 1}

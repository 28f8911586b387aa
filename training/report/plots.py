"""What the plots of a report have in common, by plotly."""

import dataclasses

from training.comparison import Run
from training.report.texts import in_plot

COLOURS = ("#3f83d6", "#dd7a33", "#2f9e6d", "#c9527f", "#8d6ad1", "#a98a1f", "#2b9db0", "#8a8a8a", "#d05a4e", "#6f9a3c")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "pentagon")


@dataclasses.dataclass
class Plot:
    """A figure of plotly, as JSON that may stand in a page's script, with its title and what one can choose in it.

    A trace that shows one of the `choices` has its number as `meta.choice`, the trace of a run the run's as `meta.run`.
    """

    title: str
    json: str
    choices: list[str] = dataclasses.field(default_factory=list)


def colour_of(place: int) -> str:
    """The colour of a run, or of a label."""
    return COLOURS[place % len(COLOURS)]


def draw(title: str, traces: list[dict], x: dict, y: dict, choices=(), **layout) -> Plot:
    """A plot of scatter traces; plotly refuses what it does not know."""
    import plotly.graph_objects as go

    margin = {"l": 56, "r": 12, "t": 12, "b": 48}
    figure = go.Figure([go.Scatter(**trace) for trace in traces])
    figure.update_layout(template="none", xaxis=x, yaxis=y, margin=margin, hovermode="closest", **layout)
    return Plot(title, figure.to_json(), list(choices))


def line_of(place: int, run: Run) -> dict:
    """What all traces of a run have in common."""
    marker = {"color": colour_of(place), "symbol": SYMBOLS[place % len(SYMBOLS)], "size": 8}
    line = {"color": colour_of(place), "width": 2}
    return {"name": in_plot(run.name), "meta": {"run": place}, "marker": marker, "line": line}

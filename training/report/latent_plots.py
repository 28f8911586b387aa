"""Plots of latent space."""

import collections

from training.comparison import Run
from training.harmless import harmless
from training.inspection import LatentMap
from training.report.plots import Plot, colour_of, draw
from training.report.texts import in_plot

VALUES = 9  # of an attribute that have a colour of their own
OTHERS = "#8a8a8a"


def latent_space(run: Run, seen: LatentMap) -> Plot:
    """The codes of texts on their plane; one can choose the attribute that gives the colours."""
    texts = [in_plot(text) for text in seen.texts]
    traces = []
    for choice, labels in enumerate(seen.labels.values()):
        traces += [label_trace(seen, texts, *group, choice) for group in groups_of(labels)]
    if not traces:
        traces = [label_trace(seen, texts, "texts", range(len(texts)), colour_of(0), 0)]
    axes = (
        {"title": {"text": f"component {place} ({share:.1%} of the variance)"}, "zeroline": False}
        for place, share in enumerate(seen.shares, 1)
    )
    legend = {"orientation": "h", "yref": "container", "y": 1, "yanchor": "top", "x": 0, "xref": "paper"}
    choices = [harmless(name) for name in seen.labels]
    shown = {"showlegend": bool(seen.labels), "legend": legend}
    return draw(run.name, traces, *axes, choices=choices, **shown)


def groups_of(labels: list[str]) -> list[tuple[str, list[int], str]]:
    """The texts of each label: its name, their places, its colour. Rare labels beyond `VALUES` are taken together."""
    common = [label for label, _ in collections.Counter(labels).most_common()]
    if len(common) > VALUES + 1:
        common = common[:VALUES]
    groups = []
    for number, label in enumerate(sorted(common)):
        groups.append((label, [place for place, one in enumerate(labels) if one == label], colour_of(number)))
    others = [place for place, one in enumerate(labels) if one not in common]
    return [*groups, ("(others)", others, OTHERS)] if others else groups


def label_trace(seen: LatentMap, texts: list[str], label: str, places, colour: str, choice: int) -> dict:
    """The points of the texts with one label."""
    places = list(places)
    hover = "%{customdata}<extra></extra>" if not seen.labels else "%{customdata}<extra>%{fullData.name}</extra>"
    return {
        **{"x": seen.points[places, 0].round(4), "y": seen.points[places, 1].round(4), "mode": "markers"},
        **{"name": in_plot(label, 24), "meta": {"choice": choice}, "visible": choice == 0},
        **{"customdata": [texts[place] for place in places], "hovertemplate": hover},
        "marker": {"color": colour, "size": 6, "opacity": 0.75},
    }

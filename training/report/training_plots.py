"""Plots of the course of a training."""

from training.comparison import Run, is_number
from training.report.plots import Plot, draw, line_of

CURVES = (  # title, metric of the training and of the validation texts, kind of the axis
    ("loss", "loss", "linear"),
    ("negative log-likelihood (nats a text)", "nll", "linear"),
    ("rate: KL(q||p) (nats a text)", "rate", "linear"),
    ("distortion: -log p(x|z) (nats a text)", "distortion", "linear"),
    ("discriminator: share of texts told apart", "discriminator_accuracy", "linear"),
    ("discriminator: loss", "discriminator_loss", "linear"),
    ("reward", "reward", "linear"),
    ("share of different samples", "distinct", "linear"),
    ("KL weight", "kl_weight", "linear"),
    ("learning rate", "learning_rate", "log"),
)


def curves(runs: list[Run]) -> list[Plot]:
    """A plot for each metric that some run has: training texts drawn through, validation texts dashed."""
    epochs = max((len(run.history) for run in runs), default=0)
    x = {"title": {"text": "epoch"}, "zeroline": False, "range": [0.8, max(epochs, 2) + 0.2]}
    x |= {"dtick": 1} if epochs < 10 else {}
    plots = []
    for title, metric, kind in CURVES:
        traces = []
        for place, run in enumerate(runs):
            for name, dash in ((metric, "solid"), (f"val_{metric}", "dash")):
                traces += curve(place, run, name, dash)
        if traces:
            y = {"type": kind, "zeroline": False, "exponentformat": "power"}
            y |= {"range": [0, 1.05]} if metric == "distinct" else {}
            plots.append(draw(title, traces, x, y, showlegend=False))
    return plots


def curve(place: int, run: Run, metric: str, dash: str) -> list[dict]:
    """The course of a metric in a run as the one trace, or none."""
    points = [(number, epoch[metric]) for number, epoch in enumerate(run.history, 1) if is_number(epoch.get(metric))]
    if not points:
        return []
    trace = line_of(place, run)
    trace["x"], trace["y"] = map(list, zip(*points, strict=True))
    trace["line"] |= {"dash": dash}
    trace["mode"] = "lines" if len(points) > 1 else "markers"
    kind = f"{metric.removeprefix('val_')}{', validation' if metric.startswith('val_') else ''}"
    trace["hovertemplate"] = f"epoch %{{x}}<br>{kind} %{{y:.5g}}"
    return [trace]

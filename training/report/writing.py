"""Writing the page of a comparison, with everything in it that it needs."""

import hashlib
import os
from pathlib import Path

from keras_textgen.errors import InputError
from training.comparison import Run, differences
from training.comparison_table import rows_of
from training.harmless import harmless
from training.inspection import Inspection
from training.report import frontier_plots, latent_plots, training_plots
from training.report.plots import colour_of
from training.report.requirements import require_packages, require_writable
from training.report.texts import differing
from training.whole_files import write_atomically

HERE = Path(__file__).parent


def write_report(path: Path, runs: list[Run], seen: list[Inspection], *, order: int = 5, seed: int = 0) -> None:
    """Writes the page of these runs and what was seen of each.

    Args:
        order: the n of BLEU-n in the plot of quality against diversity.
        seed: that the samples were drawn by.

    Raises:
        InputError: if it cannot be written, or a package is missing.
    """
    require_packages()
    require_writable(path)
    page = page_of(runs, seen, order, seed)
    try:
        write_atomically(path, page)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error


def page_of(runs: list[Run], seen: list[Inspection], order: int, seed: int) -> str:
    """The whole page as HTML."""
    import jinja2
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: harmless(value) if type(value) is str else value,  # Markup is a type of its own
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["markup"] = Markup
    environment.globals |= {"colour_of": colour_of, "differing": differing, "zip": zip}
    both = list(zip(runs, seen, strict=True))
    own_parts = {name: Markup((HERE / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js")}
    plots = {
        "frontiers": frontier_plots.frontiers(runs, order),
        "curves": training_plots.curves(runs),
        "maps": [latent_plots.latent_space(run, one.latent_map) for run, one in both if one.latent_map is not None],
    }
    drawn = "".join(plot.json for group in plots.values() for plot in group)
    return environment.get_template("page.html.jinja").render(
        **{"runs": runs, "seen": seen, "rows": rows_of(runs), "differences": differences(runs), "seed": seed},
        **{"plots": plots, "style": own_parts["page.css"], "script": own_parts["page.js"]},
        plotly=Markup(get_plotlyjs()),
        # Scripts run only under this word, which no text in the page can know.
        nonce=hashlib.sha256(drawn.encode() + os.urandom(16)).hexdigest()[:32],
    )

"""textgen compare: several runs beside each other, in a table and in a report."""

from pathlib import Path
from typing import Annotated

import typer

from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
from training.cli.shared import errors, silence, table
from training.harmless import harmless


def command(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, each evaluated by textgen evaluate.")],
    form: Annotated[
        str | None, typer.Option("--format", help="markdown, csv or json; a drawn table if left out.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A file for the table; its ending says the format where --format does not.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="An HTML file for plots, texts and latent spaces, too.")] = None,
    num: Annotated[
        int, typer.Option("--num", "-n", help="Samples and reconstructions of each run in the report.")
    ] = 10,
    order: Annotated[int, typer.Option(help="The n of BLEU-n against Self-BLEU-n in the report.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the samples in the report.")] = 0,
) -> None:
    """Compare runs: all their figures in one table, and with --report one page of plots and texts.

    The page opens in any browser without a network. Parts that a run has no figures or no model for say so.
    """
    from training import comparison, comparison_table
    from training.report.requirements import require_packages, require_writable
    from training.whole_files import write_atomically

    form = format_of(form, out)
    whole(1, num=num)
    whole(1, order=order)
    whole(0, 2**31 - 1, seed=seed)
    for place in filter(None, (out, report)):
        require_writable(place)
    if report is not None:
        require_packages()
    found = comparison.gather(runs)
    if out is not None:
        write_atomically(out, comparison_table.written(found, form))
    elif form is not None:
        print(comparison_table.written(found, form), end="")
    else:
        show(found)
    if report is not None:
        write(report, found, num=num, order=order, seed=seed)
        errors.print(f"the report is in {report}", markup=False)


def format_of(form: str | None, out: Path | None) -> str | None:
    """The format of the table: as asked for, or by the ending of its file."""
    from training.comparison_table import FORMATS

    if form is not None:
        if form not in FORMATS:
            raise unknown("format", form, FORMATS)
        return form
    endings = {".md": "markdown", ".csv": "csv", ".json": "json"}
    if out is not None and out.suffix not in endings:
        raise InputError(f"{out} has none of the endings {', '.join(endings)}; give a --format")
    return None if out is None else endings[out.suffix]


def show(runs) -> None:
    """The table on the terminal, and below it why some figures do not compare."""
    from training.comparison import differences
    from training.comparison_table import rows_of

    cells = [[row.label, *row.cells] for row in rows_of(runs)]
    table(
        f"{len(runs)} run{'s' * (len(runs) != 1)}",
        ["", *(run.name for run in runs)],
        cells,
        whole=True,
    )
    for difference in differences(runs):
        errors.print(harmless(difference), markup=False)


def write(path: Path, runs, *, num: int, order: int, seed: int) -> None:
    """Looks at the models, one after the other, and writes the report."""
    with silence():
        import tensorflow as tf
    tf.get_logger().setLevel("ERROR")  # it warns of functions traced again, as those of every new model are
    from training.inspection import inspect
    from training.report.writing import write_report

    seen = []
    for run in runs:
        errors.print(f"looking at {run.name}", markup=False)
        seen.append(inspect(run, num, seed))
    write_report(path, runs, seen, order=order, seed=seed)

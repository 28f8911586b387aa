"""textgen check-export: would a stock TF Serving serve an export?"""

from typing import Annotated

import typer

from training.cli.shared import print_json, print_lines, silence, table

OPS_A_ROW = 2


def command(
    path: Annotated[str, typer.Argument(help="A folder with a SavedModel, or one of versions: then the highest.")],
    allow_text_ops: Annotated[
        bool, typer.Option("--allow-text-ops", help="For servers whose tensorflow-text fits the export.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Look for what a stock TF Serving (2.20, 2.21) would refuse; exits with 1 if there is anything."""
    import zoo
    from zoo.audit.files import find_version

    find_version(path)  # a wrong path is answered before TensorFlow is loaded
    with silence():
        import tensorflow  # noqa: F401
    report = zoo.check_export(path, allow_text_ops=allow_text_ops)
    if json:
        print_json(report.to_json())
    else:
        show(report)
    if report.problems:
        raise typer.Exit(1)


def show(report) -> None:
    """The report as tables, the problems last."""
    rows = [
        [name, kind, key, tensor.dtype, shape_shown(tensor.shape), default_shown(tensor.default)]
        for name, signature in report.signatures.items()
        for kind, tensors in (("takes", signature.inputs), ("gives", signature.outputs))
        for key, tensor in tensors.items()
    ]
    title = f"{report.path}, written by TensorFlow {report.tensorflow}"
    table(title, ["signature", "", "name", "dtype", "shape", "default"], without_repetitions(rows))
    table(f"{len(report.ops)} ops, {sum(report.ops.values())} nodes", ["op", "nodes"] * OPS_A_ROW, op_rows(report.ops))
    if report.problems:
        print(f"{len(report.problems)} problem{'s' * (len(report.problems) > 1)}:")
        print_lines(f"- {problem}" for problem in report.problems)
    else:
        print("no problems: a stock TF Serving of TensorFlow 2.20 or 2.21 would serve it")


def op_rows(ops: dict[str, int]) -> list[list]:
    """Several ops a row, to the right of each other."""
    cells = [cell for pair in ops.items() for cell in pair]
    cells += [""] * (-len(cells) % (2 * OPS_A_ROW))
    return [cells[first : first + 2 * OPS_A_ROW] for first in range(0, len(cells), 2 * OPS_A_ROW)]


def without_repetitions(rows: list[list]) -> list[list]:
    """A signature's name and "takes" and "gives" stand where they begin."""
    shown, last = [], (None, None)
    for name, kind, *others in rows:
        shown.append(["" if name == last[0] else name, "" if (name, kind) == last else kind, *others])
        last = name, kind
    return shown


def shape_shown(shape) -> str:
    """As "[n, 5]"; "any" where not even the number of axes is known."""
    return "any" if shape is None else "[" + ", ".join("n" if size is None else str(size) for size in shape) + "]"


def default_shown(value) -> str:
    """Nothing for an input that must be given."""
    return "" if value is None else repr(value)

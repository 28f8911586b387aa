"""textgen export: a SavedModel for TF Serving, or the step by which a model writes for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import ModelPath, load_model, print_json


def command(
    model: ModelPath,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the versions, saved_models/<name> if left out; with --step that of the files, "
            "step_models/<name>_<format>."
        ),
    ] = None,
    quantize: Annotated[
        str | None, typer.Option(help="Keep the weights in fewer bytes: float16, bfloat16 or int8.")
    ] = None,
    step: Annotated[
        str | None, typer.Option(help="Write what a step of writing computes instead, for litert or onnx.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="With --step: texts at a time; 1 if left out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Write the next version of a SavedModel for TF Serving, strings in, strings out; or a step for LiteRT or ONNX."""
    import zoo
    from keras_textgen.errors import InputError

    if step is not None and quantize is not None:
        raise InputError("a step is written in float32; leave --quantize or --step out")
    if step is None and batch_size is not None:
        raise InputError("--batch-size is for --step; a SavedModel takes any number of texts")
    loaded = load_model(model)
    name = Path(model).resolve().name.removesuffix(".keras")
    if step is not None:
        size = {} if batch_size is None else {"batch_size": batch_size}
        path = zoo.export_step(loaded, out or Path("step_models") / f"{name}_{step}", step, **size)
        if json:
            print_json({"path": str(path), "files": sorted(file.name for file in path.iterdir())})
        else:
            print(f"{path} holds the functions start and step; {path / 'README.md'} tells how to write by them")
        return
    path = zoo.export(loaded, out or Path("saved_models") / name, quantize=quantize)
    if json:
        print_json({"path": str(path), "signatures": sorted(loaded.signatures())})
    else:
        print(f"{path} offers {', '.join(sorted(loaded.signatures()))}")

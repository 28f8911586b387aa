"""`textgen bench`: published experiments, run again."""

from pathlib import Path
from typing import Annotated

import typer

from keras_textgen.errors import InputError
from training.cli.shared import errors, fail, print_json, require_alone, silence

app = typer.Typer(help="Run a published experiment again.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def bench() -> None:
    """Run a published experiment again."""


@app.command("seqgan-oracle")
def seqgan_oracle(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="The run's folder; runs/seqgan-oracle if left out.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the run in this folder; takes no other option.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes instead of hours.")] = False,
    oracle: Annotated[
        str | None,
        typer.Option(help="The published oracle (.npz); one drawn by seed if left out, whose figures differ."),
    ] = None,
    reward: Annotated[
        str, typer.Option(help="discriminator, a control (constant, random), or a language model's file.")
    ] = "discriminator",
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 0,
    precision: Annotated[str, typer.Option(help="float32 or mixed_bfloat16.")] = "mixed_bfloat16",
    pretrained: Annotated[
        Path | None, typer.Option(help="A run whose pre-training is taken over; the rest of the protocol may differ.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Of the protocol, as name=value: pretraining, judging, rounds, …")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The figures as one JSON object at the end.")] = False,
) -> None:
    """SeqGAN against a random LSTM, by the protocol of Yu et al. 2017."""
    from training.cli.train import parse_setting

    with silence():
        from keras_textgen import devices
        from training import seqgan_oracle as experiment
        from training.oracle_protocol import QUICK, Protocol

    devices.take_two_operations_at_once()
    if resume is not None:
        require_alone(context)
        path, begin = resume, lambda: experiment.resume(resume, watch)
    else:
        path = out or Path("runs") / "seqgan-oracle"
        given = dict(oracle=oracle, reward=reward, seed=seed, precision=precision)
        changes = dict(parse_setting(setting) for setting in settings or [])
        try:
            protocol = Protocol(**{**given, **(QUICK if quick else {}), **changes}).check()
        except TypeError:
            known = ", ".join(field for field in Protocol.__dataclass_fields__ if field not in given)
            raise InputError(f"--set takes one of {known}, not {', '.join(changes)}") from None
        begin = lambda: experiment.start(protocol, path, watch, pretrained)  # noqa: E731

    def watch(unit, units, metrics):
        figures = "  ".join(f"{name} {value:.3f}" for name, value in metrics.items() if name != "phase")
        errors.print(f"{unit:>4}/{units}  {metrics['phase']}  {figures}")

    try:
        figures = begin()
    except KeyboardInterrupt:
        fail(f"stopped; go on with: textgen bench seqgan-oracle --resume {path}", code=130)
    if json:
        print_json({"run": str(path), **figures})
        return
    print(f"the oracle's own entropy: {figures['oracle_entropy']:.3f} nats a token")
    for phase, name in (("generator", "maximum likelihood"), ("adversarial", "SeqGAN")):
        if phase in figures:
            standing = figures[phase]
            print(f"{name}: NLL_oracle {standing['nll_oracle']:.3f}, held out {standing['nll_held_out']:.3f}")
            for line in figures[f"{phase}_sweep"]:
                oracle_nll, held_out = line["nll_oracle"], line["nll_held_out"]
                print(f"  at temperature {line['temperature']:.3f}: {oracle_nll:.3f}, {held_out:.3f}")

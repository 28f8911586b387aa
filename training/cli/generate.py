"""textgen generate: a model writes."""

from pathlib import Path
from typing import Annotated

import typer

from keras_textgen.errors import InputError
from training.cli.shared import (
    AttributeValues,
    ModelPath,
    errors,
    identity_of,
    load_model,
    parse_attributes,
    print_json,
    print_lines,
)
from training.cli.stages import going_on
from training.harmless import harmless

OUT = "A .txt, .jsonl or .parquet file to write to, however many texts; the same command goes on after an interruption."
BLOCK = 512  # texts that are shown together
NUCLEUS = "Keep the likeliest words that hold this much probability."
TYPICAL = "Keep words of about the expected information, with this much probability."


def command(
    model: ModelPath,
    num: Annotated[int, typer.Option("--num", "-n", help="How many texts.")] = 10,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same texts.")] = None,
    prompt: Annotated[str, typer.Option(help="What the texts begin with.")] = "",
    strategy: Annotated[str, typer.Option(help="sample, greedy or beam.")] = "sample",
    temperature: Annotated[float, typer.Option(help="Under 1 safer, over 1 wilder; 0 takes the likeliest word.")] = 1.0,
    top_k: Annotated[int, typer.Option(help="Keep this many of the likeliest words; 0 keeps all.")] = 0,
    top_p: Annotated[float, typer.Option(help=NUCLEUS)] = 1.0,
    typical_p: Annotated[float, typer.Option(help=TYPICAL)] = 1.0,
    num_beams: Annotated[int | None, typer.Option(help="Beams of the strategy beam; 5 if left out.")] = None,
    num_best: Annotated[int, typer.Option(help="Texts of each beam search.")] = 1,
    length_penalty: Annotated[float, typer.Option(help="Of beam search: 0 prefers short texts.")] = 1.0,
    repetition_penalty: Annotated[float, typer.Option(help="Over 1, words that stand in the text get rarer.")] = 1.0,
    min_length: Annotated[int, typer.Option(help="The fewest tokens, the end included.")] = 1,
    max_length: Annotated[int, typer.Option(help="The most tokens; 0 for as many as the model can.")] = 0,
    ban: Annotated[list[str] | None, typer.Option(help="A word that is never written; repeatable.")] = None,
    attribute: AttributeValues = None,
    stream: Annotated[bool, typer.Option("--stream", help="One text, shown while it is written.")] = False,
    out: Annotated[Path | None, typer.Option(help=OUT)] = None,
    shard: Annotated[str | None, typer.Option(help="With --out: only the i-th of n parts, as 2/4.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
) -> None:
    """Write texts, one a line."""
    attributes = parse_attributes(attribute)
    options = dict(
        attributes=attributes,
        seed=seed,
        prompt=prompt,
        strategy=strategy,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        typical_p=typical_p,
        num_beams=1 if num_beams is None else num_beams,
        num_best=num_best,
        length_penalty=length_penalty,
        repetition_penalty=repetition_penalty,
        min_length=min_length,
        max_length=max_length,
        banned=ban or [],
    )
    if shard is not None and out is None:
        raise InputError("--shard needs --out")
    if out is not None and (stream or json):
        raise InputError("--out writes a file; leave out --stream and --json")
    loaded = load_model(model)
    if out is not None:
        return write_file(loaded, model, out, num, shard, options)
    if stream:
        for piece in loaded.stream(**options):
            print(harmless(piece), end="", flush=True)
        return print()
    if json or seed is None:
        texts = loaded.generate(num, **options)
        return print_json(texts) if json else print_lines(texts)
    for first in range(0, max(num, 1), BLOCK):
        print_lines(loaded.generate(min(BLOCK, num - first), first_row=first, **options))


def write_file(loaded, model: str, out: Path, num: int, shard: str | None, options: dict) -> None:
    """Writes the texts into a file, with the progress on the terminal."""
    from training import bulk

    with going_on(out) as stages:
        place = bulk.parse_shard(shard)
        bulk.generate(loaded, out, num, identity_of(model), place, stages, **options)
    errors.print(f"{len(bulk.rows_of_shard(num, place)):,} rows in {out}")

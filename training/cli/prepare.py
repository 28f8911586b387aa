"""textgen prepare: texts of any size to shards that a training reads from the disk."""

from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import errors, load_model, print_json, silence
from training.cli.stages import going_on

DATA = "Texts, as for `textgen train --data`: files, a pattern, a folder, hf:NAME or tfds:NAME/CONFIG."


def command(
    data: Annotated[str, typer.Argument(help=DATA)],
    out: Annotated[Path, typer.Option(help="The folder; give the same command again to go on after a kill.")],
    text: Annotated[
        str | None, typer.Option(help="The text column: a name, or a number from 0 without a header.")
    ] = None,
    attributes: Annotated[
        list[str] | None, typer.Option("--attribute", help="A label that is kept: name, or name=column; repeatable.")
    ] = None,
    valid: Annotated[str | None, typer.Option(help="Validation texts; a share of the texts if left out.")] = None,
    test: Annotated[str | None, typer.Option(help="Test texts; a share of the texts if left out.")] = None,
    vocabulary: Annotated[str | None, typer.Option(help="The words of files of word counts (.feat).")] = None,
    tokenizer: Annotated[str, typer.Option(help="words, characters, wordpiece or bytes.")] = "words",
    splitting: Annotated[str | None, typer.Option(help="For words: punctuation, whitespace or unicode.")] = None,
    vocabulary_size: Annotated[int, typer.Option(help="The most tokens, four special ones included.")] = 10_000,
    like: Annotated[str | None, typer.Option(help="A model whose tokenizer is taken, to train it on.")] = None,
    sample: Annotated[int, typer.Option(help="Texts that the vocabulary is learned from; 0 for all.")] = 200_000,
    max_tokens: Annotated[int, typer.Option(help="Tokens that are kept of a text.")] = 512,
    shard_texts: Annotated[int, typer.Option(help="Texts of a shard.")] = 200_000,
    split_seed: Annotated[int, typer.Option(help="Chooses the texts that are held out, and the sample.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="What came of it as one JSON object.")] = False,
) -> None:
    """Prepare texts of any size for training: shards of token ids, their tokenizer and an index, in constant memory."""
    from training import corpora
    from training.run_config import columns_of

    columns = columns_of(attributes or [])
    with silence():
        import keras
        import tensorflow  # noqa: F401
    kind = tokenizer if like is None else keras.saving.serialize_keras_object(load_model(like).tokenizer)
    with going_on(out) as stages:
        corpus = corpora.prepare(
            data,
            out,
            text=text,
            labels=columns,
            valid=valid,
            test=test,
            vocabulary=vocabulary,
            watch=stages,
            tokenizer=kind,
            tokenizer_options={} if splitting is None else {"splitting": splitting},
            vocabulary_size=vocabulary_size,
            sample=sample,
            max_tokens=max_tokens,
            shard_texts=shard_texts,
            split_seed=split_seed,
        )
    index = corpus.index
    if json:
        counts = {name: index[name] for name in ("texts", "tokens", "cut")}
        return print_json({"out": str(out), **counts, "shards": len(index["shards"])})
    held_out = f"{len(corpus.valid):,} and {len(corpus.test):,} held out"
    errors.print(
        f"{out}: {index['texts']:,} texts of {index['tokens']:,} tokens in {len(index['shards'])} shards, {held_out}"
    )
    if index["cut"]:
        errors.print(f"{index['cut']:,} texts were cut to {max_tokens} tokens; --max-tokens keeps more")
    print(f"textgen train lstm_vae --data {out}")

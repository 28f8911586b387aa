"""The card of an exported step: what goes in, what comes out, and a loop that writes by it."""

from keras_textgen.text import PADDING, START, UNKNOWN
from zoo.step_formats import Format
from zoo.step_functions import ATTRIBUTES, LATENTS, LOGITS, TOKENS, StepFunctions

LOOP = """\
import json

import numpy as np
{loading}
tokens = json.load(open("tokens.json", encoding="utf-8"))
state = start({start})
written, token = [], np.full({size}, 1, np.int32)  # the start token
for _ in range({longest}):
    found = step(tokens=token, **state)
    state = {{f"state_{{place}}": found[f"next_state_{{place}}"] for place in range({states})}}
    logits = found["logits"].astype(np.float64)
    logits[:, {barred}] = -np.inf  # padding, start and unknown are never written
    gumbel = np.random.gumbel(size=logits.shape)  # the largest of the sums is a draw; 0 for the likeliest token
    token = np.argmax(logits + gumbel, axis=1).astype(np.int32)
    written.append(token)
for row in np.stack(written, axis=1).tolist():
    print({join}.join(tokens[token] for token in row[: row.index(2) if 2 in row else None]))  # up to the end token
"""


def card(functions: StepFunctions, writer: Format) -> str:
    """What the files of a step are, in Markdown."""
    model, size = functions.model, functions.batch_size
    lines = [
        f"# {type(model).__name__}, step by step, for {writer.title}",
        "",
        f"{size} text{'s' * (size > 1)} at a time, of at most {model.sequence_length} tokens.",
        "",
        "| | takes | gives |",
        "| --- | --- | --- |",
        f"| `start` | {listed(functions.inputs['start'])} | {listed(functions.state)} |",
    ]
    after = {f"next_{name}": spec for name, spec in functions.state.items()}
    logits = f"{LOGITS} float32 [{size}, {model.tokenizer.vocabulary_size}]"
    lines += [f"| `step` | {listed(functions.inputs['step'])} | {logits}, {listed(after)} |", ""]
    lines += [
        f"- `{TOKENS}`: the ids of the tokens before; first 1, the start token. `tokens.json` has them by id.",
        "- Words are put together by spaces, characters and bytes by nothing, pieces of words as `##` says.",
    ]
    if LATENTS in functions.inputs["start"]:
        lines.append(f"- `{LATENTS}`: what the texts are written from; `latents.npy` has 64 draws of the prior.")
    for place, (name, values) in enumerate(model.attributes.values.items()):
        numbers = ", ".join(f"{number} {value}" for number, value in enumerate(values))
        lines.append(f"- `{ATTRIBUTES}[:, {place}]`: {name}: {numbers}.")
    return "\n".join([*lines, "", "```python", loop(functions, writer) + "```", ""])


def listed(specs: dict) -> str:
    """Names with types and shapes."""
    return ", ".join(f"{name} {spec.dtype.name} {spec.shape.as_list()}" for name, spec in specs.items()) or "nothing"


def loop(functions: StepFunctions, writer: Format) -> str:
    """Python that writes texts by the files of a folder."""
    size, given = functions.batch_size, []
    if LATENTS in functions.inputs["start"]:
        given.append(f'{LATENTS}=np.load("latents.npy")[np.random.choice(64, {size})]')
    if ATTRIBUTES in functions.inputs["start"]:
        given.append(f"{ATTRIBUTES}=np.zeros([{size}, {len(functions.model.attributes)}], np.int32)")
    return LOOP.format(
        loading=writer.loading,
        start=", ".join(given),
        size=size,
        longest=functions.model.sequence_length,
        states=len(functions.state),
        barred=[PADDING, START, UNKNOWN, *functions.model.barred_tokens],
        join='" "' if hasattr(functions.model.tokenizer, "splitting") else '""',
    )

"""The nodes of a graph and of its functions: is each one that a stock server runs?"""

import collections
import re
from collections.abc import Iterator

from zoo.audit.op_lists import TEXT, Op, versions

PYTHON_OPS = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
COMPILED = "_XlaMustCompile"


class Findings:
    """Problems, each with the places where it was found."""

    def __init__(self):
        self.places = collections.defaultdict(collections.Counter)

    def add(self, place: str, what: str, advice: str) -> None:
        self.places[what, advice][place] += 1

    def lines(self) -> list[str]:
        return [f"{what} in {places_shown(places)}; {advice}" for (what, advice), places in self.places.items()]


def places_shown(places: collections.Counter) -> str:
    """The first three places, with the number of nodes where there are several."""
    names = [f"{place} ({count} nodes)" if count > 1 else place for place, count in places.items()]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def all_nodes(graph) -> Iterator[tuple]:
    """Every node of a `GraphDef` with the place where it stands."""
    for node in graph.node:
        yield "the main graph", node
    for function in graph.library.function:
        for node in function.node_def:
            yield f"function {function.signature.name}", node


def count_ops(graph) -> dict[str, int]:
    """How many nodes of each op, the most frequent first; calls of a function by its name are not counted."""
    functions = {function.signature.name for function in graph.library.function}
    counts = collections.Counter(node.op for _, node in all_nodes(graph) if node.op not in functions)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def problems_of(graph, allow_text_ops: bool) -> list[str]:
    """What a server would refuse, each thing once, with the places.

    Args:
        graph: a `GraphDef`.
    """
    findings = Findings()
    functions = {function.signature.name for function in graph.library.function}
    for function in graph.library.function:
        if function.attr[COMPILED].b:
            add_compiled(findings, f"function {function.signature.name}")
    for place, node in all_nodes(graph):
        if COMPILED in node.attr and node.attr[COMPILED].b:
            add_compiled(findings, place)
        check_device(findings, place, node)
        for called in called_functions(node):
            if called not in functions:
                findings.add(place, f"a call of function {called!r}, which is not there,", "export the model again")
        if node.op not in functions and check_op(findings, place, node.op, allow_text_ops):
            check_attributes(findings, place, node)
    return findings.lines()


def add_compiled(findings: Findings, place: str) -> None:
    findings.add(
        place, f"code that must be compiled by XLA ({COMPILED}), which is disabled in a server,",
        "export it without jit_compile",
    )  # fmt: skip


def check_device(findings: Findings, place: str, node) -> None:
    """A server may have no GPU, and has no other jobs."""
    device = node.device.lower()
    kind = re.search(r"/device:(\w+)|/(gpu|tpu|cpu):", device)
    job = re.search(r"/job:(\w+)", device)
    elsewhere = (kind and (kind[1] or kind[2]) != "cpu") or (job and job[1] != "localhost")
    if elsewhere:
        findings.add(place, f"code is pinned to {node.device}", "export it without tf.device")


def called_functions(node) -> Iterator[str]:
    """The functions that a node's attributes name."""
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (function.name for function in value.list.func)


def check_op(findings: Findings, place: str, name: str, allow_text_ops: bool) -> bool:
    """Whether every version has the op, so that its attributes can be looked at."""
    known = {version: ops.get(name) for version, ops in versions().items()}
    problem = op_problem(name, known, allow_text_ops)
    if problem:
        findings.add(place, *problem)
    return all(known.values())


def op_problem(name: str, known: dict[str, Op | None], allow_text_ops: bool) -> tuple[str, str] | None:
    """What is wrong with an op, and what to do."""
    if name in PYTHON_OPS:
        return f"op {name} calls Python, which a server has not,", "write it with TensorFlow's own ops"
    lacking = [version for version, op in known.items() if op is None]
    if lacking:
        return f"op {name} is unknown to TensorFlow {' and '.join(lacking)}", "write it with core ops"
    groups = {op.group for op in known.values()} - {None}
    if "xla" in groups:
        return f"op {name} needs XLA, which a server has disabled,", "write it with core ops"
    for group in groups - {TEXT}:
        return f"op {name} is one of TensorFlow's {group} ops, which a server may lack,", "write it with core ops"
    stuck = [version for version, op in known.items() if not op.kernel]
    if stuck:
        return f"op {name} has no kernel for a CPU in TensorFlow {' and '.join(stuck)}", "write it with core ops"
    if TEXT in groups and not allow_text_ops:
        return (
            f"op {name} is tensorflow-text's, which a server has only in its own version,",
            "allow text ops if your server links them, or export with a tokenizer of words",
        )
    return None


def check_attributes(findings: Findings, place: str, node) -> None:
    """Every attribute is known to each version, or holds the default of those that know it."""
    ops = {version: listed[node.op] for version, listed in versions().items()}
    for name, value in node.attr.items():
        if name.startswith("_"):
            continue  # notes, which TensorFlow passes over
        lacking = [version for version, op in ops.items() if name not in op.attributes]
        defaults = [op.attributes[name] for op in ops.values() if op.attributes.get(name) is not None]
        if lacking and not any(value == from_json(default) for default in defaults):
            what = f"attribute {name} of op {node.op} is unknown to TensorFlow {' and '.join(lacking)}"
            findings.add(place, what, "leave it at its default, or write it with other ops")


def from_json(default: dict):
    """The message `AttrValue`."""
    from google.protobuf.json_format import ParseDict
    from tensorflow.core.framework import attr_value_pb2

    return ParseDict(default, attr_value_pb2.AttrValue())

"""Writes `lists/<version>.json.gz`: what a TensorFlow's C++ library registers, and tensorflow-text's op libraries add.

The installed TensorFlow, or the folder that the wheels of another were unpacked to:

    python -m zoo.audit.make_op_lists
    pip download --no-deps --dest wheels tensorflow-cpu==2.20.0 tensorflow-text==2.20.0
    unzip -q 'wheels/*.whl' -d 2.20
    python -m zoo.audit.make_op_lists 2.20

A list holds every op, with its attributes and their defaults, whether it has a kernel that a CPU can run, and its
group: "xla", "debug", "rpc", "user" and "experimental datasets" by the generated module of the wheel that an op stands
in, "text" for what tensorflow-text adds.
"""

import base64
import gzip
import json
import re
import sys
from pathlib import Path

from zoo.audit.answering import ask_library, installed_libraries
from zoo.audit.op_lists import FOLDER

GROUPS = {
    "xla": ["compiler/tf2xla/ops/gen_xla_ops.py", "python/tpu/ops/gen_xla_ops.py"],
    "debug": ["python/ops/gen_debug_ops.py"],
    "rpc": ["distribute/experimental/rpc/kernels/gen_rpc_ops.py"],
    "user": ["python/user_ops/ops/gen_user_ops.py"],
    "experimental datasets": ["python/ops/gen_experimental_dataset_ops.py"],
}


def groups(tensorflow: Path) -> dict[str, str]:
    """The group of each op that is in one."""
    found = {}
    for group, modules in GROUPS.items():
        for module in modules:
            names = re.findall(r'tf_export\("raw_ops\.(\w+)"\)', (tensorflow / module).read_text(encoding="utf-8"))
            found |= dict.fromkeys(names, group)
    return found


def registered(tensorflow: Path, more_ops=()) -> tuple[str, dict, set]:
    """The version, the definitions by name, and the names of those with a kernel for the CPU."""
    from tensorflow.core.framework import kernel_def_pb2, op_def_pb2

    found = ask_library({}, tensorflow, more_ops)
    ops = op_def_pb2.OpList.FromString(base64.b64decode(found["ops"])).op
    kernels = kernel_def_pb2.KernelList.FromString(base64.b64decode(found["kernels"])).kernel
    runnable = {kernel.op for kernel in kernels if kernel.device_type in ("CPU", "DEFAULT")}
    return found["version"], {op.name: op for op in ops}, runnable


def attributes(op) -> dict:
    """The default of each attribute in JSON, or nothing where there is none."""
    from google.protobuf.json_format import MessageToDict

    return {a.name: MessageToDict(a.default_value) if a.HasField("default_value") else None for a in op.attr}


def op_list(tensorflow: Path, text: Path) -> dict:
    """The list of one version."""
    version, core, _ = registered(tensorflow)
    libraries = sorted(text.glob("python/*/_*.so"))
    _, ops, runnable = registered(tensorflow, libraries)
    group_of = groups(tensorflow) | dict.fromkeys(set(ops) - set(core), "text")
    return {
        "tensorflow": version,
        "ops": {
            name: {"attributes": attributes(ops[name]), "kernel": name in runnable, "group": group_of.get(name)}
            for name in sorted(ops)
        },
    }


def main(wheels: Path | None = None) -> None:
    """Writes the list of the TensorFlow in a folder that holds `tensorflow` and `tensorflow_text`."""
    wheels = wheels or installed_libraries().parent
    found = op_list(wheels / "tensorflow", wheels / "tensorflow_text")
    path = FOLDER / f"{'.'.join(found['tensorflow'].split('.')[:2])}.json.gz"
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(op, sort_keys=True)}" for name, op in found["ops"].items())
    text = f'{{"tensorflow": "{found["tensorflow"]}", "ops": {{\n{lines}\n}}}}\n'
    path.write_bytes(gzip.compress(text.encode(), mtime=0))  # the same bytes whenever it is made
    kernels = [op for op in found["ops"].values() if op["kernel"]]
    grouped = {group: sum(op["group"] == group for op in kernels) for group in [*GROUPS, "text", None]}
    print(f"{path}: {len(found['ops'])} ops, {len(kernels)} with a kernel for the CPU; {grouped}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))

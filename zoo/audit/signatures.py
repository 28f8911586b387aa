"""The signatures of an export: what a client may send, and what comes back."""

from zoo.audit.report import SignatureReport, TensorReport

# What `tf.saved_model.save` lists beside the signatures of a model.
INTERNAL = ("__saved_model_init_op", "__saved_model_train_op")


def served(meta_graph) -> dict:
    """The signatures that a server offers, by name."""
    return {name: found for name, found in sorted(meta_graph.signature_def.items()) if name not in INTERNAL}


def describe(signature) -> SignatureReport:
    """What a `SignatureDef` takes and gives."""
    return SignatureReport(
        {name: describe_tensor(info, signature.defaults.get(name)) for name, info in sorted(signature.inputs.items())},
        {name: describe_tensor(info) for name, info in sorted(signature.outputs.items())},
    )


def describe_tensor(info, default=None) -> TensorReport:
    """What a `TensorInfo` says."""
    import tensorflow as tf

    shape = [None if axis.size < 0 else axis.size for axis in info.tensor_shape.dim]
    value = None if default is None else plain(tf.make_ndarray(default).tolist())
    return TensorReport(dtype_name(info), None if info.tensor_shape.unknown_rank else shape, value)


def dtype_name(info) -> str:
    """The name of a `TensorInfo`'s dtype; "composite" where it stands for several tensors."""
    import tensorflow as tf

    if info.HasField("composite_tensor"):
        return "composite"
    return tf.as_dtype(info.dtype).name if info.dtype else "invalid"


def plain(value):
    """Lists of what JSON can hold."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def problems_of(meta_graph) -> list[str]:
    """What a client could not send, or a server not name."""
    nodes = {node.name for node in meta_graph.graph_def.node}
    found = [] if served(meta_graph) else ["there is no signature to ask; export the model again"]
    for name, signature in served(meta_graph).items():
        if not signature.outputs:
            found.append(f"signature {name!r} has no output; give it one")
        for kind, infos in ("input", signature.inputs), ("output", signature.outputs):
            for key, info in sorted(infos.items()):
                problem = tensor_problem(info, nodes, kind)
                found += [f"{kind} {key!r} {problem[0]} in signature {name!r}; {problem[1]}"] if problem else []
        found += default_problems(name, signature)
    return found


def tensor_problem(info, nodes: set[str], kind: str) -> tuple[str, str] | None:
    """What is wrong with a `TensorInfo`, and what to do."""
    if info.WhichOneof("encoding") in ("composite_tensor", "coo_sparse"):
        return "is a ragged, sparse or other composite tensor", "make it dense, and tell the lengths beside it"
    if not info.name:
        return "has no name in the graph", "export the model again"
    if info.name.partition(":")[0] not in nodes:
        return f"is the tensor {info.name}, which is not there,", "export the model again"
    if dtype_name(info) in ("resource", "variant", "invalid"):
        return f"is of dtype {dtype_name(info)}, which no client can read or write,", "give strings or numbers"
    if kind == "input" and info.tensor_shape.unknown_rank:
        return "has an unknown number of axes", "export with a tf.TensorSpec that says it, as [None]"
    return None


def default_problems(name: str, signature) -> list[str]:
    """Defaults that do not fit their inputs."""
    found = []
    for key, value in sorted(signature.defaults.items()):
        if key not in signature.inputs:
            found.append(f"there is a default for {key!r}, which is no input, in signature {name!r}; drop it")
        elif value.dtype != signature.inputs[key].dtype:
            found.append(f"the default of input {key!r} has another dtype in signature {name!r}; give it the input's")
    return found

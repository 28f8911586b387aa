"""The files of a SavedModel: which version a path means, its graph, and whether what the graph reads is there."""

from pathlib import Path

from keras_textgen.errors import InputError

GRAPH = "saved_model.pb"


def find_version(path) -> Path:
    """The folder of a SavedModel: the path itself, or the highest version in it, as a server takes it.

    Raises:
        InputError: if there is none.
    """
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"{path} is {'a file' if path.exists() else 'not there'}; name the folder of an export")
    if (path / GRAPH).is_file():
        return path
    versions = [entry for entry in path.iterdir() if entry.name.isdecimal() and entry.is_dir()]
    if not versions:
        empty = not any(path.iterdir())
        found = "is empty" if empty else f"holds neither {GRAPH} nor a version (a folder with a number for a name)"
        raise InputError(f"{path} {found}; write one with textgen export")
    highest = max(versions, key=lambda entry: int(entry.name))
    if not (highest / GRAPH).is_file():
        raise InputError(f"{highest}, the highest version there, has no {GRAPH}; export the model again")
    return highest


def read(folder: Path):
    """The message `SavedModel` of a folder.

    Raises:
        InputError: if the file cannot be read, or is cut short or no SavedModel.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    path = folder / GRAPH
    try:
        return saved_model_pb2.SavedModel.FromString(path.read_bytes())
    except DecodeError:
        raise InputError(f"{path} is damaged or cut short; export the model again") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


def meta_graph_of(saved_model, folder: Path):
    """The graph that a server takes: the one with the tag "serve" and no other.

    Raises:
        InputError: if there is none.
    """
    for meta_graph in saved_model.meta_graphs:
        if list(meta_graph.meta_info_def.tags) == ["serve"]:
            return meta_graph
    raise InputError(f"{folder / GRAPH} holds no graph with the tag 'serve'; export the model again")


def problems_of(folder: Path, meta_graph) -> list[str]:
    """What a server would read and not find, or find damaged."""
    found = [
        f"the asset {asset.filename!r} is not in {folder / 'assets'}; export the model again"
        for asset in meta_graph.asset_file_def
        if not (folder / "assets" / asset.filename).is_file()
    ]
    has_variables = any(node.op in ("VarHandleOp", "VariableV2") for node in meta_graph.graph_def.node)
    return found + (variable_problems(folder / "variables") if has_variables else [])


def variable_problems(folder: Path) -> list[str]:
    """Reads every stored tensor once, which compares it with its checksum."""
    import tensorflow as tf

    if not (folder / "variables.index").is_file():
        return [f"the weights are missing: {folder / 'variables.index'} is not there; export the model again"]
    try:
        reader = tf.train.load_checkpoint(str(folder / "variables"))
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except Exception as error:  # it raises many kinds for a damaged file
        reason = str(getattr(error, "message", error)).splitlines()[0]
        return [f"the weights in {folder} cannot be read ({reason}); export the model again"]
    return []

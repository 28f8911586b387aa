"""The audit of an export: would a stock TensorFlow Serving load it and answer?

Read from the files alone, against lists of the ops that TensorFlow 2.20 and 2.21 register and a CPU can run: 1,473 and
1,474. Without those of XLA (33), debugging (8), remote calls (8), user code (1) and experimental data sets (111), any
of which a server may lack or have disabled, they are 1,312 and 1,313. tensorflow-text has 38 more, which a server links
in a version of its own. `make_op_lists.py` makes the lists.
"""

from zoo.audit import files, nodes, signatures, warm_up
from zoo.audit.report import Report, SignatureReport, TensorReport

__all__ = ["Report", "SignatureReport", "TensorReport", "check_export"]


def check_export(path, allow_text_ops: bool = False) -> Report:
    """Whether stock servers of TensorFlow 2.20 and 2.21 would serve an export, and what it offers. Nothing is loaded.

    Args:
        path: the folder of a version, or that of a model, whose highest version is then looked at.
        allow_text_ops: pass the ops of tensorflow-text, for servers that are known to link a version that fits.

    Raises:
        InputError: if there is no SavedModel at the path, or its graph is damaged.
    """
    folder = files.find_version(path)
    meta_graph = files.meta_graph_of(files.read(folder), folder)
    served = signatures.served(meta_graph)
    return Report(
        path=str(folder),
        tensorflow=meta_graph.meta_info_def.tensorflow_version,
        signatures={name: signatures.describe(found) for name, found in served.items()},
        ops=nodes.count_ops(meta_graph.graph_def),
        problems=[
            *files.problems_of(folder, meta_graph),
            *signatures.problems_of(meta_graph),
            *warm_up.problems_of(folder, served),
            *nodes.problems_of(meta_graph.graph_def, allow_text_ops),
        ],
    )

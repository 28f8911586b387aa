"""The processor's cores; nothing here imports TensorFlow, which must be told of threads before it is."""

import os


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def let_operations_wait() -> None:
    """Lets TensorFlow take two operations at a time on one core, too, where nobody says how many it takes. By itself it
    takes one, and a reward in Python, which is an operation of the training step, then waits for ever for what it
    computes with TensorFlow."""
    if cores() == 1:
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")

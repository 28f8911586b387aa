"""On what a run trains: one device, all that a machine has, or several machines (`tf.distribute`)."""

import contextlib
import json
import os
from collections.abc import Callable

from keras_textgen.errors import InputError, unknown

DISTRIBUTIONS = ("auto", "none", "mirrored", "multiworker")
CLUSTER = "TF_CONFIG"


class WorkerLost(RuntimeError):
    """Another worker of a run has gone, so that no step can be taken. The message is one complete line."""


class Team:
    """The processes that train one model together; mostly a single one.

    Attributes:
        strategy: of TensorFlow; None for one device.
        index, size: which of how many workers this process is. Worker 0 alone writes to the run's folder.
    """

    def __init__(self, strategy=None, index: int = 0, size: int = 1):
        self.strategy, self.index, self.size = strategy, index, size

    @property
    def writes(self) -> bool:
        """Whether this process writes to the run's folder."""
        return self.index == 0

    def scope(self):
        """Where the model must be made."""
        return contextlib.nullcontext() if self.strategy is None else self.strategy.scope()

    def wait(self) -> None:
        """Returns when all workers have come to this place."""
        if self.size > 1:
            import tensorflow as tf

            self.strategy.reduce("SUM", self.strategy.run(lambda: tf.constant(1.0)), axis=None)

    def in_turn(self, action: Callable):
        """What an action gives that may write files: the worker that writes goes first, and the others find them."""
        found = action() if self.writes else None
        self.wait()
        return found if self.writes else action()

    @contextlib.contextmanager
    def together(self):
        """Turns TensorFlow's errors about another worker into `WorkerLost`."""
        import tensorflow as tf

        lost = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.DeadlineExceededError)
        try:
            yield
        except (*lost, tf.errors.InternalError, tf.errors.CancelledError) as error:
            if self.size == 1:
                raise
            raise WorkerLost(
                f"worker {self.index} of {self.size} has lost another one; start all of them again with --auto-resume"
            ) from error


def cluster() -> tuple[int, int]:
    """Which of how many workers `TF_CONFIG` says that this process is; (0, 1) without one.

    Raises:
        InputError: if it cannot be used.
    """
    given = os.environ.get(CLUSTER)
    if not given:
        return 0, 1
    try:
        config = json.loads(given)
        workers, kind, index = config["cluster"]["worker"], config["task"]["type"], config["task"]["index"]
        size = len(workers)
        if kind != "worker" or isinstance(index, bool) or not 0 <= index < size:
            raise InputError(f"{CLUSTER} says {kind} {index!r}, and the cluster has the workers 0 to {size - 1}")
    except InputError:
        raise
    except (KeyError, TypeError, ValueError):
        example = '{"cluster": {"worker": ["host0:2222", "host1:2222"]}, "task": {"type": "worker", "index": 0}}'
        raise InputError(f"{CLUSTER} must be JSON like {example}") from None
    return index, size


def check(distribution: str) -> None:
    """Raises `InputError` if there is no such distribution, or its cluster is not described."""
    if distribution not in DISTRIBUTIONS:
        raise unknown("distribution", distribution, DISTRIBUTIONS)
    size = cluster()[1]
    if distribution == "multiworker" and size == 1:
        raise InputError(f"several machines need {CLUSTER}, which names them; deploy/training.yaml makes one")


def join(distribution: str) -> Team:
    """The team that this process is part of. With several workers it waits for the others, and comes before all else
    that TensorFlow does.

    Args:
        distribution: "none" is one device; "mirrored" all GPUs of this machine; "multiworker" the workers of
            `TF_CONFIG`; "auto" the last where there is a `TF_CONFIG` of several, mirrored where there are several GPUs.

    Raises:
        InputError: if there is no such distribution, or `TF_CONFIG` cannot be used.
    """
    check(distribution)
    index, size = cluster()
    if distribution == "none" or (size == 1 and distribution == "auto"):
        import tensorflow as tf

        if distribution == "none" or len(tf.config.list_logical_devices("GPU")) < 2:
            return Team()
    import tensorflow as tf

    if size > 1 and distribution != "mirrored":
        return Team(tf.distribute.MultiWorkerMirroredStrategy(), index, size)
    return Team(tf.distribute.MirroredStrategy())

"""What is done differently from device to device, decided here and nowhere else.

Only while training: what a model exports runs on any device, and a stock server has neither XLA nor cuDNN.
"""

import contextlib
import os
from pathlib import Path

import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

from keras_textgen.cores import cores

FAST_BFLOAT16 = {"avx512_bf16", "amx_bf16"}  # instructions of a processor that multiply in bfloat16
TENSOR_CORES_FOR_BFLOAT16 = (8, 0)  # the compute capability of the first GPUs that have them


def gpus() -> list[dict]:
    """What is known of each GPU that TensorFlow may use: `device_name`, and for Nvidia's `compute_capability`."""
    return [tf.config.experimental.get_device_details(device) for device in tf.config.get_visible_devices("GPU")]


def takes_cudnn(training) -> bool:
    """Whether an LSTM that is being built into a graph, or runs, may be cuDNN's: while training, on a GPU, with a
    TensorFlow made for cuDNN, and not in what XLA compiles, which has no such operation.

    Args:
        training: as Keras tells a layer; anything but true is the use of a model, which an export holds.
    """
    if training is not True or not gpus() or not tf.sysconfig.get_build_info().get("is_cuda_build"):
        return False
    return not GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def compiles_by_default() -> bool:
    """Whether a training step is compiled by XLA where nobody says: on no device. On a CPU it is slower, on a GPU it
    would rule out cuDNN, and has not been measured."""
    return False


def take_two_operations_at_once() -> None:
    """Lets TensorFlow take two operations at a time, each with half of the cores, instead of one with all: faster where
    a step is many products side by side, too small to be divided, as in SeqGAN's discriminator. Without effect once
    TensorFlow has begun to compute."""
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(max(1, cores() // 2))
        tf.config.threading.set_inter_op_parallelism_threads(2)


def operations_at_once() -> int:
    """How many operations TensorFlow takes at a time: what it was told, else as many as there are cores."""
    environment = os.environ.get("TF_NUM_INTEROP_THREADS", "")
    told = int(environment) if environment.isdecimal() else 0
    return tf.config.threading.get_inter_op_parallelism_threads() or told or cores()


def recommended_precision() -> str:
    """The dtype policy to train with: `mixed_bfloat16` where the device multiplies in bfloat16 by instructions of its
    own, `float32` where it would have to convert."""
    found = gpus()
    if found:
        fast = all(gpu.get("compute_capability", (0, 0)) >= TENSOR_CORES_FOR_BFLOAT16 for gpu in found)
    else:
        fast = bool(FAST_BFLOAT16 & processor_flags())
    return "mixed_bfloat16" if fast else "float32"


def processor_flags() -> set[str]:
    """The names of the processor's instruction sets, where the system tells them (Linux on x86)."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.partition(":")[2].split()) for line in lines if line.startswith("flags")), set())

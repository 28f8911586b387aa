"""Models that write text. Nothing here imports TensorFlow; the modules do."""

from keras_textgen.cores import let_operations_wait

let_operations_wait()

# Where it comes before TensorFlow, it loads only those of its parts that are asked for, which is half a second less.
import tensorflow_probability  # noqa: E402, F401

"""Models that write text. Nothing here imports TensorFlow; the modules do."""

# Where it comes before TensorFlow, it loads only those of its parts that are asked for, which is half a second less.
import tensorflow_probability  # noqa: F401

"""Products of two linear maps."""

import keras
import tensorflow as tf
from keras import layers


@keras.saving.register_keras_serializable("keras_textgen")
class Bilinear(layers.Layer):
    """Units `(W x + b) * (V x + c)`: each is the product of two linear maps (the bilinear unit of Shazeer 2020).

    What may follow often depends on two things together, as an exclusive or does: `but` turns a feeling round, `and`
    repeats it. A product learns that at once where a sum with a non-linearity takes long.

    Called on `[..., width]`, gives `[..., units]`.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.maps = layers.Dense(2 * units, dtype=self.dtype_policy, name="maps")

    def build(self, shape):
        self.maps.build(shape)

    def call(self, features):
        first, second = tf.split(self.maps(features), 2, axis=-1)
        return first * second

    def get_config(self):
        return {**super().get_config(), "units": self.units}

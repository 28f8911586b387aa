"""Adam, with TensorFlow's own op for a step: the moments and the weight are read and written once, where Keras goes
over them once for every operation. The numbers are the same but for rounding.
"""

import keras
import tensorflow as tf


class OneOp:
    """The update of a variable by `ResourceApplyAdam` (Kingma & Ba 2015, the order of section 2)."""

    def update_step(self, gradient, variable, learning_rate):
        # Copies of a variable on several devices have no one handle.
        if self.amsgrad or tf.distribute.has_strategy() or variable.dtype != "float32":
            return super().update_step(gradient, variable, learning_rate)
        step = tf.cast(tf.convert_to_tensor(self.iterations) + 1, tf.float32)
        place = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=handle_of(variable),
            m=handle_of(self._momentums[place]),
            v=handle_of(self._velocities[place]),
            beta1_power=self.beta_1**step,
            beta2_power=self.beta_2**step,
            lr=tf.cast(learning_rate, tf.float32),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(tf.convert_to_tensor(gradient), tf.float32),
        )


def handle_of(variable) -> tf.Tensor:
    """What an op knows a variable by, be it Keras's or TensorFlow's."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


@keras.saving.register_keras_serializable("keras_textgen")
class Adam(OneOp, keras.optimizers.Adam):
    """Adam (Kingma & Ba 2015); arguments as in Keras."""


@keras.saving.register_keras_serializable("keras_textgen")
class AdamW(OneOp, keras.optimizers.AdamW):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019); arguments as in Keras."""

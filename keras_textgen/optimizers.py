"""Adam, with TensorFlow's own op for a step: the moments and the weight are read and written once, where Keras goes
over them once for every operation; and clipping that touches only what is too long. The numbers are the same but for
rounding.
"""

import keras
import tensorflow as tf


class OneOp:
    """The update of a variable by `ResourceApplyAdam` (Kingma & Ba 2015, the order of section 2)."""

    def build(self, variables):
        if not self.built:
            self.began = self.add_variable(shape=(), initializer="zeros", dtype="int64", name="began")
        super().build(variables)

    def _clip_gradients(self, gradients):
        """As in Keras, but gradients that are short enough are read once and not written anew."""
        limit = None if self.clipnorm else self.global_clipnorm
        if not limit or tf.distribute.has_strategy():
            return super()._clip_gradients(gradients)
        known = [tf.convert_to_tensor(gradient) for gradient in gradients if gradient is not None]
        norm = tf.linalg.global_norm(known)
        clip = lambda: [gradient * tf.cast(limit / norm, gradient.dtype) for gradient in known]  # noqa: E731
        clipped = iter(tf.cond(norm <= limit, lambda: known, clip))  # a norm that is no number spoils all, as in Keras
        return [gradient if gradient is None else next(clipped) for gradient in gradients]

    def forget(self) -> None:
        """Starts the moments afresh, as for another objective, whose gradients may be of another size; the number of
        steps, and with it the learning rate's schedule, goes on."""
        for moment in (*self._momentums, *self._velocities):
            moment.assign(tf.zeros_like(moment))
        self.began.assign(tf.cast(tf.convert_to_tensor(self.iterations), tf.int64))

    def update_step(self, gradient, variable, learning_rate):
        if self.amsgrad or variable.dtype != "float32":
            return super().update_step(gradient, variable, learning_rate)
        steps = tf.cast(tf.convert_to_tensor(self.iterations), tf.int64) - tf.convert_to_tensor(self.began)
        powers = [beta ** tf.cast(steps + 1, tf.float32) for beta in (self.beta_1, self.beta_2)]
        place = self._get_variable_index(variable)
        moments = self._momentums[place], self._velocities[place]
        rate = tf.cast(learning_rate, tf.float32)
        # Copies of a variable on several devices have no one handle.
        if tf.distribute.has_strategy():
            return self.update_by_parts(gradient, variable, moments, rate, powers)
        tf.raw_ops.ResourceApplyAdam(
            var=handle_of(variable),
            m=handle_of(moments[0]),
            v=handle_of(moments[1]),
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=tf.cast(tf.convert_to_tensor(gradient), tf.float32),
        )

    def update_by_parts(self, gradient, variable, moments, rate, powers):
        """The same by the operations of Keras."""
        first, second = moments
        gradient = tf.convert_to_tensor(gradient)
        self.assign_add(first, (gradient - first) * (1 - self.beta_1))
        self.assign_add(second, (tf.square(gradient) - second) * (1 - self.beta_2))
        rate *= tf.sqrt(1 - powers[1]) / (1 - powers[0])
        self.assign_sub(variable, first * rate / (tf.sqrt(tf.convert_to_tensor(second)) + self.epsilon))


def forget(optimizer) -> None:
    """Starts the moments of one of these optimizers afresh, also within one that scales losses; others are left."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if isinstance(optimizer, OneOp) and optimizer.built:
        optimizer.forget()


def handle_of(variable) -> tf.Tensor:
    """What an op knows a variable by, be it Keras's or TensorFlow's."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


@keras.saving.register_keras_serializable("keras_textgen")
class Adam(OneOp, keras.optimizers.Adam):
    """Adam (Kingma & Ba 2015); arguments as in Keras."""


@keras.saving.register_keras_serializable("keras_textgen")
class AdamW(OneOp, keras.optimizers.AdamW):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019); arguments as in Keras."""

"""One prediction, from the bytes of a body to those of the answer; it runs in a thread."""

import time

import tensorflow as tf

from keras_textgen.errors import InputError
from zoo.serving.bodies import PredictRequest, answer
from zoo.serving.checks import check_size
from zoo.serving.limits import Limits, Refusal
from zoo.serving.repository import in_a_line
from zoo.serving.servable import Servable

REFUSED = (
    tf.errors.InvalidArgumentError,
    tf.errors.OutOfRangeError,
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,
)


class Prediction:
    """Computes an answer, and remembers what it was about.

    Attributes:
        signature_name: "" until it is known to exist.
        texts: how many strings the answer has.
    """

    def __init__(self, servable: Servable, limits: Limits, deadline: float):
        self.servable, self.limits, self.deadline = servable, limits, deadline
        self.signature_name, self.texts = "", 0

    def __call__(self, body: bytes) -> bytes:
        """The answer's bytes.

        Raises:
            InputError: if the body is not what the signature takes, or the graph refuses it.
            Refusal: 504 if it takes too long, 503 if there is no memory for it.
        """
        if time.monotonic() > self.deadline:
            raise self.late()
        request = PredictRequest.parse(body, self.limits.depth)
        signature = self.servable.signature(request.signature_name)
        self.signature_name = signature.name
        inputs = request.arrays(signature)
        check_size(signature, inputs, self.limits)
        try:
            outputs = self.servable.run(signature, inputs, self.deadline - time.monotonic())
        except REFUSED as error:
            raise InputError(f"{signature.name} cannot answer this: {in_a_line(error)}") from error
        except tf.errors.DeadlineExceededError as error:
            raise self.late() from error
        except tf.errors.ResourceExhaustedError as error:
            raise Refusal(503, "there is no memory for this request: ask in smaller parts") from error
        self.texts = sum(value.size for value in outputs.values() if value.dtype == object)
        return answer(outputs, request.rows)

    def late(self) -> Refusal:
        return Refusal(504, f"the answer took longer than {self.limits.request_seconds:g} s")

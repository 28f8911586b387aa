"""Bytes: any text in any script."""

import keras
import tensorflow as tf

from keras_textgen.errors import InputError
from keras_textgen.text.checks import in_pieces
from keras_textgen.text.ids import SPECIAL_TOKENS
from keras_textgen.text.tokenizer import Tokenizer


@keras.saving.register_keras_serializable("keras_textgen")
class ByteTokenizer(Tokenizer):
    """The 256 bytes of UTF-8: any text in any script, nothing to learn, nothing unknown.

    In plain TensorFlow ops: the one of keras-hub keeps a constant of the first graph it is traced in, and fails in a
    second.
    """

    learns = False

    @property
    def vocabulary_size(self):
        return len(SPECIAL_TOKENS) + 256

    def set_vocabulary(self, vocabulary):
        raise InputError("a byte tokenizer has a fixed vocabulary; leave vocabulary out")

    def learn(self, texts):
        """Checks the texts; there is nothing to learn."""
        for _ in in_pieces(texts):
            pass
        return self

    def tokenize(self, texts):
        pieces = tf.strings.bytes_split(self.normalize(texts))
        values = tf.reshape(tf.io.decode_raw(pieces.flat_values, tf.uint8), [-1])
        return pieces.with_flat_values(tf.cast(values, tf.int32) + len(SPECIAL_TOKENS))

    def join(self, ids):
        pieces = tf.constant([b""] * len(SPECIAL_TOKENS) + [bytes([value]) for value in range(256)])
        texts = tf.strings.reduce_join(ids.with_flat_values(tf.gather(pieces, ids.flat_values)), axis=-1)
        return tf.strings.unicode_transcode(texts, "UTF-8", "UTF-8", errors="replace")

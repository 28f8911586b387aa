"""Characters, for Chinese and other scripts without spaces, or for spelling models."""

import keras
import tensorflow as tf

from keras_textgen.text.tokenizer import VocabularyTokenizer


@keras.saving.register_keras_serializable("keras_textgen")
class CharacterTokenizer(VocabularyTokenizer):
    """One token a Unicode character, for Chinese and other scripts without spaces, or for spelling models."""

    def split(self, texts):
        return tf.strings.unicode_split(texts, "UTF-8", errors="replace")

    def join(self, ids):
        return tf.strings.reduce_join(self.tokens_of(ids), axis=-1)

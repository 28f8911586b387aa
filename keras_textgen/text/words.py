"""Words, for scripts that put spaces between them."""

import keras
import tensorflow as tf

from keras_textgen.errors import unknown
from keras_textgen.text.punctuation import attach_punctuation, detach_punctuation
from keras_textgen.text.tokenizer import VocabularyTokenizer


@keras.saving.register_keras_serializable("keras_textgen")
class WordTokenizer(VocabularyTokenizer):
    """Words, for scripts that put spaces between them.

    Args:
        splitting: "punctuation" parts a text at white space and takes punctuation off the ends of words; "whitespace"
            takes what stands between spaces as it is (for text that is tokenized already, such as Penn Treebank);
            "unicode" parts wherever the script or the kind of character changes (tensorflow-text's
            `UnicodeScriptTokenizer`, which an exported model then needs where it is served).
        lowercase: as in `Tokenizer`; on by default.
    """

    def __init__(self, *, splitting="punctuation", lowercase=True, **kwargs):
        if splitting not in ("punctuation", "whitespace", "unicode"):
            raise unknown("splitting", splitting, ["punctuation", "whitespace", "unicode"])
        self.splitting = splitting
        super().__init__(lowercase=lowercase, **kwargs)

    def get_config(self):
        return {**super().get_config(), "splitting": self.splitting}

    @property
    def requires_tensorflow_text(self):
        return super().requires_tensorflow_text or self.splitting == "unicode"

    def split(self, texts):
        if self.splitting == "unicode":
            import tensorflow_text

            return tensorflow_text.UnicodeScriptTokenizer().tokenize(texts)
        if self.splitting == "punctuation":
            texts = detach_punctuation(texts)
        return tf.strings.split(texts)

    def join(self, ids):
        texts = tf.strings.reduce_join(self.tokens_of(ids), axis=-1, separator=" ")
        return texts if self.splitting == "whitespace" else attach_punctuation(texts)

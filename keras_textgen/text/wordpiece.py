"""Word pieces, by keras-hub."""

from collections.abc import Iterator

import keras
import tensorflow as tf

from keras_textgen.text.checks import as_texts, in_pieces
from keras_textgen.text.ids import SPECIAL_TOKENS
from keras_textgen.text.punctuation import attach_punctuation
from keras_textgen.text.tokenizer import Tokenizer


def in_graph(tokenizer):
    """keras-hub's `tokenize` and `detokenize` as graph functions; called eagerly they return lists, not tensors."""
    strings = tf.TensorSpec([None], tf.string)
    ids = tf.RaggedTensorSpec([None, None], tf.int32)
    return tf.function(tokenizer.tokenize, [strings]), tf.function(tokenizer.detokenize, [ids])


@keras.saving.register_keras_serializable("keras_textgen")
class WordPieceTokenizer(Tokenizer):
    """Word pieces (Schuster & Nakajima 2012), by keras-hub; needs tensorflow-text where it is served."""

    def __init__(self, *, lowercase=True, **kwargs):
        super().__init__(lowercase=lowercase, **kwargs)

    @property
    def requires_tensorflow_text(self):
        return True

    def learn(self, texts):
        """Learns word pieces, at most `vocabulary_size` of them with the special tokens."""
        from keras_hub.tokenizers import compute_word_piece_vocabulary

        texts = texts if isinstance(texts, Iterator) else as_texts(texts)
        pieces = tf.data.Dataset.from_generator(
            lambda: in_pieces(texts, 1024), output_signature=tf.TensorSpec([None], tf.string)
        )
        dataset = pieces.map(self.normalize)
        pieces = compute_word_piece_vocabulary(
            dataset,
            vocabulary_size=self.limit,
            lowercase=self.lowercase,
            reserved_tokens=list(SPECIAL_TOKENS),
        )
        self.set_vocabulary([piece for piece in pieces if piece not in SPECIAL_TOKENS][: self.limit - 4])
        return self

    def set_vocabulary(self, vocabulary):
        from keras_hub.tokenizers import WordPieceTokenizer as Pieces

        super().set_vocabulary(vocabulary)
        pieces = Pieces([*SPECIAL_TOKENS, *self.vocabulary], lowercase=self.lowercase, oov_token="<unk>")
        self.to_pieces, self.from_pieces = in_graph(pieces)

    def tokenize(self, texts):
        return tf.cast(self.to_pieces(self.normalize(texts)), tf.int32)

    def join(self, ids):
        return attach_punctuation(self.from_pieces(ids))

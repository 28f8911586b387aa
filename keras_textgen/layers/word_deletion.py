"""Word deletion (Shen et al. 2020, "Educating Text Autoencoders")."""

import keras
import tensorflow as tf

from keras_textgen.layers.word_dropout import WordNoise
from keras_textgen.text import END, PADDING


@keras.saving.register_keras_serializable("keras_textgen")
class WordDeletion(WordNoise):
    """Leaves out each word with probability `rate` while training; what follows moves up.

    An encoder that reads such texts has to map texts that are alike to latents that are. The end token stays.
    """

    def strike(self, ids, struck):
        kept = (~struck & tf.not_equal(ids, PADDING)) | tf.equal(ids, END)
        return tf.ragged.boolean_mask(ids, kept).to_tensor(PADDING, shape=tf.shape(ids))

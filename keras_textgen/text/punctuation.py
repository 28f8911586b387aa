"""Punctuation off the ends of words, and back on."""

import tensorflow as tf

CLOSING = r".,!?;:…)\]}"  # marks that lean on the word before them
OPENING = r"(\[{"  # and on the word after; a straight quotation mark could be either, so it stands alone
MARKS = CLOSING + OPENING + '"'


def detach_punctuation(texts: tf.Tensor) -> tf.Tensor:
    """Puts spaces between words and the marks around them; a run of marks stays one (!? and ...), and so do marks
    inside a word (3.50, o'clock)."""
    texts = tf.strings.regex_replace(texts, rf'([^\s{MARKS}])([{CLOSING}"]+)(\s|$)', r"\1 \2\3")
    return tf.strings.regex_replace(texts, rf'(^|\s)([{OPENING}"]+)([^\s{OPENING}"])', r"\1\2 \3")


def attach_punctuation(texts: tf.Tensor) -> tf.Tensor:
    """Takes the spaces out again; `detach_punctuation` of the result gives the same tokens."""
    for _ in range(2):  # neighbours share the space between them, so a second pass takes the other half
        texts = tf.strings.regex_replace(texts, rf"([^\s{MARKS}]) ([{CLOSING}]+)( |$)", r"\1\2\3")
    return tf.strings.regex_replace(texts, rf'(^| )([{OPENING}]+) ([^\s{OPENING}"])', r"\1\2\3")

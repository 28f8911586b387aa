"""Transformer halves, of keras-hub's blocks: a text to one vector, and a latent and the words so far to the next.

keras-hub takes a second to import, and other models do without it: it is imported where a block is made.
"""

import keras
import tensorflow as tf
from keras import layers

from keras_textgen.layers.bilinear import Bilinear
from keras_textgen.layers.output import output_layer
from keras_textgen.layers.short_convolution import ShortConvolution
from keras_textgen.layers.told import Told
from keras_textgen.layers.word_dropout import WordDropout
from keras_textgen.text import PADDING, START


class WordsAtPlaces(layers.Layer):
    """Embedded tokens, with the sine waves of their places unless `waves` is false (Vaswani et al. 2017, sections 3.4
    and 3.5).

    The vectors are kept small and multiplied by the root of their width, so that a step of Adam, which has one size for
    all weights, moves even a rare word.
    """

    def __init__(self, vocabulary_size, hidden_dim, *, waves=True, **kwargs):
        super().__init__(**kwargs)
        self.scale = hidden_dim**0.5
        # Times the scale of the variance of the waves, so that neither drowns the other.
        spread = keras.initializers.RandomNormal(stddev=0.7 / self.scale)
        policy = self.dtype_policy
        self.embedding = layers.Embedding(vocabulary_size, hidden_dim, spread, dtype=policy, name="embedding")
        self.places = None
        if waves:
            from keras_hub.layers import SinePositionEncoding

            self.places = SinePositionEncoding(dtype="float32")  # bfloat16 cannot tell places over 256 apart

    def build(self, ids_shape):
        self.embedding.build(ids_shape)

    def call(self, ids, first=0):
        """`[batch, length, hidden_dim]` from ids `[batch, length]` whose first place is `first`."""
        words = self.embedding(ids) * self.scale
        if self.places is None:
            return words
        return words + tf.cast(self.places(tf.cast(words, tf.float32), start_index=first), words.dtype)


@keras.saving.register_keras_serializable("keras_textgen")
class TransformerEncoder(layers.Layer):
    """A Transformer over the tokens behind a start token, whose last features stand for the text (Devlin et al. 2019).

    Called on ids `int32 [batch, length]`, gives `[batch, hidden_dim]`. Padding changes nothing.
    """

    def __init__(self, vocabulary_size, hidden_dim, num_layers, num_heads, *, dropout=0.0, **kwargs):
        from keras_hub.layers import TransformerEncoder as Block

        super().__init__(**kwargs)
        self.settings = dict(
            vocabulary_size=vocabulary_size,
            hidden_dim=hidden_dim,
            num_layers=num_layers,
            num_heads=num_heads,
            dropout=dropout,
        )
        policy = self.dtype_policy
        self.words = WordsAtPlaces(vocabulary_size, hidden_dim, dtype=policy, name="words")
        options = dict(dropout=dropout, activation="gelu", normalize_first=True, dtype=policy)
        self.blocks = [
            Block(4 * hidden_dim, num_heads, name=f"block_{place}", **options) for place in range(num_layers)
        ]
        self.normalization = layers.LayerNormalization(epsilon=1e-5, dtype=policy, name="normalization")

    def build(self, ids_shape):
        shape = (None, None, self.settings["hidden_dim"])
        self.words.build(ids_shape)
        for block in self.blocks:
            block.build(shape)
        self.normalization.build(shape)

    def call(self, ids):
        ids = tf.pad(ids, [[0, 0], [1, 0]], constant_values=START)
        features, real = self.words(ids), tf.not_equal(ids, PADDING)
        for block in self.blocks:
            features = block(features, padding_mask=real)
        return self.normalization(features[:, 0])

    def get_config(self):
        return {**super().get_config(), **self.settings}


@keras.saving.register_keras_serializable("keras_textgen")
class TransformerDecoder(layers.Layer):
    """A Transformer that is told the latent twice: as a memory of places before the text that every word attends to,
    and added to every word (the two ways of Li et al. 2020, Optimus, section 3.2).

    Called on latents `[batch, latent]` and ids `int32 [batch, length]` (shifted right), gives logits
    `float32 [batch, length, vocabulary]`. `start` and `step` give the same logits one position at a time; keys and
    values of earlier positions are kept.

    Args:
        sequence_length: the most steps that `step` can take.
        memory_length: number of places of the memory; 0 leaves it out.
        output_dim: width of a `Bilinear` layer before the words, which is told the latent too; 0 leaves it out.
        dropout: rate on the words, in every block and on what the words are read from.
        word_dropout: rate at which input words become unknown while training.
        tie_embeddings: whether the output layer is the transposed embedding (Press & Wolf 2017).
        positions: how a word knows its place: "sine" waves added to it, or "rotary", by which attention sees how far
            apart two words are (Su et al. 2021).
        convolution_width: places that a `ShortConvolution` before each block sees; 0 leaves it out.
    """

    def __init__(
        self,
        vocabulary_size,
        hidden_dim,
        num_layers,
        num_heads,
        sequence_length,
        *,
        memory_length=1,
        output_dim=0,
        dropout=0.0,
        word_dropout=0.0,
        tie_embeddings=False,
        positions="sine",
        convolution_width=0,
        **kwargs,
    ):
        from keras_hub.layers import TransformerDecoder as Block

        super().__init__(**kwargs)
        self.settings = dict(
            vocabulary_size=vocabulary_size,
            hidden_dim=hidden_dim,
            num_layers=num_layers,
            num_heads=num_heads,
            sequence_length=sequence_length,
            memory_length=memory_length,
            output_dim=output_dim,
            dropout=dropout,
            word_dropout=word_dropout,
            tie_embeddings=tie_embeddings,
            positions=positions,
            convolution_width=convolution_width,
        )
        policy = self.dtype_policy
        self.word_dropout = WordDropout(word_dropout, dtype=policy)
        waves = positions == "sine"
        self.words = WordsAtPlaces(vocabulary_size, hidden_dim, waves=waves, dtype=policy, name="words")
        self.dropout = layers.Dropout(dropout, dtype=policy)
        self.memory = None
        if memory_length:
            self.memory = Told(memory_length * hidden_dim, dtype=policy, name="memory")
        self.told = Told(hidden_dim, use_bias=False, dtype=policy, name="told")
        options = dict(dropout=dropout, activation="gelu", normalize_first=True, dtype=policy)
        self.blocks = [
            Block(4 * hidden_dim, num_heads, name=f"block_{place}", **options) for place in range(num_layers)
        ]
        self.convolutions = [
            ShortConvolution(convolution_width, dtype=policy, name=f"convolution_{place}")
            for place in range(num_layers if convolution_width else 0)
        ]
        self.normalization = layers.LayerNormalization(epsilon=1e-5, dtype=policy, name="normalization")
        self.deep_output = Bilinear(output_dim, dtype=policy, name="deep_output") if output_dim else None
        self.output_layer = output_layer(self.words.embedding, tie_embeddings)

    def build(self, z_shape, ids_shape):
        from keras_textgen.layers.attention import give_attention

        hidden_dim, output_dim = self.settings["hidden_dim"], self.settings["output_dim"]
        shape = (None, None, hidden_dim)
        self.words.build(ids_shape)
        if self.memory is not None:
            self.memory.build(z_shape)
        self.told.build(z_shape)
        for block in self.blocks:
            block.build(shape)
            give_attention(block, self.settings["positions"])
        for convolution in self.convolutions:
            convolution.build(shape)
        self.normalization.build(shape)
        if self.deep_output is not None:
            self.deep_output.build((None, None, hidden_dim + z_shape[-1]))
        self.output_layer.build((None, None, output_dim or hidden_dim))

    def call(self, z, ids):
        z = tf.cast(z, self.compute_dtype)
        features = self.inputs(z, self.word_dropout(ids))
        if self.memory is not None:
            features = tf.concat([self.memory_of(z), features], axis=1)
        seen = self.seen_at_first(tf.shape(features)[0])
        for place, block in enumerate(self.blocks):
            features, _ = self.convolved(place, features, seen)
            features = block(features)
        return self.logits(features[:, self.settings["memory_length"] :], z)

    def memory_of(self, z):
        """The places before the text: `[batch, memory_length, hidden_dim]`."""
        return tf.reshape(self.memory(z), [-1, self.settings["memory_length"], self.settings["hidden_dim"]])

    def inputs(self, z, ids, first=0):
        """The words with their places and the latent: `[batch, length, hidden_dim]`."""
        return self.dropout(self.words(ids, first=first) + self.told(z)[:, None])

    def logits(self, features, z):
        """Logits `float32 [batch, length, vocabulary]` of the last block's output `[batch, length, hidden_dim]`."""
        features = self.dropout(self.normalization(features))
        if self.deep_output is not None:
            told = tf.repeat(z[:, None], tf.shape(features)[1], axis=1)
            features = self.deep_output(tf.concat([features, told], axis=-1))
        return self.output_layer(features)

    def start(self, z):
        """The state in which writing starts: the latent, the keys and values of the memory, the first place."""
        z = tf.cast(z, self.compute_dtype)
        settings = self.settings
        heads, width = settings["num_heads"], settings["hidden_dim"] // settings["num_heads"]
        caches = [tf.zeros([tf.shape(z)[0], heads, 0, 2 * width], self.compute_dtype)] * len(self.blocks)
        seen = self.seen_at_first(tf.shape(z)[0])
        if self.memory is not None:
            _, caches, seen = self.attend(self.memory_of(z), caches, seen, 0)
        return z, caches, seen, tf.zeros([], tf.int32)

    def step(self, tokens, state):
        """Logits `float32 [batch, vocabulary]` of what follows `tokens` `int32 [batch]`, and the next state."""
        z, caches, seen, place = state
        inputs = self.inputs(z, tokens[:, None], place)
        features, caches, seen = self.attend(inputs, caches, seen, self.settings["memory_length"] + place)
        return self.logits(features, z)[:, 0], (z, caches, seen, place + 1)

    def attend(self, features, caches, seen, first):
        """The blocks on features from the place `first` on, with what was kept of the places before: keys and values,
        and what the convolutions saw last. Then what is kept of these."""
        kept_caches, kept_seen = [], []
        for place, (block, cache) in enumerate(zip(self.blocks, caches, strict=True)):
            features, last = self.convolved(place, features, seen)
            features, cache = block(features, self_attention_cache=cache, self_attention_cache_update_index=first)
            kept_caches.append(cache)
            kept_seen.extend(last)
        return features, kept_caches, kept_seen

    def seen_at_first(self, batch) -> list:
        """What each convolution saw last where no place was before."""
        return [convolution.nothing_before(batch) for convolution in self.convolutions]

    def convolved(self, place, features, seen):
        """What the block of this place is called on, and a list of what its convolution saw last, empty without one."""
        if not self.convolutions:
            return features, []
        features, last = self.convolutions[place](features, seen[place])
        return features, [last]

    def get_config(self):
        return {**super().get_config(), **self.settings}

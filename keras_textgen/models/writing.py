"""How a model is asked to write: inside the graph, in Python, and piece by piece."""

from collections.abc import Mapping

import tensorflow as tf

from keras_textgen import sampling
from keras_textgen.checks import whole
from keras_textgen.errors import InputError, unknown
from keras_textgen.graph_checks import after
from keras_textgen.layers.casting import cast_once
from keras_textgen.models.graph_functions import NUMBERS, SEED, SEEDS, TEXTS, WHOLE, WHOLES, Signature, strings
from keras_textgen.text import END, PADDING

ROWS_AT_ONCE = 512  # texts times beams that `generate` writes together: more logits leave the processor's cache


class Writing:
    """`generate` and `stream` of a model that has a tokenizer, attributes, a `start` and a `step`."""

    def write(self, state, strategy) -> tf.Tensor:
        """Strings `[n]` that a strategy of `sampling` finds, beginning with `state`."""
        with cast_once(self._flatten_layers()):
            ids = sampling.decode(self.step, state, strategy)
        return self.tokenizer.detokenize(ids)

    def write_likeliest(self, state, num) -> tf.Tensor:
        """Strings `[num]`: the likeliest token at every step."""
        return self.write(state, sampling.TokenByToken(sampling.greedy, self.limits(num, sampling.Options.tensors())))

    def limits(self, num, options: sampling.Options) -> sampling.Limits:
        """What `num` texts may be under the options."""
        prompts = self.tokenizer(options.prompt, sequence_length=self.sequence_length)
        prompts = tf.where(tf.equal(prompts, END), PADDING, prompts)  # it goes on
        longest = tf.where(options.max_length > 0, options.max_length, self.sequence_length)
        return sampling.Limits.of(
            num,
            tf.minimum(longest, self.sequence_length),
            shortest=options.min_length,
            banned=tf.concat([self.tokenizer.token_ids(options.banned), self.barred_tokens], axis=0),
            repetition_penalty=options.repetition_penalty,
            prompts=tf.broadcast_to(prompts, [num, tf.shape(prompts)[1]]),
        )

    @property
    def barred_tokens(self) -> list[int]:
        """Words that the model's texts never have: the end where the tokenizer has none."""
        return [] if self.tokenizer.end_token else [END]

    def condition(self, num, attributes) -> tf.Tensor:
        """What texts are told, `float32 [num, width]`, from one tensor of strings an attribute."""
        return self.attributes.one_hot(self.attributes.look_up(attributes, num))

    def begin_rows(self, rows, seed, *attributes):
        """The state in which the texts of the rows of that number start."""
        condition = self.condition(tf.shape(rows)[0], attributes)
        return self.start(self.draw(sampling.row_seeds(seed, rows, stream=0)), condition)

    def sampler(self, rows, seed, options: sampling.Options) -> sampling.TokenByToken:
        """Draws the tokens of the rows of that number."""
        limits = self.limits(tf.shape(rows)[0], options)
        choose = sampling.rule(options.temperature, options.top_k, options.top_p, options.typical_p)
        uniforms = sampling.uniform(sampling.row_seeds(seed, rows, stream=1), [self.sequence_length])
        return sampling.TokenByToken(choose, limits, uniforms)

    def draw_rows(self, rows, seed, *attributes, **options):
        """Texts of the rows of that number, token by token: each depends on `seed`, its row, its attributes and prompt
        alone."""
        sampler = self.sampler(rows, seed, sampling.Options(**options))
        return {"texts": self.write(self.begin_rows(rows, seed, *attributes), sampler)}

    def search_rows(self, rows, seed, *attributes, **options):
        """The same by beam search."""
        options = sampling.Options(**options)
        limits = self.limits(tf.shape(rows)[0], options)
        beams = sampling.BeamSearch(limits, options.num_beams, options.length_penalty, options.num_best)
        return {"texts": self.write(self.begin_rows(rows, seed, *attributes), beams)}

    def generate_texts(self, num, seed, *attributes, **options):
        num = after(sampling.Options(**options).checks(num, self.sequence_length), num)
        given = tf.range(num, dtype=tf.int64), seed, *attributes
        ways = [lambda name=name: self.functions[name](*given, **options) for name in ("search_rows", "draw_rows")]
        return tf.cond(options["num_beams"] > 1, *ways)

    def generate_each(self, seed, temperature, top_k, top_p, prompt, *attributes):
        """Strings `[n]`, each the first text that its own seed and options write; all inputs are `[n]`."""
        options = sampling.Options.tensors()._replace(temperature=temperature, top_k=top_k, top_p=top_p, prompt=prompt)
        return self.draw_rows(tf.zeros_like(seed), seed, *attributes, **options.clipped()._asdict())

    def generate(
        self,
        num: int = 1,
        *,
        attributes: Mapping | None = None,
        seed: int | None = None,
        strategy: str = "sample",
        first_row: int = 0,
        **options,
    ) -> list[str]:
        """Writes `num` texts. The same seed gives the same texts, here and from the exported model.

        Args:
            attributes: what the texts shall be, as {"sentiment": "positive"}, or a list of `num` values each; every
                attribute of the model.
            seed: an integer; None draws one.
            strategy: "sample", "greedy", or "beam" (with 5 beams, unless `num_beams` says otherwise).
            first_row: the texts are those of the rows from this one on of a longer list with the same seed.
            **options: those of `keras_textgen.sampling.Options`: `temperature`, `top_k`, `top_p`, `typical_p`,
                `num_beams`, `num_best`, `length_penalty`, `repetition_penalty`, `min_length`, `max_length`, `banned`
                (a list of words), `prompt` (one for all, or a list of `num`).

        Returns:
            A list of strings, `num`, or `num * num_best` with the best of each search behind each other.

        Raises:
            InputError: if an argument is unknown or out of range, an attribute is missing or unknown, or the model has
                no vocabulary yet.
        """
        num, seed, told, options = self.wishes(num, attributes, seed, strategy, options)
        first_row = whole(0, first_row=first_row)
        write = self.functions["search_rows" if options.num_beams > 1 else "draw_rows"]
        texts = []
        together = max(ROWS_AT_ONCE // options.num_beams, 1)
        for first in range(0, num, together):
            part = slice(first, min(first + together, num))
            columns = [tf.constant(column[part]) for column in told]
            prompt = options.prompt[part] if len(options.prompt) > 1 else options.prompt
            named = sampling.Options.tensors(**{**options._asdict(), "prompt": prompt})._asdict()
            rows = tf.range(first_row + part.start, first_row + part.stop, dtype=tf.int64)
            texts += strings(write(rows, seed, *columns, **named)["texts"])
        return texts

    def stream(self, *, attributes: Mapping | None = None, seed: int | None = None, strategy="sample", **options):
        """Writes one text and yields it in pieces while it is written: together they are `generate(1, …)[0]`.

        Args:
            as of `generate`, but the strategy is "sample" or "greedy".
        """
        _, seed, told, options = self.wishes(1, attributes, seed, strategy, options)
        if options.num_beams > 1:
            raise InputError("a beam search knows its text only at the end; stream with another strategy")
        return pieces(self.growing(seed, told, sampling.Options.tensors(**options._asdict())))

    def growing(self, seed, told, options):
        """One text after every token, and whether it may still change."""
        rows = tf.zeros([1], tf.int64)
        state = self.begin_rows(rows, seed, *map(tf.constant, told))
        strategy = self.sampler(rows, seed, options)
        # What is kept of the places so far grows: a graph for every length would be traced anew at every token.
        turn = tf.function(
            lambda *before: sampling.write(self.step, strategy, *before), autograph=False, reduce_retracing=True
        )
        position, search = tf.constant(0), strategy.begin()
        while strategy.goes_on(position, search):
            position, state, search = turn(position, state, search)
            yield strings(self.tokenizer.detokenize(strategy.result(position, search)))[0]

    def wishes(self, num, attributes, seed, strategy, options):
        """The arguments of `generate`, checked: number, seed, attributes and options."""
        self.require_weights()
        num = whole(0, num=num)
        for name in options:
            if name not in sampling.Options._fields:
                raise unknown("option of generate", name, sampling.Options._fields)
        if isinstance(options.get("prompt"), str):
            options = {**options, "prompt": [options["prompt"]]}
        options = sampling.Options(**options).check(strategy, self.sequence_length)
        if len(options.prompt) not in (1, num):
            raise InputError(f"{len(options.prompt)} prompts were given for {num} texts")
        self.require_tokens(options.banned)
        seed = sampling.new_seed() if seed is None else sampling.check_seed(seed)
        return num, seed, self.attributes.given(attributes, num), options

    def require_tokens(self, words) -> None:
        """Raises `InputError` if one of the words is not a single token of the vocabulary."""
        for word in words:
            if tf.size(self.tokenizer.token_ids([word])) != 1:
                raise InputError(f"{word!r} cannot be banned: it is not one token of the vocabulary")

    def signatures(self) -> dict[str, Signature]:
        options = sampling.Options.tensors()._asdict()
        each = {"seed": SEEDS, "temperature": NUMBERS, "top_k": WHOLES, "top_p": NUMBERS, "prompt": TEXTS}
        found = {
            "generate": Signature(self.generate_texts, {"num": WHOLE, "seed": SEED}, options=options),
            "generate_batched": Signature(self.generate_each, each),
        }
        if len(self.attributes):
            known = lambda names: {"values": self.attributes.values_of(names)}  # noqa: E731
            found["attributes"] = Signature(known, {"names": TEXTS}, takes_attributes=False)
        return found

    def internal_signatures(self) -> dict[str, Signature]:
        inputs = {"rows": tf.TensorSpec([None], tf.int64), "seed": SEED}
        options = sampling.Options.tensors()._asdict()
        ways = {"draw_rows": self.draw_rows, "search_rows": self.search_rows}
        return {name: Signature(way, inputs, options=options) for name, way in ways.items()}


def pieces(texts):
    """What a growing text gains with each of `texts`, once it is certain."""
    shown, text = "", ""
    for text in texts:
        # The last bytes may be the beginning of a character that is not finished.
        certain = text.rstrip("\ufffd")
        if certain.startswith(shown) and certain != shown:
            yield certain[len(shown) :]
            shown = certain
    if text != shown:
        yield text[len(shown) :]

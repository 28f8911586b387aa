"""What the measurements beside PyTorch share: our model and the numbers of its weights for the peer, and the limit that
the machine sets.

Each contender is a process of its own (`measuring.Contender`), and they work in turn, so that all meet the same load of
the machine; the ratio of the medians is what counts.
"""

import statistics
import time
from pathlib import Path

import measuring
import numpy as np

from training.corpora.files import read_texts

PRECISIONS = ("float32", "mixed_bfloat16")
SPECIAL = 4  # ids before the first word
# Variables of the C library under which freed memory is kept, however large: PyTorch then writes into pages it has.
KEPT = {f"MALLOC_{name}_": str(2**33) for name in ("MMAP_THRESHOLD", "TRIM_THRESHOLD")}


def ours_in(precision: str) -> str:
    """What we are called among the contenders."""
    return f"ours {precision}"


def rows(what: str, unit: str, found: dict, *, rate: bool = False, share: dict | None = None) -> list[dict]:
    """Rows of the table: what each of ours comes to beside each of the others.

    Args:
        found: a figure of every contender.
        share: of the machine's limit.
    """
    mine = {name: value for name, value in found.items() if name in map(ours_in, PRECISIONS)}
    return [
        measuring.row(
            f"{what}, {name.split()[1]}", unit, value, other, theirs, rate=rate, share=(share or {}).get(name)
        )
        for name, value in mine.items()
        for other, theirs in found.items()
        if other not in mine
    ]


def shares(seconds: dict, operations: int, rates: list[dict]) -> dict:
    """The machine's median rates of products, and the share of them that so many operations in these seconds are."""
    rate = {dtype: statistics.median(found[dtype] for found in rates) for dtype in rates[0]}
    share = {
        name: round(operations / statistics.median(found) / rate["bfloat16" if "bf" in name else "float32"], 2)
        for name, found in seconds.items()
    }
    return {"products, GFLOP/s": {dtype: round(value / 1e9) for dtype, value in rate.items()}, "share of that": share}


def limit_threads(threads: int) -> None:
    """Lets TensorFlow compute on so many cores: within an operation, and between those that wait for nothing of one
    another."""
    measuring.take_cores(threads)
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def products(threads: int):
    """A function that gives the floating-point operations a second of products of matrices, by dtype."""
    import tensorflow as tf

    limit_threads(threads)
    return lambda *_: {dtype: product_rate(getattr(tf, dtype)) for dtype in ("float32", "bfloat16")}


def product_rate(dtype, size: int = 1024, repeats: int = 10) -> float:
    """That of one dtype."""
    import tensorflow as tf

    left, right = (tf.cast(tf.random.stateless_normal([size, size], [seed, 0]), dtype) for seed in range(2))
    multiply = tf.function(lambda: tf.matmul(left, right))
    multiply()
    start = time.perf_counter()
    for _ in range(repeats):
        multiply().numpy()
    return repeats * 2 * size**3 / (time.perf_counter() - start)


def sentences(place: Path | None, vocabulary_size: int, longest: int, num: int = 1000) -> list[str]:
    """The lines of a file; without one, random words of our model in texts as long as Penn Treebank's."""
    if place:
        return list(read_texts(place))
    draw = np.random.default_rng(0)
    lengths = np.clip(draw.gamma(4.1, 5.1, num).round(), 1, longest - 1).astype(int)
    return [" ".join(f"w{word}" for word in draw.integers(vocabulary_size - SPECIAL, size=size)) for size in lengths]


def lstm_vae(precision: str, shape, length: int, place: Path | None = None):
    """Our model of a shape (vocabulary, embedding, units, latent), or one that was saved, in a precision."""
    import zoo
    from keras_textgen.text import WordTokenizer

    if place:
        saved = zoo.load(place)
        model = type(saved).from_config({**saved.get_config(), "dtype": precision})
        model.set_weights(saved.get_weights())
        return model
    vocabulary_size, *sizes = shape
    tokenizer = WordTokenizer(vocabulary=[f"w{number}" for number in range(vocabulary_size - SPECIAL)])
    sizes = dict(zip(("embedding_dim", "hidden_dim", "latent_dim"), sizes, strict=True), output_dim=0)
    plain = dict(average_attention=False, dropout=0.5, kl_weight=1.0, free_bits=0.0, weight_decay=0.0)
    return zoo.build("lstm_vae", tokenizer=tokenizer, sequence_length=length, seed=0, dtype=precision, **sizes, **plain)


def weights_for_peer(model) -> dict[str, np.ndarray]:
    """The weights of our model by the names and in the order of `peer_lstm_vae.Peer`."""
    encoder, head, decoder = model.encoder, model.head, model.decoder
    settings = decoder.settings
    assert not (settings["output_dim"] or settings["average_attention"]), "the peer has no such layers"
    output = decoder.output_layer
    kernel = np.asarray(
        np.asarray(output.projection.kernel) @ np.asarray(output.embedding.embeddings).T
        if settings["tie_embeddings"]
        else output.kernel
    )
    found = {
        "read.weight": encoder.embedding.embeddings,
        "head.weight": np.concatenate([np.asarray(head.mean.kernel), np.asarray(head.raw_scale.kernel)], 1).T,
        "head.bias": np.concatenate([np.asarray(head.mean.bias), np.asarray(head.raw_scale.bias)]),
        "embedding.weight": decoder.embedding.embeddings,
        "initial_cell.weight": np.asarray(decoder.initial_cell.kernel).T,
        "initial_cell.bias": decoder.initial_cell.bias,
        "output.weight": kernel.T,
        "output.bias": output.bias,
    }
    for name, lstm in (("encoder", encoder.forward), ("decoder", decoder.lstm)):
        # Both order the gates as input, forget, candidate, output.
        found[f"{name}.weight_ih_l0"] = np.asarray(lstm.kernel).T
        found[f"{name}.weight_hh_l0"] = np.asarray(lstm.recurrent_kernel).T
        found[f"{name}.bias_ih_l0"] = lstm.bias
        found[f"{name}.bias_hh_l0"] = np.zeros(lstm.bias.shape)
    return {name: np.array(value, np.float32) for name, value in found.items()}

"""The zoo: any model by name. TensorFlow is imported only when a model is built, loaded or exported.

>>> import zoo
>>> zoo.list_models("*_vae")
['bow_vae', 'dense_vae', 'lstm_vae', 'seq_vae', 'transformer_vae']
>>> model = zoo.build("lstm_vae")  # doctest: +SKIP
"""

from zoo.registry import ModelSpec, build, list_models, list_presets, register, spec
from zoo.storage import load

__all__ = [
    "ModelSpec",
    "build",
    "check_export",
    "export",
    "export_step",
    "list_models",
    "list_presets",
    "load",
    "register",
    "spec",
]

register(
    "bow_vae",
    "keras_textgen.models.bow_vae:BowVAE",
    summary="word counts to a Gaussian latent, and one softmax that all words of a text come from; topics",
    source="Miao et al. 2016 (NVDM)",
)
register(
    "dense_ae",
    "keras_textgen.models.dense_ae:DenseAE",
    summary="dense layers to a point and back; a Gaussian mixture over the codes makes it write",
    source="Hinton & Salakhutdinov 2006; Ghosh et al. 2020",
)
register(
    "dense_vae",
    "keras_textgen.models.dense_vae:DenseVAE",
    summary="dense layers around a Gaussian latent; words are independent given the latent",
    source="Kingma & Welling 2014",
)
register(
    "gan",
    "keras_textgen.models.gan:GAN",
    summary="noise through dense layers to relaxed one-hot words, judged by dense layers",
    source="Goodfellow et al. 2014; Kusner & Hernandez-Lobato 2016",
)
register(
    "lstm_lm",
    "keras_textgen.models.lstm_lm:LSTMLM",
    summary="an LSTM language model",
    source="Zaremba et al. 2014",
)
register(
    "lstm_vae",
    "keras_textgen.models.lstm_vae:LSTMVAE",
    summary="LSTM encoder and decoder around a Gaussian latent, told to the decoder at every step",
    source="Bowman et al. 2016, with free bits and an annealed KL term",
    presets={
        # Near an autoencoder: texts come back word for word, at the price of a prior that fits less well.
        "reconstruction": {
            "latent_dim": 64,
            "bidirectional": True,
            "dropout": 0.1,
            "word_dropout": 0.2,
            "kl_weight": 0.03,
            "free_bits": 0.0,
            "weight_decay": 0.0,
        },
    },
)
register(
    "ngram_lm",
    "keras_textgen.models.ngram_lm:NGramLM",
    summary="n-grams with interpolated modified Kneser-Ney smoothing",
    source="Chen & Goodman 1998",
    epochs=1,
)
register(
    "seq_vae",
    "keras_textgen.models.seq_vae:SeqVAE",
    summary="a Gaussian latent a word, with a prior that an LSTM over words and latents learns",
    source="Chung et al. 2015 (VRNN)",
)
register(
    "seqgan",
    "keras_textgen.models.seqgan:SeqGAN",
    summary="an LSTM policy, a convolutional discriminator as its reward, Monte-Carlo rollouts, REINFORCE",
    source="Yu et al. 2017",
)
register(
    "transformer_lm",
    "keras_textgen.models.transformer_lm:TransformerLM",
    summary="a Transformer language model",
    source="Radford et al. 2018",
)
register(
    "transformer_vae",
    "keras_textgen.models.transformer_vae:TransformerVAE",
    summary="Transformer encoder and decoder around a Gaussian latent, which every word attends to",
    source="Li et al. 2020 (Optimus), without pre-training",
)


def export(model, directory, **options):
    """Writes the next version of a SavedModel for TF Serving; see `zoo.exporting.export`."""
    from zoo.exporting import export

    return export(model, directory, **options)


def export_step(model, directory, form: str, **options):
    """Writes the step by which a model writes, for LiteRT or ONNX; see `zoo.step_exporting.export_step`."""
    from zoo.step_exporting import export_step

    return export_step(model, directory, form, **options)


def check_export(path, allow_text_ops: bool = False):
    """A report on whether a stock TensorFlow Serving would serve an export; see `zoo.audit.check_export`."""
    from zoo.audit import check_export

    return check_export(path, allow_text_ops=allow_text_ops)

"""The zoo: any model by name. TensorFlow is imported only when a model is built, loaded or exported.

>>> import zoo
>>> zoo.list_models("*_vae")
['lstm_vae']
>>> model = zoo.build("lstm_vae")  # doctest: +SKIP
"""

from zoo.registry import ModelSpec, build, list_models, list_presets, register, spec
from zoo.storage import load

__all__ = ["ModelSpec", "build", "export", "list_models", "list_presets", "load", "register", "spec"]

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
        },
    },
)


def export(model, directory, **options):
    """Writes the next version of a SavedModel for TF Serving; see `zoo.exporting.export`."""
    from zoo.exporting import export

    return export(model, directory, **options)

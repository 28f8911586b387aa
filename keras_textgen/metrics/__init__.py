"""Metrics: what a model's probabilities, latents and texts are worth."""

from keras_textgen.metrics.bleu import bleu, self_bleu, sentence_bleu, sentence_self_bleu
from keras_textgen.metrics.diversity import distinct, distinct_n, entropy_n, longest_copies, verbatim
from keras_textgen.metrics.feature_distances import frechet_distance, mauve, precision_recall
from keras_textgen.metrics.intervals import Estimate, Ratio
from keras_textgen.metrics.latent import active_units, mutual_information
from keras_textgen.metrics.n_gram_perplexity import n_gram_model, n_gram_perplexity
from keras_textgen.metrics.perplexity import Perplexity
from keras_textgen.metrics.reconstruction import exact_match, reconstruction_bleu
from keras_textgen.metrics.sentence_features import FEATURES, NGramFeatures, WordLlamaFeatures, sentence_features

__all__ = [
    "FEATURES",
    "Estimate",
    "NGramFeatures",
    "Perplexity",
    "Ratio",
    "WordLlamaFeatures",
    "active_units",
    "bleu",
    "distinct",
    "distinct_n",
    "entropy_n",
    "exact_match",
    "frechet_distance",
    "longest_copies",
    "mauve",
    "mutual_information",
    "n_gram_model",
    "n_gram_perplexity",
    "precision_recall",
    "reconstruction_bleu",
    "self_bleu",
    "sentence_bleu",
    "sentence_features",
    "sentence_self_bleu",
    "verbatim",
]

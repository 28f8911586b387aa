"""Metrics: what a model's probabilities, latents and texts are worth."""

from keras_textgen.metrics.diversity import distinct
from keras_textgen.metrics.latent import active_units, mutual_information
from keras_textgen.metrics.perplexity import Perplexity
from keras_textgen.metrics.reconstruction import exact_match, reconstruction_bleu

__all__ = ["Perplexity", "active_units", "distinct", "exact_match", "mutual_information", "reconstruction_bleu"]

"""Writing texts token by token, inside the graph.

A model gives `step(tokens, state) -> (logits, state)`; `decode` runs it until a strategy has its texts. Randomness is
drawn for each row from that row's own seed before the loop starts, so that a text depends on its seed alone: not on
its neighbours in the batch, not on how many there are.
"""

from keras_textgen.sampling.beam_search import BeamSearch
from keras_textgen.sampling.draws import draw, top_k
from keras_textgen.sampling.loop import decode, write
from keras_textgen.sampling.monte_carlo import Rollouts, barring, rollouts
from keras_textgen.sampling.options import MOST, STRATEGIES, Options
from keras_textgen.sampling.rules import greedy, keep_top_k, keep_top_p, keep_typical, rule
from keras_textgen.sampling.seeds import check_seed, new_seed, normal, row_seeds, text_seeds, uniform
from keras_textgen.sampling.token_by_token import Limits, TokenByToken

__all__ = [
    "MOST",
    "STRATEGIES",
    "BeamSearch",
    "Limits",
    "Options",
    "Rollouts",
    "TokenByToken",
    "barring",
    "check_seed",
    "decode",
    "draw",
    "greedy",
    "keep_top_k",
    "keep_top_p",
    "keep_typical",
    "new_seed",
    "normal",
    "rollouts",
    "row_seeds",
    "rule",
    "text_seeds",
    "top_k",
    "uniform",
    "write",
]

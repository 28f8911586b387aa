"""Writing with an LSTM language model of Penn Treebank's size beside a plain loop in PyTorch: the same sizes, the same
weights, the same number of texts and tokens, in turn in one process.

    pip install torch
    python benchmarks/decoding.py

Prints a JSON line with the median seconds of each and the ratio, for sampling and for beam search.
"""

import argparse
import json
import os
import platform
import statistics
import time

import numpy as np
import tensorflow as tf
import torch

import zoo
from keras_textgen.text import WordTokenizer


class Peer(torch.nn.Module):
    """An LSTM language model as it is usually written."""

    def __init__(self, vocabulary_size, embedding_dim, hidden_dim):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary_size, embedding_dim)
        self.lstm = torch.nn.LSTM(embedding_dim, hidden_dim, batch_first=True)
        self.output = torch.nn.Linear(hidden_dim, vocabulary_size)

    def step(self, tokens, state):
        """Logits of what follows `tokens` `[n]`, and the next state."""
        hidden, state = self.lstm(self.embedding(tokens)[:, None], state)
        return self.output(hidden[:, 0]), state

    def start(self, num):
        """Tokens and state before the first word."""
        zeros = torch.zeros(1, num, self.lstm.hidden_size)
        return torch.full([num], 2), (zeros, zeros.clone())

    def take(self, model):
        """The weights of our model."""
        decoder, units = model.decoder, self.lstm.hidden_size
        embeddings, kernel, recurrent, bias, output, output_bias = (
            torch.tensor(np.asarray(weight))
            for weight in (
                decoder.embedding.embeddings,
                decoder.lstm.kernel,
                decoder.lstm.recurrent_kernel,
                decoder.lstm.bias,
                decoder.output_layer.kernel,
                decoder.output_layer.bias,
            )
        )
        assert kernel.shape[1] == 4 * units  # both order the gates as input, forget, candidate, output
        with torch.no_grad():
            self.embedding.weight.copy_(embeddings)
            self.lstm.weight_ih_l0.copy_(kernel.T)
            self.lstm.weight_hh_l0.copy_(recurrent.T)
            self.lstm.bias_ih_l0.copy_(bias)
            self.lstm.bias_hh_l0.zero_()
            self.output.weight.copy_(output.T)
            self.output.bias.copy_(output_bias)

    @torch.no_grad()
    def sample(self, num, length, banned):
        """Texts of `length` tokens, drawn token by token: ids `[num, length]`."""
        tokens, state = self.start(num)
        written = []
        for _ in range(length):
            logits, state = self.step(tokens, state)
            logits[:, banned] = -torch.inf
            tokens = torch.multinomial(torch.softmax(logits, dim=-1), 1)[:, 0]
            written.append(tokens)
        return torch.stack(written, dim=1)

    @torch.no_grad()
    def beam_search(self, num, length, banned, beams):
        """The likeliest texts of `length` tokens, `[num, length]`, by a batched beam search."""
        tokens, state = self.start(num * beams)
        scores = torch.full([num, beams], -torch.inf)
        scores[:, 0] = 0  # all beams of a text are the same at first
        written = torch.zeros([num * beams, 0], dtype=torch.long)
        for _ in range(length):
            logits, state = self.step(tokens, state)
            logits[:, banned] = -torch.inf
            totals = scores.reshape(-1, 1) + torch.log_softmax(logits, dim=-1)
            scores, places = totals.reshape(num, -1).topk(beams)
            parents = (places // logits.shape[1] + beams * torch.arange(num)[:, None]).reshape(-1)
            tokens = (places % logits.shape[1]).reshape(-1)
            state = tuple(part[:, parents] for part in state)
            written = torch.cat([written[parents], tokens[:, None]], dim=1)
        return written.reshape(num, beams, length)[:, 0]


def main() -> None:
    """Reads the options, measures both in turn, prints the JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vocabulary", type=int, default=10_000)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--length", type=int, default=22, help="tokens of every text")
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--beams", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    tokenizer = WordTokenizer(vocabulary=[f"w{number}" for number in range(arguments.vocabulary - 4)])
    sizes = dict(embedding_dim=arguments.hidden, hidden_dim=arguments.hidden, output_dim=0, average_attention=False)
    model = zoo.build("lstm_lm", tokenizer=tokenizer, sequence_length=arguments.length, seed=0, **sizes)
    model.decoder.output_layer.kernel.assign(8 * model.decoder.output_layer.kernel)  # as peaked as a trained one
    peer = Peer(arguments.vocabulary, arguments.hidden, arguments.hidden)
    peer.take(model)
    same = dict(seed=0, min_length=arguments.length, max_length=arguments.length)
    never, beams = [0, 1, 2, 3], arguments.beams  # the end, too: all texts are of one length
    jobs = {
        f"sampling {arguments.samples} texts": (
            lambda: model.generate(arguments.samples, **same),
            lambda: peer.sample(arguments.samples, arguments.length, never),
        ),
        f"beam {beams}, {arguments.searches} texts": (
            lambda: model.generate(arguments.searches, strategy="beam", num_beams=beams, **same),
            lambda: peer.beam_search(arguments.searches, arguments.length, never, beams),
        ),
    }
    for job, runs in jobs.items():
        times = [[], []]
        for repeat in range(arguments.repeats + 1):
            for run, found in zip(runs, times, strict=True):
                start = time.perf_counter()
                run()
                if repeat:  # the first call traces
                    found.append(time.perf_counter() - start)
        ours, theirs = (statistics.median(found) for found in times)
        machine = {"machine": platform.machine(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
        spread = [[round(min(found), 3), round(max(found), 3)] for found in times]
        figures = {"seconds": {"ours": round(ours, 3), "PyTorch": round(theirs, 3)}, "from and to": spread}
        print(json.dumps({"job": job, **figures, "PyTorch over ours": round(theirs / ours, 2), **machine}))


if __name__ == "__main__":
    main()

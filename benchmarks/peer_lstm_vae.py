"""A plain LSTM variational autoencoder in PyTorch, which ours is measured beside: as such models are usually written,
trained, scored and made to write."""

import math

import torch

PADDING, START, END = 0, 1, 2
MIN_SCALE = 1e-3


class Peer(torch.nn.Module):
    """An LSTM variational autoencoder."""

    def __init__(self, vocabulary_size, embedding_dim, hidden_dim, latent_dim):
        super().__init__()
        self.read = torch.nn.Embedding(vocabulary_size, embedding_dim)
        self.encoder = torch.nn.LSTM(embedding_dim, hidden_dim, batch_first=True)
        self.head = torch.nn.Linear(hidden_dim, 2 * latent_dim)
        self.embedding = torch.nn.Embedding(vocabulary_size, embedding_dim)
        self.dropout = torch.nn.Dropout(0.5)
        self.initial_cell = torch.nn.Linear(latent_dim, hidden_dim)
        self.decoder = torch.nn.LSTM(embedding_dim + latent_dim, hidden_dim, batch_first=True)
        self.output = torch.nn.Linear(hidden_dim, vocabulary_size)

    def posterior(self, ids):
        """Mean and standard deviation, each `[n, latent]`, of texts `[n, length]`."""
        _, (last, _) = self.encoder(self.read(ids))
        mean, raw_scale = self.head(last[0]).chunk(2, dim=1)
        return mean, torch.nn.functional.softplus(raw_scale) + MIN_SCALE

    @torch.no_grad()
    def encode(self, rows, batch=64):
        """The means of the posteriors of texts, each `[length]`: `[n, latent]`. A batch after the other, in the order
        of the texts, padded to its longest and packed."""
        means = []
        for first in range(0, len(rows), batch):
            part = rows[first : first + batch]
            words = self.read(torch.nn.utils.rnn.pad_sequence(part, batch_first=True))
            lengths = torch.tensor([len(row) for row in part])
            packed = torch.nn.utils.rnn.pack_padded_sequence(words, lengths, batch_first=True, enforce_sorted=False)
            _, (last, _) = self.encoder(packed)
            means.append(self.head(last[0]).chunk(2, dim=1)[0])
        return torch.cat(means)

    def initial_state(self, z):
        """Hidden and cell state of the decoder, each `[1, n, units]`."""
        cell = self.initial_cell(z)[None]
        return torch.tanh(cell), cell

    def token_losses(self, z, ids):
        """Negative log-probabilities `[n, length]` of the tokens of texts given latents, in nats."""
        words = self.dropout(self.embedding(torch.nn.functional.pad(ids[:, :-1], (1, 0), value=START)))
        told = z[:, None].expand(-1, words.shape[1], -1)
        states, _ = self.decoder(torch.cat([words, told], dim=2), self.initial_state(z))
        logits = self.output(self.dropout(states)).flatten(0, 1)
        return torch.nn.functional.cross_entropy(logits, ids.flatten(), reduction="none").reshape(ids.shape)

    def loss(self, ids):
        """The mean of the negative evidence lower bound of texts `[n, length]`, in nats."""
        mean, scale = self.posterior(ids)
        z = mean + scale * torch.randn_like(mean)
        rate = 0.5 * (mean.square() + scale.square() - 1 - 2 * scale.log()).sum(dim=1).mean()
        return self.token_losses(z, ids).sum() / len(ids) + rate

    @torch.no_grad()
    def score(self, text, samples, chunk=100):
        """The importance-weighted bound of `log p(x)` of one text `[length]`, in nats: the samples in chunks, as the
        code published with He et al. 2019 takes them."""
        weights = []
        for first in range(0, samples, chunk):
            mean, scale = self.posterior(text[None])
            posterior = torch.distributions.Normal(mean, scale)
            z = posterior.sample((min(chunk, samples - first),))[:, 0]
            prior = torch.distributions.Normal(torch.zeros_like(mean), torch.ones_like(scale))
            log_likelihood = -self.token_losses(z, text.expand(len(z), -1)).sum(dim=1)
            log_ratio = prior.log_prob(z).sum(dim=1) - posterior.log_prob(z).sum(dim=1)
            weights.append(log_likelihood + log_ratio)
        return (torch.logsumexp(torch.cat(weights), dim=0) - math.log(samples)).item()

    # Writing, one token after another

    def step(self, tokens, z, state):
        """Logits of what follows `tokens` `[n]`, and the next state."""
        hidden, state = self.decoder(torch.cat([self.embedding(tokens), z], dim=1)[:, None], state)
        return self.output(hidden[:, 0]), state

    @torch.no_grad()
    def write(self, z, length, banned, likeliest=False):
        """Texts of at most `length` tokens, drawn token by token or the likeliest at every step: ids `[n, length]`. All
        rows are computed until the last one has ended, as is usual."""
        tokens, state, written = torch.full([len(z)], START), self.initial_state(z), []
        ended = torch.zeros(len(z), dtype=torch.bool)
        for _ in range(length):
            logits, state = self.step(tokens, z, state)
            logits[:, banned] = -torch.inf
            draw = lambda logits: torch.multinomial(torch.softmax(logits, dim=-1), 1)[:, 0]  # noqa: E731
            tokens = (logits.argmax(dim=-1) if likeliest else draw(logits)).masked_fill(ended, PADDING)
            written.append(tokens)
            ended |= tokens == END
            if ended.all():
                break
        return torch.stack(written, dim=1)

    @torch.no_grad()
    def beam_search(self, z, length, banned, beams):
        """The likeliest texts of at most `length` tokens, `[n, length]`, by a batched beam search: a beginning that has
        ended keeps its place and its score, until all have."""
        num, z = len(z), z.repeat_interleave(beams, dim=0)
        tokens, state = torch.full([num * beams], START), self.initial_state(z)
        scores = torch.full([num, beams], -torch.inf)
        scores[:, 0] = 0  # all beams of a text are the same at first
        written = torch.zeros([num * beams, 0], dtype=torch.long)
        ended = torch.zeros(num * beams, dtype=torch.bool)
        for _ in range(length):
            logits, state = self.step(tokens, z, state)
            logits[:, banned] = -torch.inf
            log_probs = torch.log_softmax(logits, dim=-1)
            log_probs[ended] = -torch.inf
            log_probs[ended, PADDING] = 0
            totals = scores.reshape(-1, 1) + log_probs
            scores, places = totals.reshape(num, -1).topk(beams)
            parents = (places // logits.shape[1] + beams * torch.arange(num)[:, None]).reshape(-1)
            tokens = (places % logits.shape[1]).reshape(-1)
            state = tuple(part[:, parents] for part in state)
            written = torch.cat([written[parents], tokens[:, None]], dim=1)
            ended = ended[parents] | (tokens == END)
            if ended.all():
                break
        return written.reshape(num, beams, -1)[:, 0]


def with_weights(weights, threads) -> Peer:
    """A model with the weights that `side_by_side.weights_for_peer` gives, to be measured on so many threads."""
    torch.set_num_threads(threads)
    shape = *weights["embedding.weight"].shape, weights["encoder.weight_hh_l0"].shape[1]
    peer = Peer(*shape, len(weights["head.bias"]) // 2).eval()
    peer.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    return peer


def training(shape, batches, threads):
    """A function that takes a step on every batch."""
    torch.set_num_threads(threads)
    model = Peer(*shape)
    optimizer = torch.optim.Adam(model.parameters())
    batches = [torch.tensor(ids, dtype=torch.long) for ids in batches]

    def run():
        for ids in batches:
            optimizer.zero_grad(set_to_none=True)
            model.loss(ids).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()

    return run

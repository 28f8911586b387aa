"""A plain LSTM variational autoencoder in PyTorch, which `training_speed.py` holds ours against."""

import torch


class Peer(torch.nn.Module):
    """An LSTM variational autoencoder as it is usually written."""

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

    def loss(self, ids):
        """The mean of the negative evidence lower bound of texts `[n, length]`, in nats."""
        _, (last, _) = self.encoder(self.read(ids))
        mean, log_variance = self.head(last[0]).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        words = self.dropout(self.embedding(torch.nn.functional.pad(ids[:, :-1], (1, 0), value=1)))
        told = z[:, None].expand(-1, words.shape[1], -1)
        cell = self.initial_cell(z)[None]
        states, _ = self.decoder(torch.cat([words, told], dim=2), (torch.tanh(cell), cell))
        logits = self.output(self.dropout(states)).flatten(0, 1)
        distortion = torch.nn.functional.cross_entropy(logits, ids.flatten(), reduction="sum") / len(ids)
        rate = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
        return distortion + rate


def peer_of(shape, batches):
    """A function that takes a step on every batch."""
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

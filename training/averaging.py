"""The mean of the weights of a run's last epochs: it lies where they only wander about, and generalises better."""

import numpy as np

from training.evaluation import negative_log_likelihood


def mean_of_last(folder, num: int):
    """The model whose trainable weights are the means of those of the last `num` epochs (Vaswani et al. 2017, section
    6.1; Polyak & Juditsky 1992), or of as many as there are; what is not trained is that of the last.

    Args:
        folder: of the run.
    """
    import zoo

    records = folder.checkpoints.records()
    last = sorted({state["latest"]: state["epoch"] for state in records}.items(), key=lambda item: -item[1])[:num]
    model, *others = (zoo.load(folder.checkpoint(name)) for name, _ in last)
    for weights in zip(*(one.trainable_variables for one in (model, *others)), strict=True):
        weights[0].assign(np.mean([np.asarray(weight, np.float64) for weight in weights], axis=0))
    return model


def better_mean(folder, config, valid):
    """`mean_of_last` where the configuration asks for one and validation texts are likelier under it than under the
    best epoch's model, by the measure that chose that; else None."""
    best = folder.state()["best_value"]
    if config.average_epochs == 1 or best is None:
        return None
    model = mean_of_last(folder, config.average_epochs)
    found = negative_log_likelihood(model, valid, valid.labels, config.validation_samples).mean()
    return model if found < best else None

"""textgen demo: the whole road in a few minutes."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from training.cli.shared import console, errors, figures_table, silence, table

EPOCHS = 6
TEXTS = 16_000


def command(
    out: Annotated[Path, typer.Option(help="A folder for the run; made anew.")] = Path("runs/demo"),
    export: Annotated[Path, typer.Option(help="The folder of the exported versions.")] = Path("saved_models/demo"),
) -> None:
    """Train a small LSTM-VAE on the built-in reviews, look at what it writes, export it and ask the export."""
    with silence():
        import tensorflow as tf

    import zoo
    from keras_textgen.sampling import Options
    from training import corpora, trainer
    from training.against_grammar import samples_against_grammar
    from training.cli.progress import ShowProgress
    from training.evaluation import evaluate

    def watch(folder, config, steps):
        return [ShowProgress(config.epochs, steps)]

    corpus = corpora.load("reviews")
    errors.print(f"A corpus by a grammar of our own: {corpus.entropy():.2f} nats a sentence, for example")
    for text in corpus.train[:3]:
        errors.print(f"  {text}", markup=False)
    errors.print(f"\nTraining a small lstm_vae on {TEXTS:,} of its texts")
    if out.exists():
        shutil.rmtree(out)
    config = trainer.RunConfig(
        "lstm_vae",
        "reviews",
        # A light KL term, so that the little training there is time for shows in the reconstructions too.
        hyperparameters={"embedding_dim": 128, "dropout": 0.1, "kl_weight": 0.3, "free_bits": 0.0},
        limit=TEXTS,
        epochs=EPOCHS,
        learning_rate=3e-3,
        precision="mixed_bfloat16",
        validation_texts=300,
    )
    trainer.start(config, out, watch)
    model = zoo.load(out)

    table("Samples", ["seed 1"], [[text] for text in model.generate(10, seed=1)])
    texts = list(corpus.test[:5])
    pairs = zip(texts, model.reconstruct(texts), strict=True)
    table("Reconstructions", ["text", "what came back"], [list(pair) for pair in pairs])
    a, b = corpus.test[0], corpus.test[1]
    table("An interpolation", [f"from {a!r} to {b!r}"], [[text] for text in model.interpolate(a, b, 6)])
    figures = evaluate(model, corpus.test[:1000], num_samples=20, grammar=corpus)
    figures.take(samples_against_grammar(model.generate(500, seed=0), {}, corpus))
    figures_table("Test figures (a real run takes 30 epochs on all 50,000 texts)", figures)

    path = zoo.export(model, export)
    served = tf.saved_model.load(str(path)).signatures["generate"]
    options = Options.tensors()._asdict()  # a server fills in what a request leaves out, the loader in Python does not
    answer = served(num=tf.constant(3), seed=tf.constant(1, tf.int64), **options)
    answer = [text.decode() for text in answer["texts"].numpy()]
    table(f"{path} answers", ["generate(num=3, seed=1)"], [[text] for text in answer])
    same = "the same texts as" if answer == model.generate(3, seed=1) else "NOT the texts of"
    console.print(f"The exported model writes {same} the model in Python.", markup=False)

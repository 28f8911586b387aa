"""The command as a user meets it: what it says, where it says it, and how it exits."""

import contextlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import zoo
from training import corpora

ROOT = Path(__file__).parents[2]


def in_new_process(*arguments):
    command = [sys.executable, "-c", "from training.cli import main; main()", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture
def ask(textgen, untraced):
    """`textgen`, for verbs that ask a model once: nothing is traced."""

    def call(*arguments):
        with untraced():
            return textgen(*arguments)

    return call


@pytest.fixture
def files(tmp_path, tiny_run):
    """Bad files of every kind, by name."""
    model = (tiny_run.path / "model.keras").read_bytes()
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "latin.txt").write_bytes(b"good line\ncaf\xe9\n")
    (tmp_path / "truncated.keras").write_bytes(model[:2000])
    (tmp_path / "flipped.keras").write_bytes(model[:-3000] + bytes([model[-3000] ^ 255]) + model[-2999:])
    (tmp_path / "foreign.keras").write_bytes(b"PK\x03\x04 something else")
    (tmp_path / "empty.keras").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "other_version").mkdir()
    (tmp_path / "other_version" / "config.json").write_text('{"model": "lstm_vae", "data": "reviews", "wings": 2}')
    return tmp_path


VERBS = (
    "models",
    "demo",
    "prepare",
    "train",
    "tune",
    "generate",
    "reconstruct",
    "interpolate",
    "encode",
    "score",
    "evaluate",
    "compare",
    "export",
    "serve",
    "call",
)
TRAIN = ("train", "lstm_vae", "--data")
BAD = {
    "unknown model": (("train", "lstm_vea", "--data", "x"), "unknown model 'lstm_vea'; did you mean 'lstm_vae'"),
    "no data": (("train", "lstm_vae"), "give a model and --data"),
    "empty file": ((*TRAIN, "{files}/empty.txt"), "empty.txt: holds no texts"),
    "file not UTF-8": ((*TRAIN, "{files}/latin.txt"), "latin.txt, line 2: not UTF-8"),
    "missing file": ((*TRAIN, "{files}/missing.txt"), "missing.txt: no such file"),
    "misspelt corpus": ((*TRAIN, "revews"), "did you mean 'reviews'"),
    "unknown hyper-parameter": ((*TRAIN, "{run.data}", "--set", "latent_dims=4"), "did you mean 'latent_dim'"),
    "ill-typed hyper-parameter": ((*TRAIN, "{run.data}", "--set", "latent_dim=big"), "must be of type int, not 'big'"),
    "hyper-parameter out of range": ((*TRAIN, "{run.data}", "--set", "dropout=1.5"), "dropout must be below 1"),
    "setting without a value": ((*TRAIN, "{run.data}", "--set", "dropout"), "--set takes name=value"),
    "unknown KL schedule": ((*TRAIN, "{run.data}", "--set", "kl_weight=linaer:3"), "did you mean 'linear'"),
    "unknown option of a tokenizer": (
        (*TRAIN, "{run.data}", "--tokenizer", "bytes", "--splitting", "unicode"),
        "tokenizer 'bytes' does not take these options",
    ),
    "unknown tokenizer": ((*TRAIN, "{run.data}", "--tokenizer", "word"), "did you mean 'words'"),
    "unknown preset": ((*TRAIN, "{run.data}", "--preset", "recon"), "unknown preset of lstm_vae 'recon'"),
    "epochs out of range": ((*TRAIN, "{run.data}", "--epochs", "0"), "epochs must be at least 1"),
    "run folder in use": ((*TRAIN, "{run.data}", "--out", "{run.path}"), "exists already"),
    "run folder below a file": ((*TRAIN, "{run.data}", "--out", "{run.data}/run"), "cannot be written"),
    "resume nothing": (("train", "--resume", "{files}/missing"), "there is no run folder"),
    "resume what is no run": (("train", "--resume", "{files}/folder"), "is {files}/folder a run folder?"),
    "resume a run of another version": (("train", "--resume", "{files}/other_version"), "is not of this version"),
    "evaluate a run of another version": (("evaluate", "{files}/other_version"), "is not of this version"),
    "resume with options": (("train", "lstm_vae", "--resume", "{run.path}"), "give it alone"),
    "resume with an option that has a default": (("train", "--resume", "{run.path}", "--seed", "0"), "give it alone"),
    "resume an experiment with options": (
        ("bench", "seqgan-oracle", "--resume", "{run.path}", "--seed", "3"),
        "give it alone",
    ),
    "an experiment that a run is none of": (("bench", "seqgan-oracle", "--resume", "{run.path}"), "no run of this"),
    "an experiment from nowhere": (("bench", "seqgan-oracle", "--pretrained", "{files}/missing"), "no run folder"),
    "missing model": (("generate", "{files}/missing"), "there is no file"),
    "folder that is no run": (("generate", "{files}/folder"), "folder without a model.keras"),
    "truncated model": (("generate", "{files}/truncated.keras"), "truncated"),
    "damaged model": (("generate", "{files}/flipped.keras"), "flipped.keras"),
    "foreign file": (("generate", "{files}/foreign.keras"), "no .keras file"),
    "empty model": (("generate", "{files}/empty.keras"), "is empty"),
    "number out of range": (("generate", "{run.path}", "-n", "-1"), "num must be at least 0"),
    "top-p out of range": (("generate", "{run.path}", "--top-p", "0"), "top_p must be above 0"),
    "unknown strategy": (("generate", "{run.path}", "--strategy", "gredy"), "did you mean 'greedy'"),
    "empty string": (("reconstruct", "{run.path}", ""), "a text is empty"),
    "no text": (("score", "{run.path}"), "give at least one text"),
    "text twice": (("encode", "{run.path}", "a", "--data", "{run.data}"), "not both"),
    "texts not UTF-8": (("encode", "{run.path}", "--data", "{files}/latin.txt"), "line 2: not UTF-8"),
    "empty end of an interpolation": (("interpolate", "{run.path}", "a", ""), "b[0] is empty"),
    "too few steps": (("interpolate", "{run.path}", "a", "b", "--steps", "1"), "steps must be at least 2"),
    "unknown method": (("interpolate", "{run.path}", "a", "b", "--method", "sperical"), "did you mean 'spherical'"),
    "temperatures that are none": (("evaluate", "{run.path}", "--temperatures", "0.5..x"), "--temperatures takes"),
    "endless temperatures": (("evaluate", "{run.path}", "--temperatures", "1..1e12"), "--temperatures takes"),
    "one sample": (("evaluate", "{run.path}", "--num", "1"), "give at least 2, or 0"),
    "temperatures of nothing": (
        ("evaluate", "{run.path}", "--num", "0", "--temperatures", "1"),
        "needs samples to judge",
    ),
    "a temperature of nothing": (("evaluate", "{run.path}", "--temperatures", "0,1"), "numbers over 0"),
    "unknown trained model": (("generate", "lstm_vae/reviewz"), "unknown trained lstm_vae 'reviewz'; did you mean"),
    "a trained preset": (
        ("train", "lstm_vae", "--data", "reviews", "--preset", "reviews"),
        "--start-from lstm_vae/reviews",
    ),
    "unknown split": (("evaluate", "{run.path}", "--split", "tset"), "did you mean 'test'"),
    "no samples": (("score", "{run.path}", "a", "--samples", "0"), "num_samples must be at least 1"),
    "an attribute without its value": (("generate", "{run.path}", "--attribute", "sentiment"), "takes name=value"),
    "an attribute that the model does not know": (
        ("generate", "{run.path}", "--attribute", "sentiment=positive"),
        "the model knows no attributes",
    ),
    "an attribute that a corpus does not have": (
        ("train", "lstm_vae", "--data", "reviews", "--attribute", "sentimant"),
        "did you mean 'sentiment'",
    ),
    "an attribute of a file without columns": (
        (*TRAIN, "{run.data}", "--attribute", "mood"),
        "leave out text and labels",
    ),
    "an attribute of no name": ((*TRAIN, "{run.data}", "--attribute", "0"), "is given as name or name=column"),
    "words of a file without counts": ((*TRAIN, "{run.data}", "--vocabulary", "{run.data}"), "vocabulary"),
    "a seed out of range": ((*TRAIN, "{run.data}", "--seed", "-1"), "seed must be at least 0"),
    "export below a file": (("export", "{run.path}", "--out", "{run.data}/x"), "cannot be written"),
    "unknown format of a step": (("export", "{run.path}", "--step", "litrt"), "did you mean 'litert'"),
    "a step in fewer bytes": (
        ("export", "{run.path}", "--step", "onnx", "--quantize", "int8"),
        "leave --quantize or --step out",
    ),
    "a step of no texts": (("export", "{run.path}", "--step", "litert", "--batch-size", "0"), "at least 1, not 0"),
    "a size of batches for any": (("export", "{run.path}", "--batch-size", "2"), "--batch-size is for --step"),
    "a step over a run": (("export", "{run.path}", "--step", "litert", "--out", "{run.path}"), "is there already"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_line(textgen, tiny_run, files, case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, message = BAD[case]
    before = sorted(tmp_path.rglob("*"))
    answer = textgen(*(argument.format(run=tiny_run, files=files) for argument in arguments))
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("textgen: ") and answer.err.count("\n") == 1, answer.err
    assert message.format(files=files) in answer.err
    assert sorted(tmp_path.rglob("*")) == before, "something was left behind"


@pytest.mark.parametrize("arguments", [("generat",), ("train", "--epochs", "many"), ("generate",)])
def test_wrong_usage_is_explained(textgen, arguments):
    answer = textgen(*arguments)
    assert answer.code == 2 and "Error: " in answer.err and "Traceback" not in answer.err


def test_a_file_without_permission_is_refused(textgen, tiny_run, tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text("some text\n")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    answer = textgen("train", "lstm_vae", "--data", path)
    assert answer.code == 2 and "permission" in answer.err.lower() and answer.err.count("\n") == 1


@contextlib.contextmanager
def files_of_at_most(size):
    """No file of this process can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("verb", ["train", "export"])
def test_a_disk_that_takes_no_more_is_reported_and_nothing_is_half_written(textgen, tiny_run, tmp_path, verb):
    place = tmp_path / "out"
    arguments = {
        "train": (*TRAIN, tiny_run.data, "--out", place, "--epochs", 1, "--set", "hidden_dim=64"),
        "export": ("export", tiny_run.path, "--out", place),
    }[verb]
    with files_of_at_most(60_000):
        answer = textgen(*arguments)
    assert answer.code == 2, answer.err
    assert "Traceback" not in answer.err
    assert str(place) in answer.err.splitlines()[-1]
    assert not [path for path in place.rglob("*") if "unfinished" in path.name or path.suffix in (".keras", ".pb")]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_cannot_be_written_is_reported(tiny_run):
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-c", "from training.cli import main; main()", "generate", str(tiny_run.path)]
        ended = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2 and "No space left" in ended.stderr and ended.stderr.count("\n") == 1


def test_help_comes_without_tensorflow():
    program = "import sys, training.cli, zoo; zoo.list_models(); sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 0
    ended = in_new_process("--help")
    assert ended.returncode == 0
    assert all(f"  {verb} " in ended.stdout for verb in VERBS)


def test_a_model_is_loaded_without_packages_that_it_does_not_need():
    program = """
        import sys
        from training.cli.shared import load_model
        load_model("lstm_vae/reviews")
        print([name for name in ("sklearn", "keras_hub", "tensorflow_probability.python.mcmc") if name in sys.modules])
        import sklearn  # whoever needs it later gets it
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("[]\n", 0)


def test_models_are_listed(textgen):
    assert "lstm_vae" in textgen("models").out
    listed = json.loads(textgen("models", "lstm_v*", "--json").out)
    assert [model["name"] for model in listed] == ["lstm_vae"]
    assert "reconstruction" in listed[0]["presets"]


def test_generate_repeats_itself_by_seed(ask, tiny_run):
    first = ask("generate", tiny_run.path, "-n", 4, "--seed", 3)
    assert first.code == 0 and first.out.count("\n") == 4
    assert ask("generate", tiny_run.path / "model.keras", "-n", 4, "--seed", 3).out == first.out
    assert json.loads(ask("generate", tiny_run.path, "-n", 4, "--seed", 3, "--json").out) == first.out.splitlines()


def test_texts_come_from_arguments_files_and_standard_input(ask, tiny_run, tmp_path, monkeypatch):
    texts = ["the pizza was great.", "the waiters were rude."]
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(texts))
    from_arguments = ask("encode", tiny_run.path, *texts)
    assert ask("encode", tiny_run.path, "--data", path).out == from_arguments.out
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("\n".join(texts).encode())))
    assert ask("encode", tiny_run.path, "--data", "-").out == from_arguments.out


def test_encode_writes_an_array(ask, tiny_run, tmp_path):
    path = tmp_path / "latents.npy"
    answer = ask("encode", tiny_run.path, "--data", tiny_run.data, "--out", path)
    assert answer.code == 0 and np.load(path).shape == (240, 4)
    printed = ask("encode", tiny_run.path, "--data", tiny_run.data, "--json")
    np.testing.assert_allclose(json.loads(printed.out), np.load(path), rtol=1e-6)


@pytest.mark.parametrize("verb", ["reconstruct", "score"])
def test_tables_show_the_texts_as_they_are(ask, tiny_run, verb):
    answer = ask(verb, tiny_run.path, "the [bold]pizza[/bold] was great.")
    assert answer.code == 0 and "[bold]pizza[/bold]" in answer.out
    pairs = json.loads(ask(verb, tiny_run.path, "the pizza was great.", "a", "--json").out)
    assert [pair["text"] for pair in pairs] == ["the pizza was great.", "a"]


def test_interpolate_has_as_many_steps_as_asked(ask, tiny_run):
    answer = ask("interpolate", tiny_run.path, "the pizza was great.", "i hated it.", "--steps", 4)
    assert answer.code == 0 and answer.out.count("\n") == 4


def test_evaluate_uses_the_runs_own_test_texts(textgen, ask, tiny_run):
    found = json.loads(ask("evaluate", tiny_run.path, "--samples", 3, "--num", 5, "--json").out)
    assert found == json.loads((tiny_run.path / "evaluation.json").read_text())
    figures = found["figures"]
    assert figures["samples"] == 5 and found["settings"]["num"] == 5 and found["frontier"] == []
    low, high = found["intervals"]["nll"]
    assert low < figures["nll"] < high
    assert figures["texts"] == len(tiny_run.config.load_corpus().test)
    nats = figures["nll"] * figures["texts"]
    assert figures["perplexity"] == pytest.approx(np.exp(nats / figures["tokens"]), rel=1e-5)
    assert figures["elbo"] == pytest.approx(-(figures["rate"] + figures["distortion"]), rel=1e-5)
    whole = ("--data", tiny_run.data, "--split", "all", "--num", 0)
    assert json.loads(textgen("evaluate", tiny_run.path, *whole, "--json").out)["figures"]["texts"] == 240


def test_evaluate_sweeps_temperatures(ask, tiny_run):
    answer = ask("evaluate", tiny_run.path, "--samples", 1, "--num", 4, "--temperatures", "0.5..0.7")
    assert answer.code == 0 and "Quality against diversity" in answer.out
    points = json.loads((tiny_run.path / "evaluation.json").read_text())["frontier"]
    assert [point["temperature"] for point in points] == [0.5, 0.6, 0.7]
    assert all(point["figures"]["samples"] == 4 and "bleu_4" in point["intervals"] for point in points)


def test_export_writes_versions(textgen, tiny_run, tmp_path):
    (tmp_path / "served" / "1").mkdir(parents=True)
    answer = textgen("export", tiny_run.path, "--out", tmp_path / "served", "--json")
    assert json.loads(answer.out)["path"] == str(tmp_path / "served" / "2")
    assert sorted(path.name for path in (tmp_path / "served").iterdir()) == ["1", "2", "models.config"]


def test_export_writes_a_step(textgen, tiny_run, tmp_path, monkeypatch):
    pytest.importorskip("ai_edge_litert")
    monkeypatch.chdir(tmp_path)
    answer = textgen("export", tiny_run.path, "--step", "litert")
    (folder,) = (tmp_path / "step_models").iterdir()
    assert answer.out.startswith(f"step_models/{folder.name} holds the functions start and step") and answer.err == ""


def test_train_from_the_terminal(textgen, tiny_run, tmp_path):
    small = ("--set", "hidden_dim=8", "--set", "embedding_dim=8", "--epochs", 1)
    answer = textgen("train", "lstm_vae", "--data", tiny_run.data, "--out", tmp_path / "run", *small, "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["run"] == str(tmp_path / "run")
    assert "epoch   1/1" in answer.err and "\x1b" not in answer.err


@pytest.fixture(scope="module")
def labelled_folder(tmp_path_factory):
    """A table of reviews with their sentiment in the first column."""
    folder = tmp_path_factory.mktemp("labelled")
    train = corpora.load("reviews").train
    rows = zip(train.labels["sentiment"][:90], train[:90], strict=True)
    (folder / "reviews.tsv").write_text("".join(f"{label}\t{text}\n" for label, text in rows))
    return folder


@pytest.fixture
def labelled_run(textgen, labelled_folder):
    """The table with a run of a tiny model that is told that column, trained once."""
    run = labelled_folder / "run"
    if not run.exists():
        small = ("--set", "hidden_dim=8", "--set", "embedding_dim=8", "--set", "latent_dim=4", "--epochs", 1)
        table = ("--data", labelled_folder / "reviews.tsv", "--text", 1, "--attribute", "mood=0")
        answer = textgen("train", "lstm_vae", *table, *small, "--samples-every", 1, "--out", run)
        assert answer.code == 0, answer.err
    return labelled_folder


def test_a_model_is_told_the_labels_of_a_table(ask, labelled_run):
    run, mood = labelled_run / "run", ("--attribute", "mood=positive")
    assert len((run / "samples" / "epoch-0001.txt").read_text().splitlines()) == 20
    written = ask("generate", run, "-n", 3, "--seed", 1, *mood)
    assert written.code == 0 and written.out.count("\n") == 3
    for verb in ("reconstruct", "score"):
        assert ask(verb, run, "the pizza was great.", *mood).code == 0
    assert ask("interpolate", run, "the pizza was great.", "we loved it.", *mood).out.count("\n") == 7
    assert ask("encode", run, "the pizza was great.").code == 0
    figures = json.loads(ask("evaluate", run, "--samples", 11, "--curve", "--num", 0, "--json").out)["figures"]
    assert {"nll_1", "nll_10"} <= set(figures)
    options = ("--data", labelled_run / "reviews.tsv", "--text", 1, "--attribute", "mood=0", "--split", "all")
    found = json.loads(ask("evaluate", run, *options, "--samples", 2, "--num", 0, "--json").out)
    assert found["figures"]["texts"] == 90


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("generate", "RUN"), "the attribute 'mood' is missing"),
        (("generate", "RUN", "--attribute", "mood=postive"), "unknown mood 'postive'; did you mean 'positive'?"),
        (("generate", "RUN", "--attribute", "mod=positive"), "unknown attribute 'mod'; did you mean 'mood'?"),
        (("score", "RUN", "the pizza was great."), "the attribute 'mood' is missing"),
    ],
)
def test_wrong_attributes_get_one_clear_line(ask, labelled_run, arguments, message):
    answer = ask(*(labelled_run / "run" if argument == "RUN" else argument for argument in arguments))
    assert answer.code == 2 and answer.err.startswith("textgen: ") and answer.err.count("\n") == 1
    assert message in answer.err


def test_a_file_of_word_counts_is_trained_on(textgen, tmp_path):
    (tmp_path / "words.txt").write_text("apple 1\nPear 2\nplum 3\n")
    (tmp_path / "counts.feat").write_text("1 1:2 3:1\n2 2:4\n" * 20)
    options = ("--data", tmp_path / "counts.feat", "--vocabulary", tmp_path / "words.txt", "--epochs", 1)
    assert textgen("train", "bow_vae", *options, "--out", tmp_path / "run").code == 0
    figures = json.loads(textgen("evaluate", tmp_path / "run", "--samples", 2, "--json").out)["figures"]
    assert figures["tokens"] in (7, 6, 8)  # two documents of three or four words, and no ends
    model = zoo.load(tmp_path / "run")
    assert model.tokenizer.vocabulary == ["apple", "Pear", "plum"]


def test_a_model_without_likelihood_says_so(ask, build_tiny, corpus, tmp_path):
    build_tiny("dense_ae", texts=corpus).save(tmp_path / "model.keras")
    answer = ask("score", tmp_path / "model.keras", "the pizza was great.")
    assert answer.code == 2 and "no likelihood" in answer.err and answer.err.count("\n") == 1


def test_an_interrupted_run_says_how_to_go_on(tiny_run, tmp_path):
    path = tmp_path / "run"
    command = [sys.executable, "-c", "from training.cli import main; main()", "train", "lstm_vae", "--data"]
    command += [str(tiny_run.data), "--out", str(path), "--epochs", "500", "--set", "hidden_dim=8"]
    # A shell starts background jobs with SIGINT ignored; the test must not inherit that.
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = subprocess.Popen(command, cwd=ROOT, text=True, preexec_fn=heed, **pipes)
    while running.poll() is None and not (path / "checkpoints" / "state.json").exists():
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate()
    assert running.returncode == 130, err
    assert f"go on with: textgen train --resume {path}" in err and "Traceback" not in err

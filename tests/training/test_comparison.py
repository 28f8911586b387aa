"""What is gathered of runs, and the table of it."""

import csv
import io
import json

import pytest

from keras_textgen.errors import InputError
from training import comparison, comparison_table
from training.comparison import differences, gather, names_of
from training.comparison_table import names_in_order, rows_of, written

EVALUATION = {
    "settings": {"data": "reviews", "split": "test", "seed": 0, "num": 100, "digest": "d1", "features": "n_grams"},
    "figures": {"nll": 23.5, "perplexity": 6.75, "grammatical": 0.9, "bleu_5": 0.25},
    "intervals": {"grammatical": [0.875, 0.925]},
    "frontier": [{"temperature": 0.7, "figures": {"bleu_5": 0.5, "self_bleu_5": 0.75}, "intervals": {}}],
}
HISTORY = [{"epoch": 1, "loss": 3.0, "val_nll": 25.0}, {"epoch": 2, "loss": 2.0, "val_nll": 24.5}]


def changed(**changes):
    return {**EVALUATION, **changes}


def setting(**changes):
    return changed(settings={**EVALUATION["settings"], **changes})


@pytest.fixture
def runs(tmp_path, made_up_run):
    """A language model, a model with a latent, and a run that was not evaluated."""
    sampled = changed(figures={"nll": 24.0, "num_samples": 100, "rate": 9.5, "grammatical": float("nan")})
    return [
        made_up_run(tmp_path / "lm", EVALUATION, HISTORY),
        made_up_run(tmp_path / "vae", sampled, HISTORY[:1], model="lstm_vae"),
        made_up_run(tmp_path / "young", model="gan"),
    ]


def cells(runs):
    return {row.name: row.cells for row in rows_of(gather(runs))}


def test_the_table_has_every_figure_that_some_run_has(runs):
    table = cells(runs)
    assert table["model"] == ["lstm_lm", "lstm_vae", "gan"]
    assert table["nll"] == ["23.500", "24.000", "-"]
    assert table["grammatical"] == ["90.0% (87.5% to 92.5%)", "-", "-"]
    assert table["rate"] == ["-", "9.500", "-"]
    assert table["epochs"] == ["2", "1", "-"]
    assert table["validation"] == ["24.500", "25.000", "-"]
    assert "preset" not in table  # none has one
    labels = [row.label for row in rows_of(gather(runs))]
    assert "negative log-likelihood, exact or importance-weighted (nats a text)" in labels
    alone = [row.label for row in rows_of(gather(runs[:1]))]
    assert "negative log-likelihood, exact (nats a text)" in alone


def test_a_run_without_evaluation_says_what_to_do(runs):
    assert cells(runs)["evaluated"] == ["reviews (test)"] * 2 + [f"not yet; run: textgen evaluate {runs[2]}"]
    *_, young = gather(runs)
    assert [note.partition(";")[0] for note in young.notes] == [
        "not evaluated",
        "not finished, there is no model.keras",
    ]


def test_figures_keep_their_order():
    assert names_in_order([["a", "c"], ["a", "b", "c", "d"], ["x", "c"], []]) == ["x", "a", "b", "c", "d"]
    parts = [["perplexity", "perplexity_by_text"], ["perplexity", "rate"]]
    assert names_in_order(parts) == ["perplexity", "perplexity_by_text", "rate"]


def test_the_best_epoch_is_the_one_that_the_state_names(tmp_path, made_up_run):
    path = made_up_run(tmp_path / "run", history=HISTORY)
    assert gather([path])[0].best_epoch == 2
    (path / "checkpoints").mkdir()
    (path / "checkpoints" / "state.json").write_text(
        '{"epoch": 2, "latest": "epoch-0002.keras", "best": "epoch-0001.keras", "best_epoch": 1, "best_value": 25.0}'
    )
    assert gather([path])[0].facts()["validation"] == 25.0


def test_a_line_that_is_being_written_is_no_epoch_yet(tmp_path, made_up_run):
    path = made_up_run(tmp_path / "run", history=HISTORY)
    with (path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "lo')
    assert gather([path])[0].history == HISTORY


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    paths = [tmp_path / "a" / "x" / "run", tmp_path / "b" / "x" / "run", tmp_path / "other"]
    assert names_of(paths) == ["a/x/run", "b/x/run", "other"]


def test_markdown_is_a_table_whatever_a_name_holds(tmp_path, made_up_run):
    name = "a|b <b> [x](y) `c`"
    lines = written(gather([made_up_run(tmp_path / name, EVALUATION)]), "markdown").splitlines()
    assert lines[0] == r"|  | a\|b \<b\> \[x\](y) \`c\` |"
    assert lines[1] == "| --- | --- |"
    assert "| grammatical samples | 90.0% (87.5% to 92.5%) |" in lines


def test_csv_has_a_row_a_run_and_full_numbers(runs):
    rows = list(csv.DictReader(io.StringIO(written(gather(runs), "csv"))))
    assert [row["run"] for row in rows] == ["lm", "vae", "young"]
    assert [row["nll"] for row in rows] == ["23.5", "24.0", "-"]
    assert (rows[0]["grammatical_low"], rows[0]["grammatical_high"]) == ("0.875", "0.925")
    assert rows[2]["evaluated"] == "-"


def test_json_holds_the_frontier_and_no_value_that_json_lacks(runs):
    def refuse(constant):
        raise AssertionError(constant)

    stored = json.loads(written(gather(runs), "json"), parse_constant=refuse)
    first, second, third = stored["runs"]
    assert first["figures"] == EVALUATION["figures"] and first["frontier"] == EVALUATION["frontier"]
    assert "grammatical" not in second["figures"]  # it was no finite number
    assert (third["figures"], third["settings"]) == ({}, None)


@pytest.mark.parametrize(
    ("config", "evaluation", "reason"),
    [
        pytest.param({}, EVALUATION, None, id="alike"),
        pytest.param({"model": "gan"}, EVALUATION, None, id="another model"),
        pytest.param({"seed": 1}, EVALUATION, None, id="another draw of the corpus, evaluated on the same"),
        pytest.param({}, setting(digest="d2"), "different texts", id="other texts"),
        pytest.param({}, setting(num=9), "numbers of samples", id="fewer samples"),
        pytest.param({}, setting(features="wordllama"), "features", id="other features"),
        pytest.param({"tokenizer": "bytes"}, EVALUATION, "tokenizers", id="another tokenizer"),
        pytest.param({"hyperparameters": {"vocabulary_size": 9}}, EVALUATION, "vocabularies", id="another vocabulary"),
    ],
)
def test_what_does_not_compare_is_said(tmp_path, made_up_run, config, evaluation, reason):
    runs = gather([made_up_run(tmp_path / "a", EVALUATION), made_up_run(tmp_path / "b", evaluation, **config)])
    found = differences(runs)
    assert (found == []) if reason is None else (len(found) == 1 and reason in found[0])


def test_the_corpus_of_a_run_on_a_file_is_called_as_the_run_calls_it(tmp_path, made_up_run):
    runs = [made_up_run(tmp_path / "a", setting(data="x.txt"), data="d/x.txt")]
    assert cells(runs)["evaluated"] == ["d/x.txt (test)"]


DAMAGED = {
    "evaluation cut off": ("evaluation.json", '{"figures": {"nl', "evaluation.json is damaged: it is not JSON"),
    "evaluation a list": ("evaluation.json", "[]", "run: textgen evaluate {run}"),
    "evaluation without figures": ("evaluation.json", "{}", "run: textgen evaluate {run}"),
    "a figure a word": ("evaluation.json", '{"figures": {"nll": "high"}}', "run: textgen evaluate {run}"),
    "an interval a number": ("evaluation.json", '{"figures": {"a": 1}, "intervals": {"a": 1}}', "textgen evaluate"),
    "a point without temperature": ("evaluation.json", '{"figures": {}, "frontier": [{}]}', "textgen evaluate {run}"),
    "metrics no JSON": ("metrics.jsonl", "{}\noops\n{}\n", "metrics.jsonl is damaged: line 2"),
    "metrics a number": ("metrics.jsonl", "3\n", "metrics.jsonl is damaged: line 1"),
    "metrics not UTF-8": ("metrics.jsonl", b"\xff\n", "metrics.jsonl cannot be read"),
    "configuration a list": ("config.json", "[1]", "config.json is damaged"),
    "configuration cut off": ("config.json", "{", "config.json is damaged"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_file_is_named(tmp_path, made_up_run, case):
    name, content, message = DAMAGED[case]
    run = made_up_run(tmp_path / "run")
    (run / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as error:
        gather([run])
    assert message.format(run=run) in str(error.value) and "\n" not in str(error.value)


def test_paths_that_are_no_runs_are_refused(tmp_path, made_up_run):
    run = made_up_run(tmp_path / "run")
    with pytest.raises(InputError, match="there is no run folder"):
        gather([run, tmp_path / "missing"])
    with pytest.raises(InputError, match="is given twice"):
        gather([run, tmp_path / "." / "run"])
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match=r"is .*folder a run folder"):
        gather([tmp_path / "folder"])


def test_every_fact_has_a_label(runs):
    assert set(comparison_table.FACTS) == set(gather(runs)[0].facts())
    assert all(isinstance(run, comparison.Run) for run in gather(runs))

"""The report: what it looks at, and that nothing in it can do harm or needs a network."""

import html.parser
import json
import re
import sys

import numpy as np
import pytest

from keras_textgen.errors import InputError
from training import inspection
from training.comparison import gather
from training.corpora import Texts
from training.harmless import harmless
from training.inspection import HeldOut, Inspection
from training.report import frontier_plots, latent_plots, training_plots
from training.report.texts import differing, in_plot
from training.report.writing import write_report

HARM = "<script>alert(1)</script> <b onclick=x>&amp; </td> {{ 7*7 }} \u202egnihton \x1b[31m"
MOODS = ["<img src=x onerror=alert(2)>", "calm"]


def points(shift, temperatures=(0.7, 1.0)):
    """A frontier with BLEU-3 and -4 that no model has written."""
    figures = lambda t: {f"{kind}_{n}": (shift + t) / n for kind in ("bleu", "self_bleu") for n in (3, 4)}  # noqa: E731
    return [{"temperature": t, "figures": figures(t), "intervals": {"bleu_4": [0.0, 1.0]}} for t in temperatures]


@pytest.fixture(scope="module")
def texts(corpus):
    return [f"{text} {HARM}" for text in corpus[:12]]


@pytest.fixture(scope="module")
def model(build_tiny, texts):
    return build_tiny("lstm_vae", texts=texts, attributes={"mood": MOODS})


@pytest.fixture(scope="module")
def run_folders(tmp_path_factory, made_up_run, model, texts):
    """A run of a model with a latent on a labelled table of harmful texts, and one whose files are all missing."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "texts.tsv").write_text("".join(f"{MOODS[i % 2]}\t{text}\n" for i, text in enumerate(texts)), "utf-8")
    data = str(folder / "texts.tsv")
    options = dict(data=data, valid=data, test=data, text="1", attributes=["mood=0"])
    history = [{"loss": 3.0, "val_loss": 3.5, "rate": 1.0}, {"loss": 2.0, "val_loss": 2.5, "rate": float("nan")}]
    evaluation = {"figures": {"nll": 3.5, HARM: 1.0}, "frontier": points(0.1)}
    run = made_up_run(folder / "<i>run %{x}", evaluation, history, model="lstm_vae", **options)
    model.save(run / "model.keras")
    bare = made_up_run(folder / "bare", data=str(folder / "missing.txt"))
    (bare / "samples").mkdir()
    (bare / "samples" / "epoch-0002.txt").write_text(f"{HARM}\nanother\n", encoding="utf-8")
    return [run, bare]


@pytest.fixture(scope="module")
def seen(run_folders):
    return [inspection.inspect(run, num=3, seed=1) for run in gather(run_folders)]


@pytest.fixture(scope="module")
def page(run_folders, seen, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, gather(run_folders), seen)
    return path.read_text(encoding="utf-8")


class Reader(html.parser.HTMLParser):
    """The tags of a page, with their attributes and, of scripts and styles, what they hold."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.inside = [], [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag

    def handle_data(self, data):
        self.texts.append((self.inside, data))

    def handle_endtag(self, tag):
        self.inside = None


@pytest.fixture(scope="module")
def reader(page):
    return Reader(page)


def test_a_model_is_looked_at_from_all_sides(seen):
    first, bare = seen
    assert len(first.samples) == 3 and first.notes == []
    assert [len(part) for part in first.reconstructions] == [3, 3, 3]
    assert first.latent_map.points.shape == (12, 2) and set(first.latent_map.labels) == {"mood"}
    assert len(first.traversals) == 4 and {len(walk.texts) for walk in first.traversals} == {7}
    assert [len(way.texts) for way in first.interpolations] == [7] * 4
    assert bare.samples == [HARM, "another"] and "no model to ask" in bare.notes[0]


def test_samples_are_those_of_the_seed(model, seen):
    asked = {"mood": [MOODS[0], MOODS[1], MOODS[0]]}  # as the first held-out texts have it
    assert seen[0].samples == model.generate(3, seed=1, attributes=asked)


def test_texts_cannot_run(reader, page):
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {"b", "img", "iframe", "object", "link", "form", "base"}
    assert not [name for _, attributes in reader.tags for name in attributes if name.startswith("on")]
    nonces = [
        attributes.get("nonce") for tag, attributes in reader.tags if tag == "script" and "type" not in attributes
    ]
    assert len(nonces) == 2 and len(set(nonces)) == 1
    policy = next(a["content"] for tag, a in reader.tags if tag == "meta" and "http-equiv" in a)
    assert f"script-src 'nonce-{nonces[0]}'" in policy and "default-src 'none'" in policy
    for code in ("\u202e", "\\u202e", "\x1b", "\\u001b"):
        assert code not in page.replace(plotly_script(), "")
    assert "7*7" in page and "\u241b[31m" in page


def test_hover_texts_cannot_hold_html(reader):
    drawn = [json.loads(data) for inside, data in reader.texts if inside == "script" and data.startswith('{"data"')]
    assert len(drawn) == 4  # BLEU, two curves, the map; the other run has none
    texts = [text for plot in drawn for text in strings_of(plot["data"])]
    marks = {mark for text in texts for mark in re.findall(r"<[^>]*>", text)}
    assert marks <= {"<br>", "<extra>", "</extra>"}
    assert any("&lt;script&gt;" in text for text in texts)


def strings_of(value):
    """All strings in a value of JSON."""
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in strings_of(part)]


def plotly_script():
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()


def test_the_page_needs_nothing_but_itself(reader, page):
    assert page.count(plotly_script()) == 1
    for tag, attributes in reader.tags:
        assert "src" not in attributes and "srcset" not in attributes, tag
        assert attributes.get("href", "#").startswith("#"), tag
    style = "".join(data for inside, data in reader.texts if inside == "style")
    assert "url(" not in style and "@import" not in style
    assert "http" not in page.replace(plotly_script(), "").replace("http-equiv", "")
    assert "showSendToCloud: false" in page  # plotly's own button for that


def test_a_report_without_any_figures_still_opens(tmp_path, made_up_run):
    path = tmp_path / "report.html"
    write_report(path, gather([made_up_run(tmp_path / "run")]), [Inspection()])
    assert "not yet; run: textgen evaluate" in path.read_text(encoding="utf-8")
    assert [place.name for place in tmp_path.iterdir() if "unfinished" in place.name] == []


@pytest.mark.parametrize("wanted, order", [(5, 4), (4, 4), (3, 3), (1, 3)])
def test_the_frontier_takes_the_nearest_order_that_runs_have(tmp_path, made_up_run, wanted, order):
    evaluation = {"figures": {}, "frontier": points(0.1)}
    run = made_up_run(tmp_path / "run", evaluation)
    (plot,) = frontier_plots.frontiers(gather([run]), wanted)
    (trace,) = json.loads(plot.json)["data"]
    assert plot.title == f"BLEU-{order} against Self-BLEU-{order}"
    assert trace["y"] == pytest.approx([0.8 / order, 1.1 / order]) and trace["text"] == ["0.7", "1"]
    hover = trace["hovertext"][0]
    assert "temperature 0.7<br>" in hover and ("(0.000 to 1.000)" in hover) == (order == 4)  # that has intervals
    axes = json.loads(plot.json)["layout"]
    assert "less: more diverse" in axes["xaxis"]["title"]["text"] and "better" in axes["yaxis"]["title"]["text"]


def test_a_run_without_a_frontier_is_a_point_and_perplexities_have_a_plot(tmp_path, made_up_run):
    names = ("bleu_2", "self_bleu_2", "forward_perplexity", "reverse_perplexity")
    runs = gather([made_up_run(tmp_path / "run", {"figures": dict.fromkeys(names, 1.5)}), made_up_run(tmp_path / "b")])
    plots = frontier_plots.frontiers(runs, 5)
    assert [plot.title for plot in plots] == ["BLEU-2 against Self-BLEU-2", "Forward and reverse perplexity"]
    assert [json.loads(plot.json)["data"][0]["x"] for plot in plots] == [[1.5], [1.5]]
    assert frontier_plots.frontiers(runs[1:], 5) == []


def test_curves_are_drawn_where_there_are_numbers(run_folders):
    plots = {plot.title: json.loads(plot.json)["data"] for plot in training_plots.curves(gather(run_folders))}
    assert list(plots) == ["loss", "rate: KL(q||p) (nats a text)"]
    assert [trace["y"] for trace in plots["loss"]] == [[3.0, 2.0], [3.5, 2.5]]
    assert [trace["line"]["dash"] for trace in plots["loss"]] == ["solid", "dash"]
    assert plots["rate: KL(q||p) (nats a text)"][0]["x"] == [1]  # the other is no number


def test_the_map_is_that_of_the_principal_components():
    codes = np.random.default_rng(0).normal(size=(50, 3, 2)) * np.arange(1, 7).reshape(3, 2)
    held_out = HeldOut(Texts(["a"] * 50), {"mood": ["x", "y"] * 25})
    seen = inspection.latent_map(codes, held_out)
    flat = codes.reshape(50, 6) - codes.reshape(50, 6).mean(0)
    left, values, _ = np.linalg.svd(flat, full_matrices=False)
    np.testing.assert_allclose(np.abs(seen.points), np.abs(left[:, :2] * values[:2]), rtol=1e-6)
    np.testing.assert_allclose(seen.shares, values[:2] ** 2 / np.sum(values**2))
    assert inspection.latent_map(codes[:1], held_out) is None
    assert inspection.latent_map(np.ones([5, 3]), held_out) is None


def test_rare_labels_are_taken_together():
    labels = ["often"] * 5 + [f"rare {number}" for number in range(20)]
    groups = latent_plots.groups_of(labels)
    assert len(groups) == latent_plots.VALUES + 1 and groups[-1][0] == "(others)"
    assert sorted(place for _, places, _ in groups for place in places) == list(range(25))


class Recording:
    """Stands in for a model: keeps the latents that it is asked to decode."""

    def decode(self, z, attributes):
        self.z, self.attributes = z, attributes
        return [f"text {row}" for row in range(len(z))]


class RecordingVariational(Recording):
    def latent_statistics(self):
        """A model with a rate has this."""


@pytest.mark.parametrize("kind", [RecordingVariational, Recording])
def test_a_walk_changes_one_dimension_and_nothing_else(kind):
    codes = np.random.default_rng(1).normal(size=(20, 2, 4)).astype(np.float32)
    model = kind()
    held_out = HeldOut(Texts(["a"] * 20, {"mood": ["x"] * 20}), {})
    (text, back), walks = inspection.traversals(model, codes, held_out)
    assert (text, back) == ("a", "text 0") and set(model.attributes["mood"]) == {"x"}
    assert len(model.attributes["mood"]) == len(model.z) == 1 + 6 * 7
    np.testing.assert_array_equal(model.z[0], codes[0])
    varied = np.argsort(-codes.reshape(20, -1).var(0))
    for place, walk in enumerate(walks):
        rows = model.z[1 + 7 * place : 8 + 7 * place].reshape(7, -1)
        word, dimension = divmod(varied[place], 4)
        assert walk.dimension == f"word {word + 1}, dimension {dimension + 1}"
        np.testing.assert_array_equal(np.delete(rows, varied[place], 1), [np.delete(codes[0], varied[place])] * 7)
        own = codes.reshape(20, -1)[:, varied[place]]
        expected = np.arange(-3, 4) * own.std() + own.mean() if kind is Recording else np.arange(-3, 4)
        np.testing.assert_allclose(rows[:, varied[place]], expected, rtol=1e-5)
        np.testing.assert_allclose(walk.values, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ["seq_vae"])
def test_a_model_with_a_latent_a_word_can_be_looked_at(name, fitted, corpus):
    seen = inspection.inspect_model(fitted(name), HeldOut(Texts(corpus), {}), num=2, seed=0)
    assert len(seen.samples) == len(seen.reconstructions) == 2
    assert seen.latent_map.points.shape == (64, 2) and len(seen.interpolations) == 4
    assert all(walk.dimension.startswith("word ") for walk in seen.traversals)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain <b>", "plain <b>", id="plain"),
        pytest.param("é 你好 👩‍💻", "é 你好 👩‍💻", id="letters and emojis"),
        pytest.param("a\x00b\x1b[0m\x7f\n", "a␀b␛[0m␡␊", id="control characters"),
        pytest.param("\u202eabc\u2066\x85\ud800", "<U+202E>abc<U+2066><U+0085><U+D800>", id="direction"),
    ],
)
def test_control_characters_are_made_visible(text, shown):
    assert harmless(text) == shown


def test_plots_take_marks_as_text_and_break_long_lines():
    assert in_plot("<a href='x'>&") == "&lt;a href=&#x27;x&#x27;&gt;&amp;"
    assert in_plot("one two three", 8) == "one two<br>three"
    assert in_plot("") == ""


def test_the_words_that_another_text_lacks_are_marked():
    assert differing("The cat sat down.", "the dog sat down.") == [("The", False), ("cat", True), ("sat down.", False)]
    assert differing("a b", "a b") == [("a b", False)]
    assert differing("", "a") == []
    assert differing("a", "") == [("a", True)]


def test_the_table_comes_to_the_terminal_or_into_files(textgen, run_folders, tmp_path):
    code, out, _ = textgen("compare", *run_folders)
    assert code == 0 and "textgen evaluate" in out and "\x1b" not in out and "\u202e" not in out
    code, out, _ = textgen("compare", *run_folders, "--format", "markdown")
    assert code == 0 and out.startswith("|  | ")
    for ending, form in (("md", "markdown"), ("csv", "csv"), ("json", "json")):
        printed = textgen("compare", *run_folders, "--format", form)[1]
        code, out, _ = textgen("compare", *run_folders, "--out", tmp_path / f"table.{ending}")
        assert (code, out) == (0, "")
        assert (tmp_path / f"table.{ending}").read_text(encoding="utf-8") == printed


def test_a_report_comes_from_the_terminal(textgen, run_folders, tmp_path):
    code, out, err = textgen("compare", run_folders[1], "--report", tmp_path / "report.html", "-n", 1)
    assert code == 0 and "bare" in out and "the report is in" in err
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<td" in page and ">another<" not in page  # the second of its samples


BAD = {
    "unknown format": (("--format", "markdwn"), "unknown format 'markdwn'; did you mean 'markdown'?"),
    "unknown ending": (("--out", "{tmp}/table.txt"), "give a --format"),
    "a table below a file": (("--out", "{tmp}/file/table.md"), "there is no folder"),
    "a report below nothing": (("--report", "{tmp}/missing/report.html"), "there is no folder"),
    "a report in the place of a folder": (("--report", "{tmp}"), "it is a folder"),
    "no samples": (("-n", "0"), "num must be at least 1"),
    "no order": (("--order", "0"), "order must be at least 1"),
    "a run twice": (("{run}",), "is given twice"),
    "no run": (("{tmp}/missing",), "there is no run folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gets_one_clear_line(textgen, run_folders, tmp_path, case):
    (tmp_path / "file").write_text("x")
    arguments, message = BAD[case]
    given = (argument.format(tmp=tmp_path, run=run_folders[1]) for argument in arguments)
    code, out, err = textgen("compare", run_folders[1], *given)
    assert (code, out) == (2, "") and err.startswith("textgen: ") and err.count("\n") == 1
    assert message in err
    assert [place.name for place in tmp_path.iterdir()] == ["file"], "something was left behind"


@pytest.mark.parametrize("package", ["plotly", "jinja2"])
def test_a_missing_package_gets_one_clear_line(textgen, run_folders, tmp_path, monkeypatch, package):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    code, out, err = textgen("compare", run_folders[1], "--report", tmp_path / "report.html")
    assert (code, out) == (2, "")
    assert err == f"textgen: a report needs {package}: pip install 'keras-textgen[report]'\n"
    assert textgen("compare", run_folders[1])[0] == 0  # a table needs neither


def test_a_report_that_the_disk_does_not_take_is_an_input_error(tmp_path, made_up_run, monkeypatch):
    def full(path, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.report.writing.write_atomically", full)
    with pytest.raises(InputError, match=r"report\.html cannot be written: No space left"):
        write_report(tmp_path / "report.html", gather([made_up_run(tmp_path / "run")]), [Inspection()])

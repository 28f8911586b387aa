"""What the measurements share: turns, rows, the table, the comparison with a baseline, cliffs."""

import functools
import json
import math

import bench
import cost_curves
import measuring
import pytest
import regression
import training_speed

from keras_textgen.errors import InputError


def test_runs_take_turns_and_the_first_round_does_not_count():
    calls = []
    found = measuring.in_turn({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 2)
    assert calls == ["a", "b"] * 3 and [len(found[name]) for name in "ab"] == [2, 2]


def test_a_contender_works_in_a_process_of_its_own_and_says_why_it_failed():
    contender = measuring.Contender("factorial", functools.partial, math.factorial, 5)
    assert contender.run()[1] == 120 and contender.run(clock="processor")[0] >= 0
    contender.end()
    assert not contender.process.is_alive()
    with pytest.raises(InputError, match="root: ValueError: "):
        measuring.Contender("root", functools.partial, math.sqrt, -1).run()


@pytest.mark.parametrize(("rate", "ratio"), [(False, 0.5), (True, 2.0)])
def test_a_ratio_over_one_is_in_our_favour(rate, ratio):
    assert measuring.row("it", "s", 4.0, "they", 2.0, rate=rate)["ratio"] == ratio


def results(folder, name, *lines):
    facts = {"versions": {"python": "3"}, "cores": 2, "processor": "a processor", "load": [0.1, 0.4]}
    (folder / f"{name}.json").write_text(json.dumps({"results": lines, **facts}))


def test_the_table_holds_the_rows_of_all_results_and_takes_seconds_by_name(tmp_path):
    results(
        tmp_path, "training-ptb", {"rows": [measuring.row("it", "tokens/s", 5148, "they", 4278, rate=True, share=0.48)]}
    )
    results(tmp_path, "decoding", {"job": "sampling", "seconds": {"ours": 0.5, "PyTorch": 4.0}})
    found = bench.table(tmp_path)
    assert "| it | tokens/s | 5,148 | they | 4,278 | 1.2 | 48% |" in found
    assert "| sampling | s | 0.5 | PyTorch | 4.0 | 8.0 | - |" in found and "load 0.1 to 0.4" in found


def test_without_torch_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(bench.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="training-ptb cannot be measured without torch: pip install torch"):
        bench.require(["training-ptb", "draws"])
    bench.require(["draws"])


def test_every_measurement_that_is_listed_is_a_script_or_not_there_yet():
    assert set(bench.MEASUREMENTS) - set(bench.there()) <= {"importance"}


def test_a_peer_has_the_function_that_is_asked_for(tmp_path):
    assert training_speed.check_peer(training_speed.PEER_FILE) == training_speed.PEER_FILE
    for content, why in (("x = 1", "no function training"), ("def (", "no Python file"), (None, "cannot be read")):
        path = tmp_path / "peer.py"
        path.unlink(missing_ok=True) if content is None else path.write_text(content)
        with pytest.raises(InputError, match=why):
            training_speed.check_peer(path)


def test_what_costs_more_than_is_tolerated_is_named():
    found = regression.compare({"a": 1.2, "b": 1.4, "new": 9.0}, {"a": 1.0, "b": 1.0}, 1.3)
    assert found == {"b": 1.4}
    known = json.loads(regression.BASELINE.read_text())["work"]
    assert set(known) == set(regression.WORK)


def test_a_cliff_is_where_an_operation_costs_more_than_at_the_next_smaller_size():
    points = []
    for size, nanoseconds in ((4, 3.0), (16, 1.0), (64, 1.2), (256, 2.0)):
        shape = {**cost_curves.BASE, "batch": size}
        rates = {job: 1e9 / (nanoseconds * cost_curves.operations("lstm_lm", shape, job)) for job in cost_curves.JOBS}
        points.append(dict(model="lstm_lm", axis="batch", shape=shape, **{**rates, "sampling": 1.0}))
    (found,) = (jump for jump in cost_curves.jumps(points) if jump["job"] == "training")
    assert found["sizes"] == [64, 256] and found["times"] == 1.67

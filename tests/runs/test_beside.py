"""Trained baselines beside the search: the same numbers, their own costs, whatever happens to either."""

import json
import os
import signal
import sqlite3
import time
from io import StringIO
from pathlib import Path

import pytest

from evokit.errors import RunFailed, UserError
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import ledger_of, same_but_for_costs
from evokit.results.report import report
from tests.small import TOY, killed_after, run, start

PLUGIN = Path(__file__).parent / "beside_plugin.py"
COSTS = {"wall_s", "beside_s", "cpu_s", "energy_j", "estimated_j", "peak_memory_bytes", "energy", "asked"}
OF_THE_MACHINE = {"at", "register"}  # when and how often the test split was opened
ONE_AFTER_THE_OTHER = "execution.beside=false"


@pytest.fixture
def recipe(tmp_path):
    """A search that does not end before a training began, tuned by a race and with two more rivals."""
    path = tmp_path / "beside.yaml"
    path.write_text(f"""\
plugins: [{TOY}, {PLUGIN}]
data: {{name: points}}
fitness: {{name: waiting, twice: true, until: {tmp_path}/began}}
genome: {{name: real_vector, length: 1, low: -3, high: 3}}
search: {{name: generational, population: 6, generations: 3}}
mutation: {{name: gaussian}}
crossover: {{name: uniform}}
baselines:
  - {{name: training, lr: [0.001, 0.1, 5.0], began: {tmp_path}/began}}
  - {{name: random_search}}
  - {{name: still}}
final: {{seeds: 2}}
execution: {{workers: 2, batch: 2}}
""")
    return path


def numbers(summary):
    """What a summary says without seconds, joules, bytes and dates."""
    if isinstance(summary, dict):
        return {name: numbers(value) for name, value in summary.items() if name not in COSTS | OF_THE_MACHINE}
    return [numbers(one) for one in summary] if isinstance(summary, list) else summary


def order(out):
    """Phases in the order in which their first and last rows were written."""
    with sqlite3.connect(out / "ledger.sqlite") as db:
        query = "SELECT phase, min(rowid), max(rowid) FROM evaluations GROUP BY 1"
        return {phase: (first, last) for phase, first, last in db.execute(query)}


def test_beside_the_search_or_after_it_the_numbers_are_the_same(recipe, tmp_path):
    beside = run(recipe, tmp_path / "beside")  # would not end if the training waited for the search
    assert beside["evaluations"]["failed"] == 0
    after = run(recipe, tmp_path / "after", ONE_AFTER_THE_OTHER)
    inline = run(recipe, tmp_path / "inline", "execution={backend: inline, batch: 2}")
    assert [one["name"] for one in beside["baselines"]] == ["training", "random_search", "still"]
    assert numbers(beside) == numbers(after) == numbers(inline)
    ledgers = [tmp_path / name / "ledger.sqlite" for name in ("beside", "after", "inline")]
    assert same_but_for_costs(ledgers[0], ledgers[1])
    assert same_but_for_costs(ledgers[0], ledgers[2])
    assert not any(one["beside_s"] for one in after["baselines"])
    assert "while others were at work" not in report(after)


@pytest.mark.parametrize("override", ["execution.workers=1", ONE_AFTER_THE_OTHER, "stop.seconds=1000"])
def test_a_search_that_needs_all_workers_is_left_alone(recipe, tmp_path, override):
    (tmp_path / "began").touch()
    run(recipe, tmp_path / "run", override)
    phases = order(tmp_path / "run")
    assert phases["search"][1] < phases["baseline/training"][0]


def test_baselines_alone_are_made_beside_each_other(recipe, tmp_path):
    (tmp_path / "began").touch()
    summary = run(recipe, tmp_path / "run", "baselines=[{name: training}, {name: still}]", only="baselines")
    assert [one["validation"] is not None for one in summary["baselines"]] == [True, True]


def test_each_phase_has_its_own_cpu_seconds_and_shared_time_counts_once(recipe, tmp_path):
    baselines = f"baselines=[{{name: training, began: {tmp_path}/began, burns_s: 0.3}}, {{name: random_search}}]"
    summary = run(recipe, tmp_path / "run", baselines, "final.seeds=1", "fitness.twice=false", "fitness.sleep=0.1")
    with ledger_of(tmp_path / "run" / "ledger.sqlite") as ledger:
        costs, (row,) = ledger.costs(), ledger.rows("baseline/training")
    mine = costs["baseline/training"]
    own_s = row.evaluation.cpu_s
    assert own_s >= 0.3
    assert own_s - 1e-6 <= mine.cpu_s <= own_s + 0.2  # and what it takes to ask for it
    assert 0 < mine.beside_s <= mine.wall_s
    assert costs["search"].beside_s == 0
    assert summary["cpu_s"] == pytest.approx(sum(one.cpu_s for one in costs.values()))
    assert summary["wall_s"] == pytest.approx(sum(one.wall_s for one in costs.values()) - mine.beside_s)
    (training, _) = summary["baselines"]
    assert (training["cpu_s"], training["beside_s"]) == pytest.approx((mine.cpu_s, mine.beside_s))
    told = " ".join(report(summary).split())
    assert "Made while others were at work, which had fewer workers meanwhile: training" in told


@pytest.mark.parametrize("rows", [1, 5, 9, 20])
def test_a_run_that_is_stopped_while_both_are_at_work_goes_on_to_the_same_end(recipe, tmp_path, monkeypatch, rows):
    (tmp_path / "began").touch()
    whole = run(recipe, tmp_path / "whole", ONE_AFTER_THE_OTHER, "execution.backend=inline")
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "add", killed_after(rows))
        with pytest.raises(KeyboardInterrupt):
            run(recipe, tmp_path / "run")
    again = run(recipe, tmp_path / "run", resume=True)
    assert numbers(again) == numbers(whole)
    assert same_but_for_costs(tmp_path / "whole" / "ledger.sqlite", tmp_path / "run" / "ledger.sqlite")


def test_ctrl_c_saves_both_and_a_kill_loses_neither(recipe, tmp_path):
    out, later = tmp_path / "run", tmp_path / "later"
    endless = f"baselines=[{{name: training, began: {tmp_path}/began, until: {later}}}]"
    ends = [signal.SIGINT, signal.SIGKILL]
    for resume, how in zip([[], ["--resume"]], ends, strict=True):
        process = start("run", recipe, "--set", endless, "--out", out, "--plain", *resume)
        deadline = time.monotonic() + 60
        while not (out / "metrics.jsonl").exists() or len((out / "metrics.jsonl").read_text().splitlines()) < 3:
            assert time.monotonic() < deadline, process.communicate()
            time.sleep(0.05)  # until the search is over, and the training is not
        os.killpg(process.pid, how)
        told = process.communicate(timeout=30)[1]
        assert process.returncode == (130 if how == signal.SIGINT else -how)
        assert ("everything measured is saved" in told) == (how == signal.SIGINT)
    later.touch()
    whole = run(recipe, tmp_path / "whole", endless)
    assert numbers(run(recipe, out, endless, resume=True)) == numbers(whole)


def test_a_training_that_fails_is_told_and_the_search_goes_on(recipe, tmp_path):
    log = StringIO()
    failing = f"baselines=[{{name: training, began: {tmp_path}/began, does: raises}}, {{name: still}}]"
    summary = run(recipe, tmp_path / "run", failing, log=log)
    training, still = summary["baselines"]
    assert training["skipped"] == "every fit failed: ArithmeticError: as planned"
    assert (summary["status"], summary["generations"], still["skipped"]) == ("done", 3, "")
    lines = log.getvalue().splitlines()
    first = lines.index("training: every fit failed: ArithmeticError: as planned")
    assert first < lines.index("Generation 3/3")


@pytest.mark.parametrize(
    ("does", "why"), [("breaks", "it breaks a promise"), ("refuses", "ArithmeticError: no settings today")]
)
def test_a_training_that_breaks_its_promises_ends_the_run_after_the_others(recipe, tmp_path, does, why):
    (tmp_path / "began").touch()
    log = StringIO()
    with pytest.raises((UserError, RunFailed), match=why):
        run(recipe, tmp_path / "run", f"baselines=[{{name: training, does: {does}}}, {{name: random_search}}]", log=log)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["status"], summary["generations"]) == ("failed", 3)
    assert summary["final"]["validation"] is not None
    lines = log.getvalue().splitlines()
    told = next(at for at, line in enumerate(lines) if line.startswith("training cannot be fitted, which ends the run"))
    assert told < lines.index("Phase: Baseline random_search")


def test_what_is_made_meanwhile_is_shown(recipe, tmp_path):
    log = StringIO()
    run(recipe, tmp_path / "run", log=log)
    lines = log.getvalue().splitlines()
    assert lines.index("Meanwhile: training, still") < lines.index("Phase: Search")
    assert lines.index("Phase: Champion") < lines.index("Phase: Baseline training")

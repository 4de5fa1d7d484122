"""Callbacks of whole runs: what they hear, that they change nothing, that they end searches, and resuming."""

import json
import shutil
from io import StringIO

import pytest

from evokit import minimize
from evokit.errors import UserError
from evokit.measuring import measure as measuring
from evokit.measuring.ledger_files import ledger_of
from evokit.progress import LineProgress
from evokit.recipe import RecipeError, load_recipe
from evokit.results.report import report
from evokit.runs import launch as launching
from evokit.runs.launch import launch

SPHERE = """\
fitness: {name: sphere, noise: 0.5, rungs: [1, 4]}
genome: {name: real_vector, length: 3, low: -5, high: 5}
search: {name: generational, population: 6, generations: 5}
crossover: {name: uniform}
mutation: {name: gaussian}
execution: {backend: inline, batch: 2}
"""
LISTENING = """
from evokit import StopSearch, hookimpl

@hookimpl
def evokit_generation_ended(generation):
    if generation.generation == 2:
        raise StopSearch("that is enough")
"""


class Notes:
    """Writes down what it hears, as values."""

    def __init__(self, stop_at=None, die_at=None):
        self.started, self.evaluations, self.generations, self.ended = [], [], [], []
        self.stop_at, self.die_at = stop_at, die_at

    def run_started(self, run):
        self.started.append(run)

    def evaluation_ended(self, run, one):
        if self.die_at == one.number:
            raise KeyboardInterrupt
        told = (one.number, one.generation, one.key, one.values, one.budget, one.work, one.solution.tolist())
        self.evaluations.append((*told, one.replayed))

    def generation_ended(self, run, one):
        solution = None if one.solution is None else one.solution.tolist()
        self.generations.append((one.generation, one.best, one.mean, one.work, dict(one.evaluations), one.replayed))
        self.last = solution
        return one.generation == self.stop_at

    def run_ended(self, run, end):
        self.ended.append(end)

    @property
    def heard(self):
        """All but whether it is heard once more."""
        return [one[:-1] for one in self.evaluations], [one[:-1] for one in self.generations]


@pytest.fixture
def run(tmp_path):
    def run(*overrides, callbacks=(), resume=False, text=SPHERE, name="run"):
        path, log = tmp_path / "sphere.yaml", StringIO()
        path.write_text(text)
        recipe = load_recipe(path, overrides)
        return launch(recipe, tmp_path / name, LineProgress(log), resume=resume, callbacks=callbacks), tmp_path / name

    return run


def test_what_is_heard_is_what_was_measured(run):
    notes = Notes()
    summary, folder = run(callbacks=[notes], text=SPHERE + "screens: [{name: race, rungs: [1], keep: 0.5}]\n")
    with ledger_of(folder / "ledger.sqlite") as ledger:
        rows = [row for row in ledger.rows("search") if row.evaluation.source == "measured"]
    rows = {row.seq: (row.generation, row.key, row.evaluation.values, row.budget, row.evaluation.work) for row in rows}
    assert {one[0]: one[1:6] for one in notes.evaluations} == rows
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [one[:3] for one in notes.generations] == [(one["generation"], one["best"], one["mean"]) for one in lines]
    assert notes.generations[-1][3] == summary["search"]["work"]
    assert notes.generations[-1][4]["measured"] == summary["evaluations"]["measured"]
    (started,), (end,) = notes.started, notes.ended
    assert (started.directory, started.name, started.seed, started.resumed) == (folder, "sphere", 0, False)
    assert started.recipe["search"]["population"] == 6
    assert (end.status, end.stopped, end.values) == ("done", summary["stopped"], tuple(summary["best"]["values"]))
    assert end.solution.tolist() == summary["best"]["genes"] == notes.last


def test_what_is_handed_out_cannot_change_a_run(run):
    class Meddler:
        def run_started(self, run):
            run.recipe["search"]["population"] = 1

        def evaluation_ended(self, run, evaluation):
            evaluation.solution[:] = 0
            with pytest.raises(TypeError):
                evaluation.metrics["mine"] = 1

        def generation_ended(self, run, generation):
            generation.solution[:] = 0
            with pytest.raises(TypeError):
                generation.record["best"] = 0

        def run_ended(self, run, end):
            end.summary["best"]["values"][0] = 7

    alone, _ = run(name="alone")
    summary, folder = run(callbacks=[Meddler()])
    assert summary["best"] == alone["best"]
    assert "callbacks_failed" not in summary
    assert json.loads((folder / "summary.json").read_text())["best"] == alone["best"]


@pytest.mark.slow
def test_workers_change_nothing(run):
    one, two = Notes(), Notes()
    run(callbacks=[one])
    run("execution={backend: processes, workers: 2, batch: 2}", callbacks=[two], name="two")
    assert one.heard == two.heard


@pytest.mark.parametrize("every_s", [0.0, 0.02])  # by one, and many at once
@pytest.mark.parametrize(("search", "number"), [("generational", 3), ("generational", 15), ("steady_state", 11)])
def test_killed_and_resumed_hears_all_that_a_whole_run_does(run, tmp_path, monkeypatch, search, number, every_s):
    monkeypatch.setattr(measuring, "WRITE_EVERY_S", every_s)
    whole, killed, resumed = Notes(), Notes(die_at=number), Notes()
    setting = f"search={{name: {search}, population: 6, generations: 5}}"
    run(setting, callbacks=[whole], name="whole")
    with pytest.raises(KeyboardInterrupt):
        run(setting, callbacks=[killed])
    with ledger_of(tmp_path / "run" / "ledger.sqlite") as ledger:
        known = [row.seq for row in ledger.rows("search") if row.evaluation.source == "measured"]
    assert [end.status for end in killed.ended] == ["interrupted"]
    run(setting, callbacks=[resumed], resume=True)
    assert resumed.heard == whole.heard
    assert resumed.started[0].resumed
    assert [one[0] for one in resumed.evaluations if one[-1]] == known
    assert 0 < len(known) < len(whole.evaluations)
    done = len(killed.generations)
    assert [one[-1] for one in resumed.generations] == [True] * done + [False] * (5 - done)


def test_after_a_longer_horizon_what_the_checkpoint_covers_is_told_again(run):
    whole, longer = Notes(), Notes()
    run("search.generations=8", callbacks=[whole], name="whole")
    run()
    run("search.generations=8", callbacks=[longer], resume=True)
    assert longer.heard == whole.heard
    assert [one[-1] for one in longer.generations] == [True] * 5 + [False] * 3


def test_a_finished_run_has_nothing_to_tell(run):
    notes = Notes()
    run()
    run(callbacks=[notes], resume=True)
    assert notes.started == []


def test_a_callback_ends_the_search_and_the_run_is_done(run):
    notes = Notes(stop_at=2)
    summary, _ = run(callbacks=[notes])
    assert (summary["generations"], summary["status"]) == (3, "done")
    assert (summary["stopped"], summary["stopped_by"]) == ("callback Notes asked for it", "Notes")
    assert "callback Notes asked for it" in report(summary)
    assert summary["saved"]["generations"] == 2


def test_an_evaluation_ends_it_with_its_generation(run):
    class Enough:
        def evaluation_ended(self, run, evaluation):
            return evaluation.number == 8

    summary, _ = run(callbacks=[Enough()])
    assert (summary["generations"], summary["stopped_by"]) == (2, "Enough")


def test_a_search_that_a_callback_ended_goes_on_without_it_or_under_another_horizon(run):
    whole, _ = run(name="whole")
    ended, _ = run(callbacks=[Notes(stop_at=2)])
    again, _ = run(callbacks=[Notes(stop_at=2)], resume=True)
    assert again == ended
    on, folder = run(resume=True)
    assert (on["generations"], on["best"], "stopped_by" in on) == (5, whole["best"], False)
    assert (folder / "metrics.jsonl").read_text() == (folder.parent / "whole" / "metrics.jsonl").read_text()
    shutil.rmtree(folder)
    run(callbacks=[Notes(stop_at=2)])
    longer, _ = run("search.generations=6", callbacks=[Notes(stop_at=4)], resume=True)
    assert longer["generations"] == 5


def test_an_end_that_was_asked_for_holds_after_a_kill(run):
    class Late(Notes):
        def run_ended(self, run, end):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(callbacks=[late := Late(stop_at=2)])
    assert len(late.generations) == 3
    summary, _ = run(callbacks=[Late()], resume=True)
    assert (summary["generations"], summary["stopped_by"]) == (3, "Late")


def test_it_is_not_gone_on_with_after_its_vault_was_opened(run, monkeypatch):
    run(callbacks=[Notes(stop_at=2)])
    monkeypatch.setattr(launching, "vault_opened", lambda folder: True)
    with pytest.raises(UserError, match="was ended by a callback and cannot go on without it: its vault was opened"):
        run(resume=True)


def test_an_error_loses_nothing_and_is_in_summary_and_report(run, caplog):
    def broken(run, generation):
        raise RuntimeError("no room")

    alone, _ = run(name="alone")
    summary, _ = run(callbacks=[broken])
    assert (summary["status"], summary["best"]) == ("done", alone["best"])
    (failed,) = summary["callbacks_failed"]
    assert failed["times"] == 3
    assert failed["message"].startswith("RuntimeError: no room (tests/runs/test_telling.py:")
    assert "broken raised, 3 times: RuntimeError: no room" in " ".join(report(summary).split())


def test_each_repeat_is_a_run(run):
    notes = Notes()
    run("repeats=2", callbacks=[notes])
    assert [(one.seed, one.directory.name) for one in notes.started] == [(0, "repeat-0"), (1, "repeat-1")]
    assert [one.status for one in notes.ended] == ["done", "done"]


def test_nobody_who_listens_costs_nothing(run, monkeypatch):
    monkeypatch.setattr("evokit.runs.telling._evaluation", None)
    monkeypatch.setattr("evokit.runs.telling._generation", None)
    assert run()[0]["status"] == "done"


def test_a_local_plugin_listens_without_being_another_run(run, tmp_path):
    (tmp_path / "listening.py").write_text(LISTENING)
    plain, _ = run(name="plain")
    summary, _ = run(f"plugins=[{tmp_path}/listening.py]", text=SPHERE.replace("plugins", ""))
    assert summary["recipe_digest"] == plain["recipe_digest"]
    assert (summary["generations"], summary["stopped_by"]) == (3, "listening.py")
    assert summary["stopped"] == "callback listening.py asked for it: that is enough"


CALLBACK = """
from dataclasses import dataclass
from evokit import Component, hookimpl

@dataclass(frozen=True)
class Count:
    to: str = "count.txt"

    def build(self, context):
        return Counting(self)

class Counting:
    def __init__(self, options):
        self.options = options

    def run_ended(self, run, end):
        (run.directory / self.options.to).write_text(str(end.summary["generations"]))

@dataclass(frozen=True)
class Deaf:
    generation_end: int = 3

@hookimpl
def evokit_components():
    return [Component("callback", "count", Count), Component("callback", "deaf", Deaf)]
"""


def test_a_recipe_names_callbacks_which_are_no_part_of_what_it_is(run, tmp_path):
    (tmp_path / "count.py").write_text(CALLBACK)
    plain, _ = run(name="plain")
    summary, folder = run(f"plugins=[{tmp_path}/count.py]", "callbacks=[count, {name: count, to: other.txt}]")
    assert (folder / "count.txt").read_text() == (folder / "other.txt").read_text() == "5"
    assert summary["recipe_digest"] == plain["recipe_digest"]
    again = load_recipe(folder / "recipe.yaml")
    assert again.digest == plain["recipe_digest"]
    assert [one.options.to for one in again.callbacks] == ["count.txt", "other.txt"]
    run(f"plugins=[{tmp_path}/count.py]", "callbacks=[{name: count, to: third.txt}]", resume=True)
    assert (folder / "third.txt").exists()


def test_what_listens_to_nothing_is_refused(run, tmp_path):
    (tmp_path / "count.py").write_text(CALLBACK)
    with pytest.raises(RecipeError, match=r"callback\.deaf: Deaf .* listens to nothing: give it methods"):
        run(f"plugins=[{tmp_path}/count.py]", "callbacks=[deaf]")
    with pytest.raises(RecipeError, match=r"callbacks\.0\.name: unknown callback 'tensorbord'; did you mean"):
        run("callbacks=[tensorbord]")


def test_failures_are_told_with_their_outcome():
    heard = []

    class Outcomes:
        def evaluation_ended(self, run, one):
            heard.append((one.ok, one.value is None, one.outcome, bool(one.solution[0] > 0)))

    def half(x):
        return x.sum() if x[0] > 0 else 1 / 0

    minimize(half, low=-1, high=1, dimensions=2, work=20, search="random_search", callbacks=Outcomes())
    assert {one[2] for one in heard} == {"ok", "raised"}
    assert all(ok == positive != none for ok, none, _, positive in heard)

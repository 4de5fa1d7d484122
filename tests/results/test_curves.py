"""Curves of a toy run against its ledger and its summary."""

import json
import shutil
import sqlite3

import pytest

from evokit.errors import UserError
from evokit.results.curves import read_curves
from tests.small import RECIPES, TOY_RECIPE, run

BASELINES = (
    "baselines=[{name: descent, lr: [0.1, 0.01]}, {name: descent, steps: 40, builds_on: [fit]}, {name: random_search}]"
)
INLINE = "execution={backend: inline}"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    summary = run(folder / "toy.yaml", folder / "run", BASELINES, INLINE, "final.seeds=2")
    with sqlite3.connect(folder / "run" / "ledger.sqlite") as db:
        db.execute("INSERT INTO costs VALUES ('prepare/fit', 9, 7, 0, 0, 0, 0), ('prepare/other', 9, 3, 0, 0, 0, 0)")
    return folder / "run", summary


@pytest.fixture(scope="module")
def curves(toy):
    (found,) = read_curves(toy[0])
    return {curve.name: curve for curve in found.curves}


def sql(toy, query):
    with sqlite3.connect(toy[0] / "ledger.sqlite") as db:
        return db.execute(query).fetchone()[0]


def test_everyone_who_took_part_has_a_curve(curves):
    assert list(curves) == ["champion", "descent", "descent-2", "random_search"]
    assert [curve.trained for curve in curves.values()] == [False, True, True, False]


def test_a_search_gets_better_until_its_champion_is_finished(toy, curves):
    *so_far, last = curves["champion"].points
    assert {point.kind for point in so_far} == {"best so far"}
    assert last.kind == "finished"
    values = [point.value for point in so_far]
    assert values == sorted(values, reverse=True)
    assert values[-1] == toy[1]["best_measured"]
    assert last.value == toy[1]["final"]["validation"]
    assert curves["champion"].test == toy[1]["final"]["test"]


def test_its_seconds_are_those_of_preparations_search_and_model(toy, curves):
    so_far, last = curves["champion"].points[-2:]
    assert so_far.cpu_s == pytest.approx(7 + 3 + toy[1]["search"]["cpu_s"])
    model = sql(toy, "SELECT sum(cpu_s) FROM costs WHERE phase LIKE 'champion/%'")
    assert last.cpu_s == pytest.approx(so_far.cpu_s + model)
    assert so_far.work == toy[1]["search"]["work"]


def test_a_training_passes_its_rungs_and_ends_at_the_mean_over_seeds(toy, curves):
    rung, last = curves["descent"].points
    assert (rung.kind, rung.work, last.kind, last.work) == ("rung", 5, "finished", 20)
    assert last.value == toy[1]["baselines"][0]["validation"]
    fits = "SELECT sum(cpu_s) FROM evaluations WHERE phase = 'baseline/descent'"
    tuning = sql(toy, f"{fits} AND generation = 0")
    # What the phase took besides them is shared out in proportion.
    scale = sql(toy, "SELECT cpu_s FROM costs WHERE phase = 'baseline/descent'") / sql(toy, fits)
    each = sql(toy, f"{fits} AND generation = 1") / 2
    assert last.cpu_s == pytest.approx(scale * each)
    assert last.tuned_cpu_s == pytest.approx(scale * (each + tuning))


def test_what_it_builds_on_counts_as_its_own(curves):
    (point,) = curves["descent-2"].points  # of one setting there is nothing to race
    assert point.cpu_s > 7
    assert curves["descent"].last.cpu_s < 7
    assert (curves["descent-2"].steps, curves["descent-2"].builds_on) == (40, ("fit",))


def test_values_of_another_quantity_share_no_axis(toy, tmp_path):
    """A search for a low loss whose networks are tested by accuracy."""
    copy = shutil.copytree(toy[0], tmp_path / "run")
    summary = json.loads((copy / "summary.json").read_text())
    summary["final"]["goal"] = "max"
    (copy / "summary.json").write_text(json.dumps(summary))
    (found,) = read_curves(copy)
    assert (found.objective, found.goal) == ("finished models", "max")
    assert {point.kind for curve in found.curves for point in curve.points} == {"rung", "finished"}
    assert found.curves[0].name == "champion"


def test_repeats_have_curves_of_their_own(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    run(tmp_path / "toy.yaml", tmp_path / "run", INLINE, "baselines=[]", "repeats=2", "search.generations=1")
    found = read_curves(tmp_path / "run")
    assert [one.run for one in found] == [str(tmp_path / "run" / f"repeat-{index}") for index in (0, 1)]
    assert {one.folder for one in found} == {tmp_path / "run"}


def test_a_run_without_a_final_ends_with_its_search(tmp_path):
    run(RECIPES / "onemax.yaml", tmp_path / "run", INLINE, "search.generations=2", "baselines=[]")
    (found,) = read_curves(tmp_path / "run")
    assert found.curves[0].last.kind == "best so far"
    assert found.curves[0].test is None


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"is no run directory: it has no recipe.yaml"):
        read_curves(tmp_path)
    (tmp_path / "recipe.yaml").write_text((RECIPES / "onemax.yaml").read_text())
    with pytest.raises(UserError, match=r"has nothing to plot yet: it has no summary.json"):
        read_curves(tmp_path)

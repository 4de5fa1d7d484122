"""What a contender cost, added up by hand from the ledger, and the same everywhere."""

import json
import re
import shutil
import sqlite3
from dataclasses import asdict

import pytest

from evokit.compare import compared, comparison
from evokit.curves import read_curves
from evokit.energy import Cost
from evokit.report import WIDTH, report
from tests.small import run
from tests.test_report import TOY_RECIPE

SQUARES = "fitness={name: squares, renewable: true, twice: %s, prepared: [[fit, 97], [library, 26]]}"
BASELINES = "baselines=[{name: descent, lr: [0.1, 0.01]}, {name: descent, builds_on: [fit]}, {name: random_search}]"
COSTS = ("work", *asdict(Cost.none()))


def launched(folder, *overrides, twice="false"):
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    common = (SQUARES % twice, BASELINES, "confirm={top: 3}", "execution={backend: inline}", "final.seeds=1")
    return run(folder / "toy.yaml", folder / "run", *common, *overrides)


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("costs")
    return launched(folder), folder / "run"


def by_hand(folder, *phases):
    """Columns of these phases added up, and what their rows count as work."""
    found = dict.fromkeys(COSTS, 0)
    with sqlite3.connect(folder / "ledger.sqlite") as db:
        db.row_factory = sqlite3.Row
        for phase in phases:
            (cost,) = db.execute("SELECT * FROM costs WHERE phase LIKE ?", (phase,))
            (work,) = db.execute(
                "SELECT coalesce(sum(work), 0) FROM evaluations WHERE phase LIKE ?", (phase,)
            ).fetchone()
            for name in set(COSTS) - {"work", "peak_memory_bytes"}:
                found[name] += cost[name]
            found["peak_memory_bytes"] = max(found["peak_memory_bytes"], cost["peak_memory_bytes"])
            found["work"] += work
    return found


LED_THERE = {
    "champion": {
        "preparation": ["prepare/fit", "prepare/library"],
        "search": ["search"],
        "confirmation": ["confirm/%"],
        "models": ["champion/%"],
    },
    "descent-2": {"preparation": ["prepare/fit"], "models": ["baseline/descent-2"]},
    "random_search": {
        "preparation": ["prepare/fit", "prepare/library"],
        "search": ["baseline/random_search"],
        "confirmation": ["baseline/random_search/confirm/%"],
        "models": ["baseline/random_search/________"],
    },
}


def entry_of(summary, name):
    return next(one for one in (summary["final"], *summary["baselines"]) if one["name"] == name)


def costs_of(entry):
    return {name: entry[name] for name in COSTS}


@pytest.mark.parametrize("name", LED_THERE)
def test_the_sum_is_everything_that_led_to_the_models(toy, name):
    summary, folder = toy
    entry = entry_of(summary, name)
    assert costs_of(entry) == pytest.approx(
        by_hand(folder, *(one for some in LED_THERE[name].values() for one in some))
    )
    assert list(entry["parts"]) == list(LED_THERE[name])
    for part, phases in LED_THERE[name].items():
        assert costs_of(entry["parts"][part]) == pytest.approx(by_hand(folder, *phases))


def test_tuning_and_models_are_the_phase_of_a_training(toy):
    summary, folder = toy
    entry = entry_of(summary, "descent")
    assert list(entry["parts"]) == ["tuning", "models"]
    assert costs_of(entry) == pytest.approx(by_hand(folder, "baseline/descent"))
    with sqlite3.connect(folder / "ledger.sqlite") as db:
        work = dict(
            db.execute(
                "SELECT generation, sum(work) FROM evaluations WHERE phase = 'baseline/descent' GROUP BY generation"
            )
        )
    assert {0: entry["parts"]["tuning"]["work"], 1: entry["parts"]["models"]["work"]} == work


def cells(text, name):
    """What stands in the row of that name."""
    return re.search(rf"^{name}(?: \(untuned\))?  +(.*)$", text, re.MULTILINE)[1].split()


def test_report_curves_and_compare_tell_the_same_sum(toy):
    summary, folder = toy
    (curves,) = read_curves(folder)
    text = report(summary)
    whole, parts = text.split("what it took")[1].split("CPU s by part")
    for curve in curves.curves:
        entry = entry_of(summary, curve.name)
        assert curve.last.tuned_cpu_s == pytest.approx(entry["cpu_s"])
        columns = cells(whole, curve.name)
        assert columns[1] == f"{entry['cpu_s']:.1f}"
        assert cells(parts, curve.name) == [f"{part['cpu_s']:.1f}" for part in entry["parts"].values()]
    one = compared(folder)
    assert one.cpu_s == summary["final"]["cpu_s"]
    assert f"{summary['final']['cpu_s']:.1f}" in comparison([one, one])
    assert max(map(len, text.splitlines())) <= WIDTH


def test_in_all_counts_a_shared_preparation_once_and_the_test(toy):
    summary, folder = toy
    with sqlite3.connect(folder / "ledger.sqlite") as db:
        (cpu_s, test) = db.execute("SELECT sum(cpu_s), sum(cpu_s) FILTER (WHERE phase = 'test') FROM costs").fetchone()
    assert summary["cpu_s"] == pytest.approx(cpu_s)
    each = sum(one["cpu_s"] for one in (summary["final"], *summary["baselines"]))
    assert each == pytest.approx(cpu_s - test + (97 + 26) + 97)  # a second search, and a training from the fit


def test_models_that_were_fitted_beside_do_not_count_for_these(tmp_path):
    summary = launched(tmp_path, twice="true")
    for entry, phase in ((summary["final"], "champion/%"), (entry_of(summary, "descent"), "baseline/descent")):
        (variant,) = entry["variants"]
        models = [one["parts"]["models"] for one in (entry, variant)]
        tuning = entry["parts"].get("tuning", {"cpu_s": 0.0, "work": 0})
        assert variant["parts"].get("tuning", tuning) == tuning
        for name in ("cpu_s", "work"):
            assert sum(one[name] for one in (*models, tuning)) == pytest.approx(by_hand(tmp_path / "run", phase)[name])
        assert models[1]["work"] == 2 * models[0]["work"]
        assert list(variant["parts"]) == list(entry["parts"])


def test_repeats_have_the_mean_and_share_what_was_made_once(tmp_path):
    summary = launched(tmp_path, "repeats=2", "search.generations=1")
    each = [json.loads((tmp_path / "run" / f"repeat-{i}" / "summary.json").read_text()) for i in (0, 1)]
    for name in ("champion", "descent"):
        entries = [entry_of(one, name) for one in each]
        assert entry_of(summary, name)["cpu_s"] == pytest.approx(sum(one["cpu_s"] for one in entries) / 2)
        for part, cost in entry_of(summary, name)["parts"].items():
            assert cost["work"] == sum(one["parts"][part]["work"] for one in entries) / 2
    assert summary["cpu_s"] == pytest.approx(sum(one["cpu_s"] for one in each) - 97 - 26)
    joules = [one["energy"]["joules"] for one in each]
    assert summary["energy"]["joules"] == pytest.approx(sum(joules) - 970 - 260)
    assert "what it took, mean over repeats" in report(summary)


def test_a_summary_from_before_costs_had_parts_is_told_with_what_it_lacks(toy, tmp_path):
    summary, folder = toy
    old = json.loads(json.dumps(summary))
    for one in (old["final"], *old["baselines"], old["prepare"]):
        del one["parts"], one["estimated_j"]
    del old["energy"]["estimated_j"], old["energy"]["estimated_share"]
    models = summary["final"]["parts"]["models"]
    old["final"] |= models  # it had no more
    text = report(old)
    assert "Summarised before costs had parts: the champion's confirmation" in " ".join(text.split())
    want = models["cpu_s"] + summary["search"]["cpu_s"] + summary["prepare"]["cpu_s"]
    assert f"{want:.1f}" in next(
        line for line in text.split("what it took")[1].splitlines() if line.startswith("champion")
    )
    copy = shutil.copytree(folder, tmp_path / "run")
    (copy / "summary.json").write_text(json.dumps(old))
    assert compared(copy).cpu_s == pytest.approx(want)


@pytest.mark.parametrize("given", [{}, {"wall_s": 1.0, "cpu_s": 2.0}])
def test_no_cost_is_made_without_joules(given):
    with pytest.raises(TypeError, match="energy_j"):
        Cost(**given)

"""What a contender cost, added up by hand from the ledger, and the same everywhere."""

import json
import re
import shutil
import sqlite3
from dataclasses import asdict

import pytest

from evokit.assembly.trials import TrialGenome
from evokit.common.text import WIDTH
from evokit.energy import Cost, Meter, Reading
from evokit.genomes.individuals import make_individual
from evokit.interfaces import Evaluation
from evokit.measuring.aside import Took
from evokit.measuring.ledger import Ledger, Row
from evokit.results.compare import compared, comparison
from evokit.results.curves import read_curves
from evokit.results.report import report
from evokit.runs.costs import NOTHING, Payer, Spent, between_blocks, divided, spent, told_cost, total
from tests.small import TOY_RECIPE, run

SQUARES = "fitness={name: squares, renewable: true, twice: %s, prepared: [[fit, 97], [library, 26]]}"
BASELINES = "baselines=[{name: descent, lr: [0.1, 0.01]}, {name: descent, builds_on: [fit]}, {name: random_search}]"
COSTS = ("work", *asdict(Cost.none()))


def launched(folder, *overrides, twice="false", resume=False):
    folder.mkdir(exist_ok=True)
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    common = (SQUARES % twice, BASELINES, "confirm={top: 3}", "final.seeds=1")
    return run(folder / "toy.yaml", folder / "run", *common, *overrides, resume=resume)


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


A, B = {"lr": 1}, {"lr": 2}  # A wins
TUNED = (A, 0), (B, 0), (B, 0)  # setting and seed of what a race of two rungs measures, seed 0
FINAL = (A, 1), (A, 2)


def cost(n, joules=0.0):
    """Of n CPU seconds, 2 n by the clock, and a memory of n bytes."""
    return Cost(wall_s=2.0 * n, cpu_s=float(n), energy_j=10.0 * n, estimated_j=joules, peak_memory_bytes=n)


def told_by_hand(costs, fits=(), works=()):
    """A ledger with these costs, fits (phase, generation, setting, seed, work, CPU seconds), and work of phases."""
    ledger = Ledger(":memory:")
    for phase, n in costs.items():
        ledger.add_cost(phase, cost(n))
    for seq, (phase, generation, setting, seed, work, cpu_s) in enumerate(fits):
        one = make_individual(TrialGenome(), {"setting": setting, "seed": seed}, (-1.0,))
        ledger.add_born(phase, generation, [one], [one.genes])
        ledger.add([Row(phase, seq, generation, one.key, "", 1, Evaluation((0.0,), work=work, cpu_s=cpu_s))])
    for seq, (phase, work) in enumerate(works):
        ledger.add([Row(phase, 100 + seq, 0, "key", "", 1, Evaluation((0.0,), work=work))])
    return ledger


def told_in_short(parts):
    """Work and CPU seconds of each part."""
    return {part: (one.work, one.cost.cpu_s) for part, one in parts.items()}


def tuned(phase):
    """A training of two settings: three fits of 5, 5 and 10 in the race, two of 10 that made the models."""
    race = [(phase, 0, setting, seed, work, 1.0) for (setting, seed), work in zip(TUNED, (5, 5, 10), strict=True)]
    return race + [(phase, 1, setting, seed, 10, 2.5) for setting, seed in FINAL]


EVERYTHING = {
    "prepare/fit": 1, "prepare/library": 2, "prepared": 4, "search": 8, "searching": 16, "confirm": 32, "confirm/4": 64,
    "champion/k": 128, "test": 256, "baseline/b": 512, "baseline/b/k": 1024, "baseline/b/confirm/4": 2048,
    "baseline/bb": 4096,
}  # fmt: skip
WORKS = [(phase, n // 2) for phase, n in EVERYTHING.items() if not phase.endswith("/k")]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("champion", {"preparation": (0, 3), "search": (4, 8), "confirmation": (48, 96), "models": (7, 128)}),
        ("b", {"preparation": (0, 3), "search": (256, 512), "confirmation": (1024, 2048), "models": (9, 1024)}),
    ],
)
def test_a_search_pays_for_what_bears_its_name(name, parts):
    fits = [("champion/k", 0, A, 1, 7, 1.0), ("baseline/b/k", 0, A, 1, 9, 1.0)]
    found = spent(told_by_hand(EVERYTHING, fits, WORKS), Payer(name, None, A, [1], 1))
    assert told_in_short(found) == parts
    assert list(found) == ["preparation", "search", "confirmation", "models"]


@pytest.mark.parametrize(("needs", "cpu_s"), [((), None), (("fit",), 1), (("library",), 2), (("library", "fit"), 3)])
def test_a_training_pays_for_the_preparations_that_it_needs(needs, cpu_s):
    ledger = told_by_hand({"prepare/fit": 1, "prepare/library": 2, "baseline/b": 4}, [("baseline/b", 0, A, 1, 7, 1.0)])
    found = told_in_short(spent(ledger, Payer("b", needs, A, [1], 1)))
    assert found == ({} if cpu_s is None else {"preparation": (0, cpu_s)}) | {"models": (7, 4)}


def test_a_phase_is_divided_among_tuning_and_models_by_cpu_seconds():
    # 3 s of fits in the race, 5 s of models, 16 s in all with overheads: 6 and 10
    found = spent(told_by_hand({"baseline/b": 16}, tuned("baseline/b")), Payer("b", (), A, [1, 2], 2))
    assert found == {
        "tuning": Spent(20, Cost(wall_s=12, cpu_s=6, energy_j=60, estimated_j=0, peak_memory_bytes=16)),
        "models": Spent(20, Cost(wall_s=20, cpu_s=10, energy_j=100, estimated_j=0, peak_memory_bytes=16)),
    }
    assert list(found) == ["tuning", "models"]
    assert told_cost(total(found.values())) == {
        "work": 40, "wall_s": 32, "cpu_s": 16, "energy_j": 160, "estimated_j": 0, "peak_memory_bytes": 16,
        "beside_s": 0,
    }  # fmt: skip
    assert total([]) == NOTHING


def test_fits_without_cpu_seconds_share_a_phase_by_their_number():
    fits = [(*one[:-1], 0.0) for one in tuned("baseline/b")]
    found = spent(told_by_hand({"baseline/b": 10}, fits), Payer("b", (), A, [1, 2], 2))
    assert told_in_short(found) == {"tuning": (20, 6), "models": (20, 4)}


def test_a_winner_that_was_finished_when_tuned_is_a_model():
    """As of a contender to which the seed means nothing."""
    fits = [("baseline/b", 0, setting, 1, 5, 1.0) for setting in (A, B)]
    found = spent(told_by_hand({"baseline/b": 4}, fits), Payer("b", (), A, [1], 2))
    assert list(told_in_short(found).items()) == [("tuning", (5, 2)), ("models", (5, 2))]


def test_an_untuned_training_has_models_alone():
    fits = [("baseline/b", 0, A, 1, 5, 1.0), ("baseline/b", 0, {"lr": 1, "times": 2}, 1, 9, 3.0)]  # a variant
    ledger = told_by_hand({"baseline/b": 8}, fits)
    assert told_in_short(spent(ledger, Payer("b", (), A, [1], 1))) == {"models": (5, 2)}
    assert told_in_short(spent(ledger, Payer("b", (), {"lr": 1, "times": 2}, [1], 1))) == {"models": (9, 6)}


def test_without_a_setting_all_fits_count():
    """Every one failed, so there is none."""
    ledger = told_by_hand({"baseline/b": 16}, tuned("baseline/b"))
    assert told_in_short(spent(ledger, Payer("b", (), None, [], 2))) == {"tuning": (20, 6), "models": (20, 10)}
    untuned = told_by_hand({"baseline/b": 16}, [("baseline/b", 0, A, 1, 5, 1.0)])
    assert told_in_short(spent(untuned, Payer("b", (), None, [], 1))) == {"models": (5, 16)}


def test_what_has_no_phases_yet_cost_nothing():
    assert spent(Ledger(":memory:"), Payer("champion", None, None, [], 1)) == {}


def test_answers_from_the_cache_share_nothing():
    ledger = told_by_hand({"baseline/b": 16}, tuned("baseline/b"))
    (one, *_) = ledger.rows("baseline/b")
    cached = Evaluation((0.0,), source="cached", work=0, cpu_s=99.0)
    ledger.add([Row("baseline/b", 50, 1, one.key, "", 1, cached)])
    assert told_in_short(spent(ledger, Payer("b", (), A, [1, 2], 2))) == {"tuning": (20, 6), "models": (20, 10)}


def test_a_block_is_divided_among_its_phase_and_those_aside_by_cpu_seconds():
    reading = Reading(wall_s=10.0, cpu_s=16.0, joules=320.0, estimated_j=32.0)
    aside = {"baseline/a": Took(9.0, 8.0), "baseline/b": Took(1.0, 2.0)}
    found = divided("search", reading, 7, aside)
    assert found == {
        "search": Cost(wall_s=10, cpu_s=6, energy_j=120, estimated_j=12, peak_memory_bytes=7),
        "baseline/a": Cost(wall_s=9, cpu_s=8, energy_j=160, estimated_j=16, peak_memory_bytes=0, beside_s=9),
        "baseline/b": Cost(wall_s=1, cpu_s=2, energy_j=40, estimated_j=4, peak_memory_bytes=0, beside_s=1),
    }
    assert sum(one.own_s for one in found.values()) == 10


def test_a_phase_that_is_waited_for_has_the_whole_block_but_for_others():
    reading = Reading(wall_s=10.0, cpu_s=16.0, joules=160.0, estimated_j=0.0)
    found = divided("baseline/a", reading, 7, {"baseline/a": Took(9.0, 13.0), "baseline/b": Took(5.0, 4.0)})
    assert found == {
        "baseline/a": Cost(wall_s=10, cpu_s=12, energy_j=120, estimated_j=0, peak_memory_bytes=7),
        "baseline/b": Cost(wall_s=5, cpu_s=4, energy_j=40, estimated_j=0, peak_memory_bytes=0, beside_s=5),
    }


def test_no_phase_has_less_than_no_cpu_seconds():
    """Clocks of processes tick in hundredths of a second."""
    found = divided("search", Reading(wall_s=1.0, cpu_s=0.99, joules=9.0), 7, {"baseline/a": Took(1.0, 1.0)})
    assert (found["search"].cpu_s, found["search"].energy_j, found["baseline/a"].energy_j) == (0.0, 0.0, 9.0)


def test_between_blocks_the_first_counts_the_clock_and_joules_are_an_estimate():
    found = between_blocks({"baseline/a": Took(2.0, 1.0), "baseline/b": Took(1.0, 3.0)}, 10.0)
    assert found == {
        "baseline/a": Cost(wall_s=2, cpu_s=1, energy_j=10, estimated_j=10, peak_memory_bytes=0),
        "baseline/b": Cost(wall_s=1, cpu_s=3, energy_j=30, estimated_j=30, peak_memory_bytes=0, beside_s=1),
    }


def test_work_and_cost_add_up():
    both = Cost(wall_s=20, cpu_s=10, energy_j=100, estimated_j=8, peak_memory_bytes=8)
    assert Spent(1, cost(2, 3.0)) + Spent(4, cost(8, 5.0)) == Spent(5, both)
    assert Spent(0, Cost.none()) == NOTHING


@pytest.mark.parametrize("begins", [2, 3, 4, 6])
def test_a_phase_that_is_interrupted_as_it_begins_ends_the_run_like_any_other(tmp_path, monkeypatch, begins):
    measure, left = Meter.measure, iter(range(begins))

    def interrupted(meter):
        if next(left) == begins - 1:
            raise KeyboardInterrupt
        return measure(meter)

    whole = launched(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(Meter, "measure", interrupted)
        with pytest.raises(KeyboardInterrupt):
            launched(tmp_path)
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "interrupted"
    assert launched(tmp_path, resume=True)["best"] == whole["best"]

"""Repeats combined: means, and verdicts over repeats and over test units."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
import pytest

from evokit.measuring.ledger import Ledger
from evokit.runs.repeats import combine, combined_vault, last_register, mean_scores, unit_scores
from evokit.statistics.intervals import mean_interval, p_value
from tests.small import TOY_RECIPE, run


def entry(name: str, test: float | None, variants: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    skipped = "every fit failed" if test is None else ""
    return {
        "name": name,
        "test": test,
        "validation": test,
        "skipped": skipped,
        "trained": True,
        "variants": list(variants),
    }


def summary(seed: int, ours: float, theirs: float | None, digest: str = "same") -> dict[str, Any]:
    kept = entry("champion, plain", ours + 1)
    rival = entry("adamw", theirs, (entry("adamw, plain", theirs),))
    return {
        "status": "done",
        "seed": seed,
        "objective": {"goal": "min"},
        "objectives": {"loss": "min"},
        "data": {"digest": digest},
        "best": {"values": [ours]},
        "final": entry("champion", ours, (kept,)),
        "baselines": [rival],
        "rival": "adamw",
        "verdicts": [],
        "test_openings": [],
        "search": {"work": 1},
        "wall_s": 1.0,
        "cpu_s": 2.0,
        "energy": {"joules": 3.0},
    }


OURS = np.array([[1.0, 2.0, 3.0], [1.2, 2.1, 3.6]])  # repeats by documents
THEIRS = np.array([[2.0, 2.5, 3.7], [2.1, 2.2, 4.1]])
SUMMARIES = [
    summary(seed, float(ours.mean()), float(theirs.mean()))
    for seed, (ours, theirs) in enumerate(zip(OURS, THEIRS, strict=True))
]
SCORES = [
    {"champion": ours, "champion, plain": ours + 1, "adamw": theirs, "adamw, plain": theirs}
    for ours, theirs in zip(OURS, THEIRS, strict=True)
]


def test_repeats_with_other_training_data_were_tested_on_the_same_units_if_their_test_digest_says_so():
    apart = [one | {"data": {"digest": str(number)}} for number, one in enumerate(SUMMARIES)]
    assert combine(apart, 2, SCORES)["verdicts"][0]["n"] == 2, "repeats alone"
    drawn = [one | {"data": one["data"] | {"test_digest": "same"}} for one in apart]
    assert combine(drawn, 2, SCORES)["verdicts"] == combine(SUMMARIES, 2, SCORES)["verdicts"]


def test_a_difference_has_one_interval_over_documents_and_repeats():
    one, _ = combine(SUMMARIES, 2, SCORES)["verdicts"]
    difference, interval = mean_interval(OURS - THEIRS)
    assert one["difference"] == pytest.approx(difference)
    assert one["interval"] == pytest.approx(interval)
    assert one["n"] == 3
    assert "over units and 2 repeats" in one["method"]


def test_test_values_have_their_own_goal():
    """A search for a low loss may be tested by accuracy."""
    turned = [{**one, "final": {**one["final"], "goal": "max"}} for one in SUMMARIES]
    (lower, *_), (higher, *_) = (combine(ones, 2, [])["verdicts"] for ones in (SUMMARIES, turned))
    assert "lower is better" in lower["method"]
    assert "higher is better" in higher["method"]
    assert lower["difference"] == higher["difference"]
    clear = [summary(seed, 1.0 + seed / 100, 2.0 - seed / 100) for seed in range(3)]
    turned = [{**one, "final": {**one["final"], "goal": "max"}} for one in clear]
    assert [combine(ones, 3, [])["verdicts"][0]["verdict"] for ones in (clear, turned)] == ["better", "worse"]


@pytest.mark.parametrize(("goal", "best"), [("min", "b"), ("max", "a")])
def test_the_rival_is_the_best_in_the_mean_of_the_repeats(goal, best):
    """Not the one that was best in the repeat whose champion leads."""
    ones = [
        {**one, "rival": "a" if goal == "min" else "b", "baselines": [entry("a", a), entry("b", b)]}
        | {"final": {**one["final"], "goal": goal}}
        for one, a, b in zip(SUMMARIES, (3.0, 9.0), (4.0, 5.0), strict=True)
    ]
    assert combine(ones, 2, [])["rival"] == best


def test_variants_of_one_name_are_compared_with_each_other():
    _, plain = combine(SUMMARIES, 2, SCORES)["verdicts"]
    assert plain["against"] == "adamw, plain"
    assert plain["difference"] == pytest.approx((OURS + 1).mean() - THEIRS.mean())


def test_of_several_variants_each_meets_its_own():
    ones = [
        one
        | {
            "final": entry(
                "champion", 1.0 + seed, tuple(entry(f"champion, {kind}", 2.0) for kind in ("plain", "long"))
            ),
            "baselines": [
                entry("adamw", 3.0, tuple(entry(f"adamw, {kind}", 4.0 + seed) for kind in ("long", "plain")))
            ],
        }
        for seed, one in enumerate(SUMMARIES)
    ]
    found = combine(ones, 2)["verdicts"]
    assert [one["against"] for one in found] == ["adamw", "adamw, plain", "adamw, long"]
    assert [one["difference"] for one in found] == [-1.5, -2.5, -2.5]


def test_an_untested_champion_is_not_judged():
    """The leader's own values stay."""
    ones = [SUMMARIES[0], SUMMARIES[1] | {"final": entry("champion", None), "rival": "nobody"}]
    combined = combine(ones, 2)
    assert (combined["verdicts"], combined["rival"]) == ([], "adamw")
    assert combined["final"]["test"] == OURS[0].mean()
    others = [one | {"rival": "nobody"} for one in ones]
    assert combine(others, 2)["rival"] == "nobody"


@pytest.mark.parametrize("own", [True, False])  # whether models have values on validation, or the search's count
def test_values_without_a_test_are_means_as_well(own):
    def untested(name, value):
        return entry(name, None) | {"validation": value}

    ones = [
        one | {"final": untested("champion", ours if own else None), "best": {"values": [ours]}}
        | {"baselines": [untested("adamw", theirs)]}
        for one, ours, theirs in zip(SUMMARIES, (1.0, 4.0), (2.0, 3.0), strict=True)
    ]  # fmt: skip
    combined = combine(ones, 2)
    assert (combined["final"]["validation"], combined["baselines"][0]["validation"]) == (2.5, 2.5)
    ones[1]["baselines"] = [untested("adamw", None)]
    assert combine(ones, 2)["baselines"][0]["validation"] == 2.0, "not of all repeats, so the leader's own"
    ones[1]["final"] = None
    alone = combine(ones, 2)
    assert (alone["final"]["validation"], alone["baselines"][0]["validation"]) == (1.0 if own else None, 2.0)


def test_other_data_in_each_repeat_leaves_the_repeats_as_units():
    other = [SUMMARIES[0], SUMMARIES[1] | {"data": {"digest": "another"}}]
    one, _ = combine(other, 2, SCORES)["verdicts"]
    assert one["n"] == 2
    assert one["interval"] == pytest.approx(mean_interval(OURS.mean(1) - THEIRS.mean(1))[1])
    assert combine(other, 2, SCORES)["final"]["interval"] == pytest.approx(mean_interval(OURS.mean(1))[1])


def test_means_stand_in_the_places_of_single_values():
    combined = combine(SUMMARIES, 2, SCORES)
    assert combined["final"]["test"] == pytest.approx(OURS.mean())
    assert combined["final"]["test_by_seed"] == pytest.approx(OURS.mean(1).tolist())
    assert combined["final"]["interval"] == pytest.approx(mean_interval(OURS)[1])
    assert combined["final"]["n_units"] == 3
    assert combined["final"]["variants"][0]["test"] == pytest.approx(OURS.mean() + 1)
    assert combined["baselines"][0]["validation"] == pytest.approx(THEIRS.mean())


@pytest.mark.parametrize("ours", [1.0, 3.0])  # the repeat that failed is the best one, or it is not
def test_a_rival_that_failed_in_one_repeat_is_not_judged(ours):
    scores = [SCORES[0], {name: units for name, units in SCORES[1].items() if "adamw" not in name}]
    combined = combine([SUMMARIES[0], summary(1, ours, None)], 2, scores)
    assert combined["verdicts"] == []
    (rival,) = combined["baselines"]
    assert (rival["test"], rival["skipped"]) == (None, "every fit failed")


def test_a_variant_that_one_repeat_lacks_is_not_judged():
    last = SUMMARIES[1] | {"final": SUMMARIES[1]["final"] | {"variants": []}}
    combined = combine([SUMMARIES[0], last], 2, SCORES)
    assert [one["against"] for one in combined["verdicts"]] == ["adamw"]


def test_repeats_of_a_run_with_a_test_split_are_judged_on_its_units(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    combined = run(tmp_path / "toy.yaml", tmp_path / "run", "repeats=2", "search.generations=2")
    assert {one["n"] for one in combined["verdicts"]} == {combined["repeats"][0]["verdicts"][0]["n"]}


def alone(seed: int, value: float | None, goal: str = "min", **changes: Any) -> dict[str, Any]:
    """A run without a test split."""
    return summary(seed, 0.0, 0.0) | {
        "objective": {"goal": goal},
        "best": None if value is None else {"values": [value]},
        "final": None,
        "baselines": [],
        "rival": None,
        "data": None,
        **changes,
    }


@pytest.mark.parametrize(("goal", "leads"), [("min", 1), ("max", 2)])
def test_the_repeat_whose_champion_is_best_leads(goal, leads):
    values = (3.0, 1.0, 5.0, None)  # the last has no champion yet
    combined = combine([alone(seed, value, goal) for seed, value in enumerate(values)], 4)
    assert combined["seed"] == leads
    assert [one["validation"] for one in combined["repeats"]] == list(values)
    assert (combined["final"], combined["verdicts"], combined["vault"]) == (None, [], None)


def test_repeats_without_any_champion_are_told_nonetheless():
    assert combine([alone(7, None), alone(8, None)], 2)["seed"] == 7


@pytest.mark.parametrize(
    ("n", "status", "told"), [(2, "done", "done"), (3, "done", "running"), (2, "interrupted", "running")]
)
def test_repeats_are_done_when_all_that_were_planned_are(n, status, told):
    assert combine([alone(0, 1.0, status=status), alone(1, 2.0)], n)["status"] == told


def test_each_repeat_is_told_in_its_order():
    ones = [
        alone(4, 2.0, search={"work": 5}, verdicts=["a"], test_openings=[1, 2]),
        {**SUMMARIES[1], "seed": 9, "search": {"work": 6}, "verdicts": ["b"], "test_openings": [3]},
    ]
    combined = combine(ones, 2)
    nothing = {"status": "done", "hypervolume": None, "qd_score": None}
    assert combined["repeats"] == [
        {"seed": 4, "validation": 2.0, "test": None, "work": 5, "verdicts": ["a"], **nothing},
        {"seed": 9, "validation": OURS[1].mean(), "test": OURS[1].mean(), "work": 6, "verdicts": ["b"], **nothing},
    ]
    assert combined["test_openings"] == [1, 2, 3]


def test_seconds_and_joules_of_repeats_add_up():
    ones = [
        alone(0, 1.0, wall_s=1.0, cpu_s=10.0, energy={"joules": 100.0, "estimated_j": 50.0, "method": "read"}),
        alone(1, 2.0, wall_s=2.0, cpu_s=20.0, energy={"joules": 300.0}),  # before estimates were told: all of it
    ]
    combined = combine(ones, 2)
    assert (combined["wall_s"], combined["cpu_s"]) == (3.0, 30.0)
    energy = {"joules": 400.0, "estimated_j": 350.0, "estimated_share": 0.875, "method": "read"}
    assert combined["energy"] == energy


def test_no_joules_have_no_share():
    nothing = alone(0, 1.0, energy={"joules": 0.0, "estimated_j": 0.0})
    assert combine([nothing, nothing], 2)["energy"]["estimated_share"] == 0.0


def cost(n: float, memory: int = 0) -> dict[str, Any]:
    return {"wall_s": n, "cpu_s": 2 * n, "energy_j": 3 * n, "estimated_j": n / 2, "peak_memory_bytes": memory}


def test_a_preparation_that_was_kept_counts_once():
    """The library was made anew by the second repeat, which took as long to the last digit only for the fit."""
    parts = [
        {"fit": cost(4.0), "library": cost(1.0)},
        {"fit": cost(4.0), "library": cost(1.5)},
        {"fit": cost(4.0), "library": cost(1.5)},
        {"other": cost(4.0)},
        {},
    ]
    own = {"wall_s": 10.0, "cpu_s": 20.0, "energy": {"joules": 30.0, "estimated_j": 5.0}}
    ones = [alone(seed, 1.0, prepare={"parts": one}, **own) for seed, one in enumerate(parts)]
    combined = combine([*ones, alone(5, 1.0, **own)], 6)
    kept = 2 * 4.0 + 1.5
    assert combined["wall_s"] == 60 - kept
    assert combined["cpu_s"] == 120 - 2 * kept
    joules, estimated_j = 180 - 3 * kept, 30 - kept / 2
    assert combined["energy"] == {
        "joules": joules, "estimated_j": estimated_j, "estimated_share": estimated_j / joules
    }  # fmt: skip


BESIDE = {"beside_s": 0.0}  # which runs before 2026-11-30 lack, as these do


def spending(n: float, memory: int, **parts: float) -> dict[str, Any]:
    """What an entry cost: ``n`` in all, of which these are parts."""
    each = {name: {"work": int(10 * one), **cost(one, memory)} for name, one in parts.items()}
    return {"work": int(10 * n), **cost(n, memory), "parts": each}


def test_costs_are_means_over_the_repeats_and_memory_is_the_largest():
    longer = [entry("champion, longer", 1.0) | spending(n, 7, models=n) for n in (2.0, 6.0)]
    ours = [
        entry("champion", 1.0, (longer[0],)) | spending(1.0, 50, models=1.0),
        entry("champion", 2.0, (longer[1],)) | spending(5.0, 30, search=2.0, models=3.0),
        entry("champion", 3.0),  # from before costs had parts
    ]
    theirs = [entry("adamw", 1.0) | spending(n, memory, tuning=n) for n, memory in ((4.0, 1), (2.0, 9), (3.0, 2))]
    ones = [
        summary(seed, 1.0 + seed, 1.0) | {"final": final, "baselines": [rival]}
        for seed, (final, rival) in enumerate(zip(ours, theirs, strict=True))
    ]
    combined = combine(ones, 3)
    final, (rival,) = combined["final"], combined["baselines"]
    assert {name: final[name] for name in ("work", *cost(0))} == {"work": 30, **cost(3.0, 50)}
    assert final["parts"] == {
        "models": {"work": 20, **cost(2.0, 50), **BESIDE},
        "search": {"work": 10, **cost(1.0, 30), **BESIDE},
    }
    assert final["variants"][0]["work"] == 40
    assert rival["parts"] == {"tuning": {"work": 30, **cost(3.0, 9), **BESIDE}}
    assert rival["cpu_s"] == 6.0
    unfinished = combine([ones[0], ones[1] | {"final": None}], 2)
    assert unfinished["final"]["work"] == 10
    assert unfinished["verdicts"] == []


def test_costs_from_before_they_had_parts_stay_as_they_are():
    combined = combine(SUMMARIES, 2, SCORES)
    assert "parts" not in combined["final"]


def test_validation_is_the_mean_over_repeats():
    combined = combine(SUMMARIES, 2, SCORES)
    assert combined["final"]["validation"] == pytest.approx(OURS.mean())


def test_an_untested_baseline_has_no_number_and_says_why():
    combined = combine([SUMMARIES[0], summary(1, 1.0, None)], 2)
    (rival,) = combined["baselines"]
    assert (rival["test"], rival["test_by_seed"], rival["interval"], rival["n_units"]) == (None, [], None, 0)
    assert combined["rival"] is None


def test_the_rivals_are_one_family_and_the_champion_the_reference():
    """Holm's correction doubles the smaller of two p-values and leaves the larger at least at that."""
    ours = [(1.0, 1.3, 1.1)[seed] for seed in range(3)]
    rivals = {"a": (1.9, 2.4, 2.0), "b": (1.2, 1.2, 1.4)}
    ones = [
        summary(seed, ours[seed], 0.0)
        | {"final": entry("champion", ours[seed]), "baselines": [entry(name, rivals[name][seed]) for name in rivals]}
        for seed in range(3)
    ]
    first, second = combine(ones, 3)["verdicts"]
    alone_first, alone_second = (p_value(np.subtract(ours, rivals[name])) for name in rivals)
    assert first["difference"] == pytest.approx(np.mean(ours) - np.mean(rivals["a"]))
    assert first["p_holm"] == pytest.approx(2 * alone_first)
    assert second["p_holm"] == pytest.approx(max(alone_second, 2 * alone_first))
    assert "over 3 repeats of the whole run; speaks of the method" in first["method"]


def test_of_registers_the_one_that_counts_most_is_the_last():
    ones = [{"openings": 2, "units": 1}, {"openings": 5, "units": 2}, {"openings": None, "units": 3}]
    assert last_register([{"register": one} for one in ones]) == ones[1]
    assert last_register([{"register": ones[2]}, {"register": None}, {}]) == ones[2]
    assert last_register([{"register": None}]) is None
    assert combine([alone(0, 1.0, register=ones[0]), alone(1, 2.0, register=ones[1])], 2)["register"] == ones[1]


def opened(folder, *openings):
    """A run directory whose ledger has these openings: a reason, and units by contender and seed."""
    folder.mkdir()
    with closing(Ledger(folder / "ledger.sqlite")) as ledger:
        for index, (reason, scores) in enumerate(openings):
            number = ledger.opening(reason, f"models {index}", "monday")
            for (name, seed), units in scores.items():
                ledger.add_score(number, name, seed, units)
    return folder


def test_scores_are_those_of_the_last_opening_for_a_reason(tmp_path):
    ours = {("champion", 1): [1, 2], ("champion", 2): [3, 6], ("adamw", 1): [5, 7]}
    folder = opened(
        tmp_path / "a", ("final", {("champion", 1): [9, 9]}), ("final", ours), ("unseal", {("champion", 1): [8]})
    )
    assert {name: units.tolist() for name, units in unit_scores(folder).items()} == {
        "champion": [[1, 2], [3, 6]], "adamw": [[5, 7]]
    }  # fmt: skip
    assert {name: units.tolist() for name, units in mean_scores(folder).items()} == {
        "champion": [2, 4], "adamw": [5, 7]
    }  # fmt: skip
    assert mean_scores(folder, "unseal")["champion"].tolist() == [8]
    assert unit_scores(opened(tmp_path / "b")) == {}


def test_vaults_are_combined_like_tests_and_none_while_one_is_closed(tmp_path):
    folders, ones = [], []
    for seed, (ours, theirs) in enumerate(zip(OURS, THEIRS, strict=True)):
        units = {("champion", 0): ours + 10, ("adamw", 0): theirs + 20}
        folders.append(opened(tmp_path / str(seed), ("final", {("champion", 0): [0.0]}), ("unseal", units)))
        vault = {
            "opened_at": f"day {seed}",
            "final": entry("champion", float(ours.mean()) + 10),
            "baselines": [entry("adamw", float(theirs.mean()) + 20)],
            "register": {"openings": seed + 1},
        }
        ones.append(SUMMARIES[seed] | {"vault": vault})
    found = combined_vault(ones, folders)
    assert found is not None
    assert set(found) == {"opened_at", "final", "baselines", "rival", "verdicts", "register"}
    assert (found["opened_at"], found["rival"], found["register"]) == ("day 1", "adamw", {"openings": 2})
    assert found["final"]["test"] == pytest.approx(OURS.mean() + 10)
    assert found["final"]["n_units"] == 3
    (one,) = found["verdicts"]
    assert one["interval"] == pytest.approx(mean_interval(OURS - THEIRS - 10)[1])
    assert combined_vault([ones[0], SUMMARIES[1]], folders) is None
    assert combined_vault([ones[0], ones[1] | {"vault": None}], folders) is None

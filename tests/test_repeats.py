"""Repeats combined: means, and verdicts over repeats and over test units."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from evokit.intervals import mean_interval
from evokit.repeats import combine
from tests.small import run
from tests.test_report import TOY_RECIPE


def entry(name: str, test: float | None, variants: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    skipped = "every fit failed" if test is None else ""
    return {"name": name, "test": test, "validation": test, "skipped": skipped, "variants": list(variants)}


def summary(seed: int, ours: float, theirs: float | None, digest: str = "same") -> dict[str, Any]:
    kept = entry("champion, plain", ours + 1)
    rival = entry("adamw", theirs, (entry("adamw, plain", theirs),))
    return {
        "status": "done",
        "seed": seed,
        "objective": {"goal": "min"},
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

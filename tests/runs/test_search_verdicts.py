"""Fronts and archives over repeats: means in one box, and the search against its controls."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy import stats

from evokit.results.report import report
from evokit.runs.repeats import combine
from evokit.runs.search_verdicts import judged, of_archives, of_fronts, of_values
from tests.small import RECIPES, run, write_recipe

CORNER = 0.21 / 1.21  # of both ends of the box: two strips of 1.1 by 0.1 that share a square of 0.1
Points = list[tuple[float, float]]


def with_fronts(search: Points, control: Points) -> dict[str, Any]:
    return {
        "objectives": {"a": "min", "b": "max"},
        "hypervolume": {"search": 1.0, "control": 1.0},  # in a box of its own, which says nothing here
        "front": [{"values": point} for point in search],
        "baselines": [{"name": "untrained"}, {"name": "control", "front": control}],
    }


TWO = [with_fronts([(0, 0), (1, 1)], [(1, 0)]), with_fronts([(0, 1)], [(0, 0), (1, 1)])]


def test_fronts_of_repeats_are_measured_in_one_box():
    means, values = of_fronts(TWO)
    worst = 0.01 / 1.21  # a square of 0.1 beyond the worst corner
    assert {name: pytest.approx(one) for name, one in values.items()} == {
        "search": [CORNER, 1.0],
        "control": [worst, CORNER],
    }
    assert means["hypervolume"]["search"] == pytest.approx((CORNER + 1) / 2)
    assert means["gaps"]["search"]["igd_plus"] == pytest.approx(1 / 2), "from the ideal corner 1 and 0"
    assert means["gaps"]["control"]["epsilon"] == 1.0


def test_without_a_front_in_each_repeat_nothing_is_said_of_them():
    assert of_fronts([TWO[0], TWO[1] | {"hypervolume": None}]) == ({}, {})
    assert of_archives([{"archive": None}, {}]) == ({}, {})
    assert judged("hypervolume", {}) == []


def test_a_control_that_one_repeat_lacks_is_left_out():
    lacking = TWO[1] | {"hypervolume": {"search": 1.0}}
    assert list(of_fronts([TWO[0], lacking])[1]) == ["search"]


def test_an_empty_front_dominates_nothing_and_has_no_distance():
    means, values = of_fronts([TWO[0], with_fronts([(0, 1)], [])])
    assert values["control"][1] == 0
    assert list(means["gaps"]) == ["search"]


def test_archives_of_repeats_have_means():
    archives = [
        {"archive": {"elites": {"search": n}, "coverage": {"search": n / 8}, "qd_score": {"search": 2.0 * n}}}
        for n in (2, 4)
    ]
    means, values = of_archives(archives)
    assert means == {"elites": {"search": 3.0}, "coverage": {"search": 0.375}, "qd_score": {"search": 6.0}}
    assert values == {"search": [4.0, 8.0]}
    assert judged("qd_score", values) == [], "there is no control"


def test_repeats_are_pairs_and_controls_share_one_level():
    ours, theirs = np.array([0.6, 0.7, 0.8, 0.7]), np.array([0.5, 0.5, 0.5, 0.5])
    one, other = judged("hypervolume", {"search": list(ours), "a": list(theirs), "b": list(ours - [1e-3, 0, -1e-3, 0])})
    differences = ours - theirs
    half = stats.t.ppf(0.975, 3) * differences.std(ddof=1) / 2
    assert one["interval"] == pytest.approx([differences.mean() - half, differences.mean() + half])  # no skew
    assert one["p_holm"] == pytest.approx(2 * stats.ttest_1samp(differences, 0).pvalue)
    assert (one["measure"], one["against"], one["verdict"]) == ("hypervolume", "a", "better")
    assert (other["against"], other["verdict"]) == ("b", "no difference shown")


def test_one_repeat_shows_no_difference():
    assert judged("hypervolume", {"search": [1.0], "control": [0.0]}) == []


def test_a_run_with_repeats_and_two_objectives_says_what_fronts_are_worth(tmp_path):
    text = (
        "seed: 3\nrepeats: 3\nfitness: {name: zdt1}\ngenome: {name: real_vector, length: 3, low: 0, high: 1}\n"
        "search: {name: nsga2, population: 8, generations: 6}\ncrossover: {name: uniform}\n"
        "mutation: {name: gaussian}\nbaselines: [{name: random_search}]\nexecution: {backend: inline}\n"
    )
    (tmp_path / "two.yaml").write_text(text)
    summary = run(tmp_path / "two.yaml", tmp_path / "run")
    (told,) = summary["search_verdicts"]
    by_repeat = [one["hypervolume"] for one in summary["repeats"]]
    assert told["difference"] == pytest.approx(np.mean([one["search"] - one["random_search"] for one in by_repeat]))
    assert summary["hypervolume"]["search"] == pytest.approx(np.mean([one["search"] for one in by_repeat]))
    text = " ".join(report(summary).split())
    assert f"Pareto front of all that was measured in the repeat with seed {summary['seed']}" in text
    assert "Hypervolume, mean of 3 repeats, as a share of the box around all their fronts" in text
    assert "hypervolume higher is better random_search +" in text


def with_values(ours: float | None, theirs: float, again: tuple[float, float] | None = None) -> dict[str, Any]:
    mine, their = again or (None, None)
    return {
        "data": None,
        "objectives": {"a": "min"},
        "best": None if ours is None else {"values": [ours], "confirmed": mine},
        "baselines": [
            {"name": "trained", "trained": True, "validation": 0.0},
            {"name": "control", "trained": False, "validation": theirs, "confirmed": their},
        ],
    }


def test_values_are_those_measured_again_where_there_are_such():
    assert of_values([with_values(1.0, 2.0), with_values(3.0, 4.0)]) == {"search": [1.0, 3.0], "control": [2.0, 4.0]}
    again = [with_values(1.0, 2.0, (1.5, 2.5)), with_values(3.0, 4.0, (3.5, 4.5))]
    assert of_values(again) == {"search": [1.5, 3.5], "control": [2.5, 4.5]}
    lacking = with_values(3.0, 4.0, (3.5, 4.5))
    lacking["baselines"][1]["confirmed"] = None
    assert of_values([again[0], lacking]) == {"search": [1.0, 3.0], "control": [2.0, 4.0]}, "like beside like"


@pytest.mark.parametrize(
    "other",
    [{"data": {"name": "images"}}, {"objectives": {"a": "min", "b": "min"}}, {"archive": {"cells": 3}}, {"best": None}],
)
def test_values_say_nothing_where_something_else_counts_or_one_repeat_has_none(other):
    one = with_values(1.0, 2.0) | other
    assert judged("value", of_values([one, one])) == []


def test_what_is_at_work_counts_in_no_mean_and_no_report_says_so(tmp_path):
    summary = run(RECIPES / "zdt1.yaml", tmp_path / "run", "search={name: nsga2, population: 8, generations: 3}")
    told = combine([summary, summary | {"seed": 7, "status": "interrupted"}], 2)
    assert (told["search_verdicts"], told["hypervolume"]) == ([], summary["hypervolume"])
    text = " ".join(report(told).split())
    assert "Hypervolume, as a share of the box around these fronts" in text
    assert "mean of 2 repeats" not in text
    both = " ".join(report(combine([summary, summary | {"seed": 7}], 2)).split())
    assert "Hypervolume, mean of 2 repeats" in both
    assert "f1 alone, mean of 2 repeats" in both


def test_without_any_repeat_that_ended_nothing_is_said():
    assert (of_values([]), of_fronts([]), of_archives([])) == ({}, ({}, {}), ({}, {}))


def test_repeats_of_a_function_are_held_against_its_control(tmp_path):
    summary = run(write_recipe(tmp_path), tmp_path / "run", "search.generations=2", "repeats=2")
    told, _ = summary["search_verdicts"]
    values = [one["validation"] for one in summary["repeats"]]
    assert told["difference"] == pytest.approx(np.mean(values) - summary["baselines"][0]["validation"])
    assert (told["measure"], told["n"]) == ("value", 2)
    text = " ".join(report(summary).split())
    assert re.search(r"its best value (higher|lower) is better random_search [+-]", text)
    assert summary["repeats"][0]["hypervolume"] is None

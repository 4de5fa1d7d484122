"""Whole runs under constraints: who wins, what is told, and that a resumed run is the same."""

import json

import numpy as np
import pytest

from evokit import toolbox
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import same_but_for_costs
from evokit.results.curves import read_curves
from evokit.results.report import report
from evokit.results.verify import verify
from evokit.runs import run as running
from evokit.runs.repeats import combine
from tests.small import killed_after, launched

PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, Evaluation, hookimpl


@dataclass(frozen=True)
class Corner:
    """The less of each number the better, but their sum must be ``least`` and the first 0.5; ``fails`` above 1.9."""

    least: float = 1.5
    two: bool = False
    fails: bool = False
    constraints: ClassVar = ("sum", "first")
    budgets: ClassVar = (1, 2)
    context: ClassVar = "corner"
    slots: ClassVar = {}
    takes: ClassVar = frozenset({"vector"})

    @property
    def objectives(self):
        return {"loss": "min", "last": "max"} if self.two else {"loss": "min"}

    def build(self, context):
        return self

    def fresh(self):
        return Corner(self.least + 0.1, self.two)

    def evaluate(self, batch, budget):
        for x in batch:
            if self.fails and x[1] > 1.9:
                raise ArithmeticError("too large")
            values = (float((x**2).sum()), float(x[-1]))[: len(self.objectives)]
            yield Evaluation(values, work=budget, constraints=(self.least - x.sum(), 0.5 - x[0]))


@hookimpl
def evokit_components():
    return [Component("fitness", "corner", Corner)]
'''
RECIPE = """\
seed: 3
plugins: [./corner.py]
fitness: {name: corner}
genome: {name: real_vector, length: 3, low: 0, high: 2}
search: SEARCH
execution: {backend: inline, batch: 2}
"""
VARIATION = "crossover: {name: simulated_binary}\nmutation: {name: polynomial}\n"
SEARCHES = {
    "auto": ("{name: auto, generations: 30}", ""),
    "cma": ("{name: cma, generations: 15}", ""),
    "coordinate_descent": ("{name: coordinate_descent, generations: 30}", ""),
    "de": ("{name: de, population: 10, generations: 15}", ""),
    "generational": ("{name: generational, population: 10, generations: 12}", VARIATION),
    "roulette": (
        "{name: generational, population: 10, generations: 12}",
        VARIATION + "selection: {name: roulette}\n",
    ),
    "islands": (
        "{name: islands, every: 2, count: 2, islands: [{name: mu_plus_lambda, population: 4, offspring: 8,"
        " generations: 10}]}",
        VARIATION,
    ),
    "optuna": ("{name: optuna, batch: 5, generations: 10}", ""),
    "pgpe": ("{name: pgpe, population: 10, generations: 15}", ""),
    "polish": (
        "{name: polish, search: {name: random_search, generations: 4}, then: {name: quasi_newton, generations: 20}}",
        "",
    ),
    "quasi_newton": ("{name: quasi_newton, generations: 30}", ""),
    "random_search": ("{name: random_search, generations: 15}", ""),
    "restarts": (
        "{name: restarts, patience: 2, generations: 14, search: {name: steady_state, population: 6}}",
        VARIATION,
    ),
    "screened": (
        "{name: generational, population: 12, generations: 12}",
        VARIATION + "screens: [{name: surrogate, model: {name: ridge}, refit_every: 2}, {name: race}]\n",
    ),
    "snes": ("{name: snes, population: 10, generations: 15}", ""),
}


def constrained(tmp_path, search, *overrides, out="run", more="", resume=False):
    (tmp_path / "corner.py").write_text(PLUGIN)
    return launched(tmp_path, RECIPE.replace("SEARCH", search) + more, list(overrides), out, resume=resume)


@pytest.mark.parametrize("name", SEARCHES)
def test_every_search_ends_with_the_best_of_the_feasible_and_resumes_as_it_was(name, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(running, "CHECKPOINT_SHARE", np.inf)
    search, more = SEARCHES[name]
    fails = "fitness.fails=true"
    summary, rows = constrained(tmp_path, search, fails, more=more)
    measured = [row.evaluation for row in rows if row.budget == 2 and row.evaluation.source == "measured"]
    full = [one for one in measured if one.ok]
    feasible = [one.values[0] for one in full if max(one.constraints) <= 0]
    assert feasible
    assert len(feasible) < len(full)
    assert summary["best"]["values"] == [min(feasible)] == [summary["best_measured"]]
    assert summary["best"]["violation"] == 0 >= max(summary["best"]["constraints"].values())
    assert summary["constraints"]["feasible"] >= len(feasible)
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "add", killed_after(len(rows) // 3))
        with pytest.raises(KeyboardInterrupt):
            constrained(tmp_path, search, fails, more=more, out="killed")
    workers = "execution={backend: processes, workers: 2, batch: 2}"
    constrained(tmp_path, search, fails, workers, more=more, out="killed", resume=True)
    assert same_but_for_costs(tmp_path / "run" / "ledger.sqlite", tmp_path / "killed" / "ledger.sqlite")


GENERATIONS = "{name: generational, population: 10, generations: 4}"


def test_nobody_feasible_is_said_and_counts_as_no_value(tmp_path):
    summary, rows = constrained(
        tmp_path, GENERATIONS, "fitness.least=7", "stop.target=100", "stop.patience=1",
        more=VARIATION + "baselines: [{name: random_search}]\n",
    )  # fmt: skip
    # No three numbers up to 2 sum to 7: neither the target nor patience, which look at feasible values, end the run.
    assert summary["generations"] == 4
    assert summary["best_measured"] is None
    least = min(sum(max(one, 0) for one in row.evaluation.constraints) for row in rows)
    assert summary["best"]["violation"] == pytest.approx(least)
    assert summary["constraints"]["feasible"] == 0
    (control,) = summary["baselines"]
    assert (control["validation"], control["violation"] > 0) == (None, True)
    text = report(summary)
    assert "Nobody is feasible. The one that violates least: loss" in text
    assert f"Feasible: 0 of {summary['constraints']['measured']} that have values" in text
    assert "champion (nobody feasible)" in text
    assert "random_search (nobody feasible)" in text
    assert "validation" not in text  # there is nobody who has a value
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [one["best"] for one in records] == [None] * 4
    violations = [one["violation"] for one in records]
    assert violations == sorted(violations, reverse=True)


def test_of_repeats_one_that_is_feasible_leads(tmp_path):
    bad, _ = constrained(tmp_path, GENERATIONS, "fitness.least=7", more=VARIATION, out="bad")
    good, _ = constrained(tmp_path, GENERATIONS, more=VARIATION, out="good")
    bad["best"]["values"] = [-1e9]
    together = combine([bad, good], 2)
    assert together["best"] == good["best"]
    assert [one["validation"] for one in together["repeats"]] == [None, good["best_measured"]]


def test_a_front_is_of_the_feasible(tmp_path):
    more = VARIATION + "baselines: [{name: random_search}]\n"
    search = "{name: nsga2, population: 12, generations: 6}"
    summary, rows = constrained(tmp_path, search, "fitness.two=true", more=more)
    full = [row.evaluation for row in rows if row.budget == 2]
    feasible = {one.values for one in full if max(one.constraints) <= 0}
    assert {tuple(point["values"]) for point in summary["front"]} <= feasible
    better = [(a, b) for a in feasible for b in feasible if a[0] < b[0] and a[1] > b[1]]
    assert not {tuple(point["values"]) for point in summary["front"]} & {worse for _, worse in better}
    nothing, _ = constrained(tmp_path, search, "fitness.two=true", "fitness.least=7", more=more, out="nothing")
    assert nothing["front"] == []
    assert nothing["hypervolume"] == {"search": 0.0, "random_search": 0.0}


def test_a_champion_that_is_infeasible_on_fresh_data_is_said_to_be(tmp_path):
    # Fresh data ask for 0.1 more, which the best, at the border, does not have.
    search = "{name: quasi_newton, generations: 40}"
    summary, _ = constrained(tmp_path, search, more="confirm: {top: 1}\n")
    assert summary["best"]["confirmed_violation"] == pytest.approx(0.1, abs=1e-3)
    assert ", which violates constraints by 0.1" in report(summary)


def test_would_have_reported_counts_the_feasible_alone(tmp_path):
    more = VARIATION + "screens: [{name: surrogate, model: {name: ridge}, refit_every: 1}]\n"
    summary, _ = constrained(tmp_path, GENERATIONS, more=more)
    with_predictions = summary["would_have_reported"]
    assert summary["evaluations"]["predicted"]
    assert with_predictions <= summary["best_measured"]


def test_a_claimed_constraint_is_measured_again(tmp_path):
    constrained(tmp_path, GENERATIONS, more=VARIATION)
    claims = {claim.what: claim for claim in verify(tmp_path / "run")}
    assert all(claim.holds for claim in claims.values())
    path = tmp_path / "run" / "summary.json"
    summary = json.loads(path.read_text())
    summary["best"]["constraints"]["first"] -= 1
    path.write_text(json.dumps(summary))
    assert [claim.what for claim in verify(tmp_path / "run") if not claim.holds] == ["first of the champion"]


def test_a_curve_gets_better_by_the_feasible_alone(tmp_path):
    summary, _ = constrained(tmp_path, GENERATIONS, more=VARIATION)
    (found,) = read_curves(tmp_path / "run")
    assert found.curves[0].points[-1].value == summary["best_measured"]


def test_loops_of_deap_prefer_the_feasible(tmp_path):
    (tmp_path / "corner.py").write_text(PLUGIN)
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.replace("SEARCH", GENERATIONS) + VARIATION)
    box = toolbox(path)
    people = box.population(n=40)
    for one in people:
        one.fitness.values = box.evaluate(one)
    people.sort(key=lambda one: one.fitness, reverse=True)
    over = [max(0, 1.5 - one.genes.sum()) + max(0, 0.5 - one.genes[0]) for one in people]
    assert over == sorted(over)
    feasible = [one.fitness.values[0] for one, beyond in zip(people, over, strict=True) if not beyond]
    assert 0 < len(feasible) < 40
    assert feasible == sorted(feasible) == [pytest.approx((one.genes**2).sum()) for one in people[: len(feasible)]]

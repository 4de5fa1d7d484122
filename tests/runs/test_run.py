import json
from dataclasses import asdict, replace
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest

from evokit.assembly.directory import RunDirectory
from evokit.assembly.parts import assemble
from evokit.energy import Cost
from evokit.fitnesses.sphere import SphereFitness
from evokit.genomes.individuals import make_individual
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import ledger_of
from evokit.progress import LineProgress
from evokit.recipe import RecipeError, load_recipe
from evokit.results.plot import plotted, write
from evokit.results.report import report
from evokit.runs.confirming import confirm
from evokit.runs.controls import run_to_work
from evokit.runs.launch import launch
from evokit.runs.run import Run

SPHERE = """\
fitness: {name: sphere, noise: 0.5, rungs: [1, 4]}
genome: {name: real_vector, length: 3, low: -5, high: 5}
search: {name: generational, population: 8, generations: 6}
crossover: {name: uniform}
mutation: {name: gaussian}
execution: {backend: inline}
"""


@pytest.fixture
def run(tmp_path):
    """Runs the sphere with overrides in one directory; gives summary, directory and log."""

    def run(*overrides, resume=False, text=SPHERE):
        path, log = tmp_path / "sphere.yaml", StringIO()
        path.write_text(text)
        summary = launch(load_recipe(path, overrides), tmp_path / "run", LineProgress(log), resume=resume)
        return summary, tmp_path / "run", log.getvalue()

    return run


def test_the_horizon_ends_a_search(run):
    summary, _, _ = run()
    assert (summary["generations"], summary["stopped"]) == (6, "the horizon is reached")
    assert summary["saved"] is None


def test_patience_ends_a_search_without_improvement(run):
    summary, _, _ = run("search.generations=500", "mutation={name: reset, prob: 0.0}", "stop.patience=3")
    assert summary["stopped"] == "no improvement for 3 generations (stop.patience 3)"
    ran, saved = summary["generations"], summary["saved"]
    assert saved["generations"] == 500 - ran
    assert saved["work"] == round(summary["search"]["work"] / ran * (500 - ran))
    assert saved["cpu_s"] == pytest.approx(summary["search"]["cpu_s"] / ran * (500 - ran))
    assert saved["method"].startswith("estimate")
    assert summary["generations"] < 500


def test_a_stop_by_work_is_checked_at_generation_ends(run):
    summary, _, _ = run("stop.work=40")
    assert summary["generations"] == 2  # 8 x 4 units, then 7 x 4 more
    assert summary["search"]["work"] == 60
    assert summary["saved"] is None, "what was given was spent"


def test_a_search_that_was_stopped_by_the_clock_stops_there_again_when_resumed(run):
    first, _, _ = run("stop.seconds=0.000001")
    again, _, _ = run("stop.seconds=0.000001", "export=[]", resume=True)
    assert first["generations"] == again["generations"] == 1


def test_confirm_names_the_one_that_is_best_on_fresh_data(run):
    summary, out, _ = run("confirm={top: 4}", "search.generations=3")
    ledger = Ledger(out / "ledger.sqlite")
    rows, (again,) = ledger.rows("confirm/3"), ledger.rows("confirm/3/again")
    ledger.close()
    assert len(rows) == 4
    best = min(rows, key=lambda row: row.evaluation.values[0])
    assert summary["best"]["key"] == best.key == again.key
    assert summary["best"]["confirmed"] == again.evaluation.values[0] != best.evaluation.values[0]
    assert (summary["best"]["confirmed_of"], summary["best"]["confirmed_on"]) == (1, "again")


def test_of_one_nothing_is_chosen_so_its_fresh_value_flatters_nobody(run):
    summary, out, _ = run("confirm={top: 1}", "search.generations=3")
    ledger = Ledger(out / "ledger.sqlite")
    (row,) = ledger.rows("confirm/3")
    assert ledger.rows("confirm/3/again") == []
    ledger.close()
    assert summary["best"]["confirmed"] == row.evaluation.values[0]
    assert (summary["best"]["confirmed_of"], summary["best"]["confirmed_on"]) == (1, "fresh")


def test_where_nothing_is_left_to_measure_on_the_value_says_of_how_many_it_is_the_best(run, monkeypatch):
    monkeypatch.setattr(SphereFitness, "fresh", _once)
    summary, out, _ = run("confirm={top: 4}", "search.generations=3")
    ledger = Ledger(out / "ledger.sqlite")
    values = [row.evaluation.values[0] for row in ledger.rows("confirm/3")]
    ledger.close()
    assert summary["best"]["confirmed"] == min(values)
    assert (summary["best"]["confirmed_of"], summary["best"]["confirmed_on"]) == (4, "fresh")
    assert "Best of 4 on what the search never saw, which flatters it: distance" in report(summary)


def _once(fitness):
    if fitness.sample:
        raise ValueError("there is no more")
    return replace(fitness, sample=1)


class Noise(SphereFitness):
    """Nothing but noise of standard deviation 1, other in each sample."""

    @property
    def context(self):
        return f"noise {self.sample}"

    def evaluate(self, batch, budget):
        entropies = ([*x.view(np.uint32).tolist(), self.sample] for x in batch)
        return np.array([np.random.default_rng(entropy).standard_normal() for entropy in entropies])


def test_the_confirmed_value_of_the_best_of_five_has_no_bias(tmp_path):
    """The best of five values of noise lies 1.16 standard deviations below their mean; measured again it lies there."""
    path, n = tmp_path / "sphere.yaml", 400
    path.write_text(SPHERE)
    recipe, directory = load_recipe(path, ["confirm={top: 5}"]), RunDirectory(tmp_path / "run")
    parts = assemble(recipe)
    noise = Noise(1.0, (1,), parts.fitness.streams)
    directory.create(recipe)
    run = Run(recipe, directory, LineProgress(StringIO()), replace(parts, fitness=noise))
    rng, found, chosen = np.random.default_rng(0), [], []
    for number in range(n):
        hall = [make_individual(parts.genome, parts.genome.random(rng), run.weights) for _ in range(5)]
        search = SimpleNamespace(hall_of_fame=lambda hall=hall: hall, generation=number)
        _, confirmed = confirm(run, search, run.parts, "confirm", ("fresh", "again"), ())
        found.append(confirmed.value)
        chosen.append(min(row.evaluation.values[0] for row in run.ledger.rows(f"confirm/{number}")))
    run.close()
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(n)
    assert np.mean(chosen) == pytest.approx(-1.163, abs=3 * 0.669 / np.sqrt(n))


def test_metrics_have_a_line_per_generation_also_after_going_on(run):
    run()
    _, out, _ = run("search.generations=9", resume=True)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["generation"] for line in lines] == list(range(9))


def test_a_run_that_goes_on_equals_one_that_had_the_longer_horizon_from_the_start(run, tmp_path):
    run()
    longer, _, _ = run("search.generations=9", resume=True)
    (tmp_path / "run").rename(tmp_path / "other")
    whole, _, _ = run("search.generations=9")
    assert longer["best"] == whole["best"]
    assert longer["evaluations"] == whole["evaluations"]


def test_the_cost_of_a_phase_includes_its_overhead(run):
    summary, out, _ = run()
    ledger = Ledger(out / "ledger.sqlite")
    inside = sum(row.evaluation.wall_s for row in ledger.rows("search"))
    ledger.close()
    assert summary["search"]["wall_s"] > inside > 0


def test_what_a_fitness_did_beforehand_counts_once(run, monkeypatch):
    fit = Cost(wall_s=7.0, cpu_s=5.0, energy_j=75.0, estimated_j=15.0, peak_memory_bytes=0)
    monkeypatch.setattr(SphereFitness, "prepared", {"fit": fit}, raising=False)
    first, _, _ = run()
    again, _, _ = run("search.generations=8", resume=True)
    for summary in (first, again):
        assert summary["prepare"]["parts"] == {"fit": asdict(fit)}
        assert summary["prepare"]["cpu_s"] == 5.0
        assert summary["energy"]["phases"]["prepare/fit"] == 75.0
        assert summary["energy"]["joules"] == pytest.approx(sum(summary["energy"]["phases"].values()))
        assert summary["energy"]["joules"] - summary["energy"]["estimated_j"] == pytest.approx(60.0)
        assert summary["cpu_s"] > 5.0


def test_would_have_reported_counts_predictions_as_the_paper_does(run):
    screens = "screens=[{name: surrogate, model: {name: ridge}, refit_every: 1, top: 0.2, random: 0.2}]"
    summary, out, _ = run(screens, "search.generations=20")
    ledger = Ledger(out / "ledger.sqlite")
    values = [row.evaluation.values[0] for row in ledger.rows("search") if row.evaluation.ok]
    ledger.close()
    assert summary["evaluations"]["predicted"] > 0
    assert summary["would_have_reported"] == min(values)
    assert summary["would_have_reported"] <= summary["best"]["values"][0]


def test_a_fitness_without_fresh_data_cannot_confirm(run):
    onemax = "fitness: {name: onemax}\ngenome: {name: bits, length: 8}\nsearch: {name: random_search, generations: 2}\n"
    with pytest.raises(RecipeError, match=r"sphere.yaml:4: confirm: onemax has no fresh data"):
        run(text=onemax + "confirm: {top: 2}\n")


TIES = """\
plugins: [./ties.py]
fitness: {name: ties}
genome: {name: real_vector, length: 3, low: -5, high: 5}
search: {name: nsga2, population: 8, generations: 300}
crossover: {name: uniform}
mutation: {name: gaussian}
baselines: [{name: random_search}]
execution: {backend: inline}
stop: {patience: 5}
"""
TIES_PLUGIN = """\
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, hookimpl


@dataclass(frozen=True)
class Ties:
    objectives: ClassVar = {"a": "min", "b": "max"}
    takes: ClassVar = frozenset({"vector"})
    slots: ClassVar = {}
    budgets: ClassVar = (1,)
    context: ClassVar = "ties 1"

    def evaluate(self, batch, budget):
        sums = np.array([float(np.abs(v).sum()) for v in batch])
        return np.stack([np.round(sums / 3), np.round(sums / 4)], 1)


@hookimpl
def evokit_components():
    return [Component("fitness", "ties", Ties)]
"""


@pytest.mark.parametrize("name", ["nsga2", "nsga3", "sms_emoa"])
def test_many_genomes_with_the_same_values_are_one_point_and_no_improvement(name, run, tmp_path):
    (tmp_path / "ties.py").write_text(TIES_PLUGIN)
    summary, _, _ = run(text=TIES.replace("nsga2", name))
    assert summary["stopped"] == "no improvement for 5 generations (stop.patience 5)"
    front = summary["front"]
    assert len({tuple(one["values"]) for one in front}) == len(front) <= 4
    assert sum(one["shared_by"] for one in front) > len(front)
    assert summary["evaluations"]["measured"] >= sum(one["shared_by"] for one in front)
    assert sorted(map(tuple, summary["baselines"][0]["front"])) == sorted(
        set(map(tuple, summary["baselines"][0]["front"]))
    )
    assert summary["gaps"].keys() == summary["hypervolume"].keys() == {"search", "random_search"}


PENALTY_PLUGIN = """\
import sys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, hookimpl


@dataclass(frozen=True)
class Penalised:
    all: bool = False
    objectives: ClassVar = {"cost": "min"}
    takes: ClassVar = frozenset({"vector"})
    slots: ClassVar = {}
    budgets: ClassVar = (1,)
    context: ClassVar = "penalised 1"

    def evaluate(self, batch, budget):
        worst = sys.float_info.max
        return np.array([worst if self.all or v.sum() < 0 else float((v**2).sum()) for v in batch])


@hookimpl
def evokit_components():
    return [Component("fitness", "penalised", Penalised)]
"""
PENALISED = """\
plugins: [./penalised.py]
fitness: {name: penalised}
genome: {name: real_vector, length: 3, low: -5, high: 5}
search: {name: generational, population: 12, generations: 4}
crossover: {name: uniform}
mutation: {name: gaussian}
baselines: [{name: random_search}]
execution: {backend: inline}
"""


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("fitness.all=true",),
        ("repeats=2",),
        *(
            (f"screens=[{{name: surrogate, refit_every: 1, model: {{name: {name}}}}}]",)
            for name in ("ridge", "random_forest")
        ),
    ],
)
def test_a_penalty_as_large_as_a_float_can_be_warns_of_nothing_and_all_json_is_valid(run, tmp_path, overrides):
    (tmp_path / "penalised.py").write_text(PENALTY_PLUGIN)
    summary, out, _ = run(*overrides, text=PENALISED)  # warnings are errors in tests
    for path in [*out.rglob("metrics.jsonl"), *out.rglob("summary.json")]:
        for text in path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]:
            json.loads(text, parse_constant=refuse)
    assert "inf" not in report(summary)
    write(plotted([out]), out / "plot.png")


def test_each_phase_pays_for_what_it_measures(run):
    _, out, _ = run("confirm={top: 4}", "search.generations=3", "baselines=[{name: random_search}]")
    with ledger_of(out / "ledger.sqlite") as ledger:
        costs = ledger.costs()
        control = next(phase for phase in costs if phase.startswith("baseline/random_search/confirm/"))
        for phase in ("search", "confirm/3", "confirm/3/again", "baseline/random_search", control):
            assert costs[phase].wall_s > sum(row.evaluation.wall_s for row in ledger.rows(phase)) > 0, phase


@pytest.mark.parametrize(("limit", "n"), [(3, 0), (4, 1), (7, 1), (8, 2)])
def test_a_control_spends_the_work_that_it_is_given_and_no_more(tmp_path, limit, n):
    path, directory = tmp_path / "sphere.yaml", RunDirectory(tmp_path / "run")
    path.write_text(SPHERE)
    recipe = load_recipe(path, ["baselines=[{name: random_search}]"])
    directory.create(recipe)
    one = Run(recipe, directory, LineProgress(StringIO()))
    assert one.parts.fitness.budgets[-1] == 4
    run_to_work(one, "baseline/random_search", "random_search", limit, ())
    assert len(one.ledger.rows("baseline/random_search")) == n
    one.close()

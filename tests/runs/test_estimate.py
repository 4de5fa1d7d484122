from types import SimpleNamespace

import pytest

from evokit.progress import duration
from evokit.recipe import RecipeError, load_recipe
from evokit.runs.estimate import Rate, _search, estimate
from evokit.searches.generational import Generational
from evokit.searches.nsga2 import NSGA2
from tests.small import RECIPES, TOY_RECIPE, run, write_recipe

THREEFOLD = """\
from dataclasses import dataclass

from evokit import Component, Evaluation, hookimpl


@dataclass(frozen=True)
class Threefold:
    def build(self, context):
        return Fitness()


class Fitness:
    objectives, budgets, slots, takes, context = {"loss": "min"}, (2,), {}, frozenset({"vector"}), "threefold"

    def evaluate(self, batch, budget):
        return [Evaluation(values=(float(one @ one),), work=3 * budget) for one in batch]


@hookimpl
def evokit_components():
    return [Component("fitness", "threefold", Threefold)]
"""


def phases(recipe, *overrides):
    return {one.phase: one for one in estimate(load_recipe(recipe, overrides))[0]}


def test_without_screens_the_search_is_foretold_exactly(tmp_path):
    recipe = write_recipe(tmp_path)
    foretold = phases(recipe, "screens=[]", "genome.length=64")
    summary = run(recipe, tmp_path / "run", "screens=[]", "genome.length=64")
    assert foretold["search"].measurements == 8 + 7 * 7 == summary["evaluations"]["measured"]
    assert foretold["search"].work == summary["search"]["work"]


def test_a_race_and_a_surrogate_make_it_cheaper(tmp_path):
    recipe = write_recipe(tmp_path)
    assert phases(recipe)["search"].work < phases(recipe, "screens=[]")["search"].work


def test_every_phase_is_listed(tmp_path):
    assert list(phases(write_recipe(tmp_path))) == [
        "search", "confirm", "baseline random_search", "baseline coordinate_descent"
    ]  # fmt: skip


def test_finished_models_are_listed_too(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    changes = ("final.seeds=3", "baselines=[{name: descent, lr: [0.1, 0.2]}]")
    found = phases(tmp_path / "toy.yaml", *changes)
    assert found["baseline descent"].measurements == 1 + 3  # the race drops one of two
    (descent,) = run(tmp_path / "toy.yaml", tmp_path / "run", *changes)["baselines"]
    assert found["baseline descent"].work == descent["work"]
    assert found["champion's model"].measurements == 1
    assert found["champion's model"].seconds is None


def test_a_limit_on_work_limits_the_estimate(tmp_path):
    assert phases(write_recipe(tmp_path), "stop.work=10")["search"].work == 10


@pytest.mark.parametrize("stop", ["stop={}", "stop.work=60"])
def test_work_that_measurements_count_beyond_their_budget_is_foretold(tmp_path, stop):
    """As of phenotypes that are fitted."""
    (tmp_path / "threefold.py").write_text(THREEFOLD)
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("""\
plugins: [./threefold.py]
fitness: {name: threefold}
genome: {name: real_vector, length: 2, low: -1, high: 1}
search: {name: generational, population: 5, generations: 4, elites: 1}
crossover: {name: uniform}
mutation: {name: gaussian}
baselines: [{name: random_search}]
""")
    foretold, done = phases(recipe, stop), run(recipe, tmp_path / "run", stop)["search"]["work"]
    assert foretold["baseline random_search"].work == foretold["search"].work
    assert done - 5 * 6 < foretold["search"].work <= done  # a limit ends a search after the generation that passes it


def test_seconds_grow_with_the_work():
    recipe = RECIPES / "onemax.yaml"
    assert phases(recipe, "search.generations=400")["search"].seconds > phases(recipe)["search"].seconds


def test_a_fitness_that_always_fails_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="fails on all of 8 random individuals, on the first one raised: Arithmetic"):
        estimate(load_recipe(write_recipe(tmp_path), ["fitness={name: odd, fails: raises, all: true}"]))


def test_errors_that_building_shows_are_found(tmp_path):
    with pytest.raises(RecipeError, match=r"rungs \[3\]"):
        estimate(load_recipe(write_recipe(tmp_path), ["screens.1.rungs=[3]"]))


def test_what_a_control_finds_is_fitted_as_the_champion_is(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    found = phases(tmp_path / "toy.yaml", "baselines=[{name: random_search}]")
    assert found["baseline random_search"].work == found["search"].work + found["champion's model"].work


class Declining:
    """A screen that lets through less from the fifth generation of a context on."""

    def expected(self, n, generation):
        return (n if generation < 5 else n / 4), 3.0


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        (NSGA2, {}),
        (NSGA2, {"refit_every": 7}),
        (Generational, {}),
        (Generational, {"reevaluate": 4}),
        (Generational, {"refit_every": 10, "reevaluate": 8}),
    ],
)
def test_generations_beyond_those_that_are_looked_at_are_like_them(monkeypatch, options, changes):
    recipe = SimpleNamespace(
        search=SimpleNamespace(options=options(population=12, generations=1130, **changes)),
        stop=SimpleNamespace(work=None),
    )
    parts = SimpleNamespace(
        search=None, fitness=SimpleNamespace(budgets=(10,)), context=SimpleNamespace(screens=[Declining()])
    )
    exact = _search(recipe, parts, Rate(1.0))
    monkeypatch.setattr("evokit.runs.estimate.LOOKED_AT", 560)
    found = _search(recipe, parts, Rate(1.0))
    assert (found.measurements, found.work) == pytest.approx((exact.measurements, exact.work), rel=0.02)


def test_an_absurd_horizon_is_told_at_once():
    found = phases(RECIPES / "onemax.yaml", f"search.generations={2**63 - 1}")["search"]
    assert found.measurements == pytest.approx(2**63 * 63, rel=1e-3)
    assert "years" in duration(found.seconds)

"""Every search on a space, whole and killed and resumed."""

import pytest

from evokit.builtin import evokit_components
from evokit.recipe import RecipeError
from tests.small import killed_and_resumed, launched

MIXED = '''
from dataclasses import dataclass
from typing import ClassVar

from evokit import Component, Evaluation, hookimpl


@dataclass(frozen=True)
class Mixed:
    """A distance from what is best, and a price; some have no value."""

    prices: int = 0
    takes: ClassVar = frozenset({"params"})
    budgets: ClassVar = (1, 3)
    context: ClassVar = "mixed"
    slots: ClassVar = {}

    @property
    def objectives(self):
        return dict.fromkeys(["loss", "price", "weight"][: 1 + self.prices], "min")

    def evaluate(self, batch, budget):
        for p in batch:
            if p.get("m", 0) > 0.95:
                raise ValueError("too large")
            loss = (p["x"] - 0.3) ** 2 + abs(p["n"] - 5) / 9 + (p.get("c", "b") != "b") + p.get("m", 0.5)
            loss += len(p.get("s", ())) / 9 + (p.get("o", [0])[0] != 2) + sum(p.get("g", {}).get("u", [0])) / 99
            values = (loss + 1 / budget, p["n"] / 9 + p["x"], 1 - p["x"])
            metrics = {"first": p["x"], "second": p["n"]}
            yield Evaluation(values[: 1 + self.prices], work=budget, metrics=metrics)


@hookimpl
def evokit_components():
    return [Component("fitness", "mixed", Mixed)]
'''
ANY = """
    x: {float: [0.001, 1], log: true}
    n: {int: [1, 8]}
    c: {choice: [a, b, d]}
    m: {float: [0, 1], when: {c: b}}
    s: {subset: [1, 2, 3], at_most: 2}
    g: {when: {c: [a, b]}, u: {int: [1, 64], log: true, length: 2}}
  forbidden: [{c: b, n: 8}]
"""
ORDERED = ANY.replace("\n    s:", "\n    o: {order: [1, 2, 3]}\n    s:")
NUMBERS = """
    x: {float: [0.001, 1], log: true}
    n: {int: [1, 8]}
    z: {choice: [s, m, l], ordered: true}
"""
REALS = """
    x: {float: [0.001, 1], log: true}
    n: {float: [1, 8]}
"""
RECIPE = """\
seed: 3
plugins: [./mixed.py]
fitness: {name: mixed, prices: PRICES}
genome:
  name: space
  parameters: PARAMETERS
search: SEARCH
execution: {backend: inline, batch: 2}
"""
KINDS = "offset: 9, descriptors: [{metric: first, low: 0, high: 1}, {metric: second, low: 1, high: 8, cells: 4}]"
SCREENED = "screens: [{name: surrogate, model: {name: random_forest, trees: 5}, refit_every: 2}, {name: race}]"
CASES = {  # the space, the search, how many objectives more, and what else the recipe has
    "auto": (ORDERED, "{name: auto, generations: 4}", 0, ""),
    "cma": (NUMBERS, "{name: cma, generations: 4}", 0, ""),
    "coordinate_descent": (ORDERED, "{name: coordinate_descent, generations: 14}", 0, ""),
    "iterated_local_search": (ORDERED, "{name: iterated_local_search, start: 3, descents: 2, generations: 14}", 0, ""),
    "greedy_construction": (ORDERED, "{name: greedy_construction, tries: 3, generations: 8}", 0, ""),
    "de": (NUMBERS, "{name: de, generations: 3}", 0, ""),
    "generational": (ORDERED, "{name: generational, population: 8, generations: 5}", 0, SCREENED),
    "halving": (ORDERED, "{name: halving, generations: 2}", 0, ""),
    "islands": (
        ORDERED,
        "{name: islands, every: 2, islands: [{name: generational, population: 4, generations: 4},"
        " {name: steady_state, population: 4, in_flight: 2, generations: 4}]}",
        0,
        "",
    ),
    "map_elites": (ORDERED, f"{{name: map_elites, batch: 6, generations: 4, {KINDS}}}", 0, ""),
    "model_based": (
        ORDERED,
        "{name: model_based, model: {name: extra_trees, trees: 5}, start: 6, batch: 2, candidates: 40, until: 14,"
        " generations: 8}",
        1,
        "",
    ),
    "mu_comma_lambda": (ORDERED, "{name: mu_comma_lambda, population: 3, offspring: 6, generations: 4}", 0, ""),
    "mu_plus_lambda": (ORDERED, "{name: mu_plus_lambda, population: 3, offspring: 6, generations: 4}", 0, ""),
    "novelty": (ORDERED, f"{{name: novelty, population: 6, generations: 4, {KINDS}}}", 0, ""),
    "nsga2": (ORDERED, "{name: nsga2, population: 8, generations: 4}", 1, ""),
    "nsga3": (ORDERED, "{name: nsga3, population: 8, generations: 4}", 2, ""),
    "optuna": (ANY, "{name: optuna, batch: 4, generations: 4}", 0, ""),
    "polish": (
        ORDERED,
        "{name: polish, search: {name: generational, population: 6, generations: 3},"
        " then: {name: coordinate_descent, generations: 10}}",
        0,
        "",
    ),
    "portfolio": (NUMBERS, "{name: portfolio, generations: 6, searches: [{name: cma}, {name: de}]}", 0, ""),
    "quasi_newton": (REALS, "{name: quasi_newton, generations: 12}", 0, ""),
    "random_search": (ORDERED, "{name: random_search, generations: 3}", 0, ""),
    "regularised": (ORDERED, "{name: regularised, population: 6, sample: 3, batch: 3, generations: 5}", 0, ""),
    "restarts": (
        ORDERED,
        "{name: restarts, patience: 1, generations: 6, search: {name: steady_state, population: 4, in_flight: 2}}",
        0,
        "",
    ),
    "sms_emoa": (ORDERED, "{name: sms_emoa, population: 6, generations: 3}", 1, ""),
    "steady_state": (ORDERED, "{name: steady_state, population: 6, births: 6, in_flight: 3, generations: 4}", 0, ""),
}
OTHER_GENES = {"cma_me", "grid", "pgpe", "snes"}  # which a space has not


def recipe(space, search, prices=0, more=""):
    return RECIPE.replace("PARAMETERS", space).replace("SEARCH", search).replace("PRICES", str(prices)) + more


@pytest.mark.parametrize("name", CASES)
def test_a_search_of_a_space_is_the_same_killed_and_resumed(name, tmp_path, monkeypatch):
    (tmp_path / "mixed.py").write_text(MIXED)
    text = recipe(*CASES[name])
    killed_and_resumed(tmp_path, text, monkeypatch)


def test_every_search_has_a_run():
    assert {one.name for one in evokit_components() if one.kind == "search"} == CASES.keys() | OTHER_GENES


@pytest.mark.parametrize(
    ("space", "search", "message"),
    [
        (ANY, "{name: cma}", "works on spaces of numbers alone, and here c is a choice without an order: name auto"),
        (ANY.replace("    c: {choice: [a, b, d]}\n", "    c: {choice: [a, b], ordered: true}\n").replace("d, ", ""),
         "{name: de}", "works on spaces of numbers alone, and here m does not always exist"),
        (NUMBERS, "{name: quasi_newton}", "works on spaces of real numbers alone, and here n has steps"),
        (ORDERED, "{name: optuna, generations: 1}", "optuna has no orders, which o is"),
        (NUMBERS, "{name: snes}", "works on genes of kind real_vector, genome 'space' has space"),
    ],
)  # fmt: skip
def test_a_search_that_cannot_take_a_space_says_so(space, search, message, tmp_path):
    (tmp_path / "mixed.py").write_text(MIXED)
    with pytest.raises(RecipeError, match=message):
        launched(tmp_path, recipe(space, search), [])

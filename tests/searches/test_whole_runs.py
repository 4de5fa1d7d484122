"""Whole runs of searches and of searches within searches."""

import re

import numpy as np
import pytest

from evokit.builtin import evokit_components
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import same_but_for_costs
from evokit.recipe import RecipeError
from evokit.runs import run as running
from evokit.searches.stepping import AskTell
from tests.small import killed_after, launched, write_recipe

RECIPE = """\
seed: 3
plugins: [./odd.py]
fitness: {name: odd, fails: raises}
genome: {name: bits, length: 12}
search: SEARCH
crossover: {name: uniform}
mutation: {name: bit_flip}
screens:
  - {name: surrogate, model: {name: ridge}, refit_every: 2, top: 0.4, random: 0.3}
  - {name: race, keep: 0.5}
execution: {backend: inline}
baselines: [{name: random_search}]
"""
SEARCHES = {
    "restarts": "{name: restarts, patience: 2, growth: 1.5, generations: 14, search: {name: generational,"
    " population: 6}}",
    "nested": "{name: restarts, patience: 4, generations: 14, search: {name: restarts, patience: 1, generations: 6,"
    " search: {name: mu_comma_lambda, population: 3, offspring: 8}}}",
    "islands": "{name: islands, every: 2, islands: [{name: generational, population: 6, generations: 10},"
    " {name: mu_plus_lambda, population: 3, offspring: 6, generations: 12}]}",
    "polish": "{name: polish, search: {name: restarts, patience: 2, generations: 6, search: {name: islands, count: 2,"
    " every: 1, islands: [{name: generational, population: 4}]}}}",
    "plus": "{name: mu_plus_lambda, population: 4, offspring: 8, generations: 10}",
    "regularised": "{name: regularised, population: 8, sample: 3, batch: 4, generations: 14}",
}
VECTOR = """\
seed: 3
plugins: [./valley.py]
fitness: {name: valley}
genome: {name: real_vector, length: 3, low: -2, high: 3}
search: SEARCH
execution: {backend: inline, batch: 2}
"""
VALLEY = '''
from dataclasses import dataclass
from typing import ClassVar

from evokit import Component, Evaluation, hookimpl


@dataclass(frozen=True)
class Valley:
    """Rosenbrock's function, which has no value where the first number is above 1; its metrics are two numbers."""

    objectives: ClassVar = {"loss": "min"}
    budgets: ClassVar = (1,)
    context: ClassVar = "valley"
    slots: ClassVar = {}
    takes: ClassVar = frozenset({"vector"})

    def build(self, context):
        return self

    def evaluate(self, batch, budget):
        if any(x[0] > 1.0 for x in batch):
            raise ValueError("too large")
        for x in batch:
            loss = float(100 * ((x[1:] - x[:-1] ** 2) ** 2).sum() + ((1 - x[:-1]) ** 2).sum())
            yield Evaluation((loss,), work=1, metrics={"first": float(x[0]), "second": float(x[1])})


@hookimpl
def evokit_components():
    return [Component("fitness", "valley", Valley)]
'''
KINDS = "descriptors: [{metric: first, low: -2, high: 1}, {metric: second, low: -2, high: 2, cells: 5}], offset: 50"
VARIATION = "crossover: {name: simulated_binary}\nmutation: {name: polynomial}\n"
OF_VECTORS = {  # and what they read
    "auto": ("{name: auto, generations: 40}", ""),
    "cma": ("{name: cma, generations: 12}", ""),
    "cma_me": (f"{{name: cma_me, emitters: 2, batch: 6, learning_rate: 0.1, generations: 8, {KINDS}}}", ""),
    "coordinate_descent": ("{name: coordinate_descent, generations: 30}", ""),
    "de": ("{name: de, population: 10, generations: 8, shrink_over: 60}", ""),
    "generational": ("{name: generational, population: 8, generations: 8}", VARIATION),
    "islands": (
        "{name: islands, every: 2, islands: [{name: cma, generations: 8}, {name: generational, population: 6,"
        " generations: 8}]}",
        VARIATION,
    ),
    "map_elites": (
        f"{{name: islands, every: 2, islands: [{{name: map_elites, batch: 6, generations: 8, niches: 30, {KINDS}}},"
        " {name: generational, population: 4, generations: 6}]}",
        VARIATION,
    ),
    "model_based": (
        "{name: model_based, model: {name: extra_trees, trees: 5}, start: 6, batch: 3, until: 20, generations: 9}",
        VARIATION,
    ),
    "mu_comma_lambda": ("{name: mu_comma_lambda, population: 4, offspring: 8, generations: 8}", VARIATION),
    "novelty": (f"{{name: novelty, population: 8, generations: 8, {KINDS}}}", VARIATION),
    "optuna": ("{name: optuna, batch: 4, generations: 8}", ""),
    "polish": (
        "{name: polish, search: {name: generational, population: 6, generations: 4}, then: {name:"
        " coordinate_descent, generations: 20}}",
        VARIATION,
    ),
    "portfolio": ("{name: portfolio, generations: 16, searches: [{name: cma}, {name: de, population: 8}]}", ""),
    "quasi_newton": ("{name: quasi_newton, generations: 40}", ""),
    "pgpe": ("{name: pgpe, population: 8, generations: 8}", ""),
    "random_search": ("{name: random_search, generations: 8}", ""),
    "restarts of steady_state": (
        "{name: restarts, patience: 3, generations: 10, search: {name: steady_state, population: 6, in_flight: 4}}",
        VARIATION,
    ),
    "snes": ("{name: snes, population: 8, generations: 8}", ""),
    "steady_state": ("{name: steady_state, population: 6, in_flight: 5, births: 12, generations: 5}", VARIATION),
}
ELSEWHERE = {
    "greedy_construction",
    "grid",
    "halving",
    "iterated_local_search",
    "nsga2",
    "nsga3",
    "sms_emoa",
}  # whole runs of these are in files of their own
CASES = [(name, 0.0) for name in SEARCHES] + [("nested", 60.0)]


@pytest.mark.parametrize(("name", "saved_every_s"), CASES)
def test_a_run_is_the_same_inline_and_on_workers_and_killed_and_resumed(name, saved_every_s, tmp_path, monkeypatch):
    write_recipe(tmp_path)
    text = RECIPE.replace("SEARCH", SEARCHES[name])
    if name == "regularised":
        text = text.replace("crossover: {name: uniform}\n", "")
    monkeypatch.setattr(running, "CHECKPOINT_EVERY_S", saved_every_s)
    monkeypatch.setattr(running, "CHECKPOINT_SHARE", np.inf)
    whole, _ = launched(tmp_path, text, [], "whole")
    workers = ["execution={backend: processes, workers: 2}"]
    for generation, resume in ((3, False), (8, True)):
        with monkeypatch.context() as patch:
            patch.setattr(AskTell, "step", killed_in(generation))
            with pytest.raises(KeyboardInterrupt):
                launched(tmp_path, text, workers if resume else [], "killed", resume=resume)
    resumed, _ = launched(tmp_path, text, [], "killed", resume=True)
    assert whole["best"] == resumed["best"]
    assert same_but_for_costs(tmp_path / "whole" / "ledger.sqlite", tmp_path / "killed" / "ledger.sqlite")


@pytest.mark.parametrize("name", OF_VECTORS)
def test_a_search_of_vectors_is_the_same_on_workers_and_killed_and_resumed(name, tmp_path, monkeypatch):
    search, reads = OF_VECTORS[name]
    (tmp_path / "valley.py").write_text(VALLEY)
    text = VECTOR.replace("SEARCH", search) + reads
    monkeypatch.setattr(running, "CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(running, "CHECKPOINT_SHARE", np.inf)
    whole, rows = launched(tmp_path, text, [], "whole")
    assert any(not row.evaluation.ok for row in rows)
    for more, resume in ((len(rows) // 3, False), (len(rows) // 3, True)):
        with monkeypatch.context() as patch:
            patch.setattr(Ledger, "add", killed_after(more))
            with pytest.raises(KeyboardInterrupt):
                launched(tmp_path, text, [], "killed", resume=resume)
    workers = ["execution={backend: processes, workers: 2, batch: 2}"]
    resumed, _ = launched(tmp_path, text, workers, "killed", resume=True)
    assert whole["best"] == resumed["best"]
    assert same_but_for_costs(tmp_path / "whole" / "ledger.sqlite", tmp_path / "killed" / "ledger.sqlite")


def test_every_search_has_a_whole_run():
    offered = {one.name for one in evokit_components() if one.kind == "search"}
    tested = {word for text in SEARCHES.values() for word in re.findall(r"name: (\w+)", text)}
    assert offered <= tested | OF_VECTORS.keys() | ELSEWHERE


def killed_in(generation):
    """A step that ends the run in a generation, after it was measured and before the search is told."""
    whole_step = AskTell.step

    def tell(individuals):
        raise KeyboardInterrupt

    def step(search, measure):
        if search.generation == generation:
            search.tell = tell
        whole_step(search, measure)

    return step


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("search.search.name=generationl", "search.search.name: unknown search 'generationl'; did you mean"),
        (
            "search.search.name=cma",
            "'cma' works on genes of kind index_vector, real_vector, space, genome 'bits' has bits",
        ),
        ("search.search.refit_every=2", "refit_every: the fitness has nothing to refit"),
        ("search.growth=0.5", "search.growth: must be at least 1"),
        ("search.search=null", r"search.search: must be a mapping like {name: ...}, got nothing"),
        ("search.generations=null", "restarts has no end; give it generations"),
    ],
)
def test_a_wrong_recipe_gives_a_sentence(change, message, tmp_path):
    write_recipe(tmp_path)
    with pytest.raises(RecipeError, match=message):
        launched(tmp_path, RECIPE.replace("SEARCH", SEARCHES["restarts"]), [change])

"""Whole runs of searches and of searches within searches."""

import numpy as np
import pytest

from evokit.measuring.ledger_files import same_but_for_costs
from evokit.recipe import RecipeError
from evokit.runs import run as running
from evokit.searches.stepping import AskTell
from tests.small import launched, write_recipe

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
        ("search.search.name=cma", "search 'cma' works on genes of kind real_vector, genome 'bits' has bits"),
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

"""The control that runs the recipe's own search over another genome."""

import json
from types import SimpleNamespace

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.assembly.parts import Parts, assemble
from evokit.assembly.workplace import BASELINE, Workplace
from evokit.recipe import RecipeError
from evokit.results.verify import verify
from evokit.runs.launch import assemble_all
from evokit.searches.same_search import SameSearch
from tests.runs.test_contest import baseline, rows

CONTROL = "baselines=[{name: same_search, label: narrow, genome: {name: real_vector, length: 1, low: 2.5, high: 3}}]"


def test_it_is_the_recipe_with_another_genome(recipe):
    parts = assemble(recipe(CONTROL))
    ((name, section),) = parts.named_baselines()
    control = parts.build(section)
    assert name == "narrow"
    assert isinstance(control, Parts)
    assert control.fitness is parts.fitness
    assert control.search is not parts.search
    assert control.recipe.search == parts.recipe.search
    assert control.genome.random(parts.context.streams.numpy())[0] >= 2.5


def test_it_begins_with_nothing_that_the_recipe_begins_with():
    """``init`` holds genes of the recipe's genome."""
    genome = {"name": "bits", "length": 3}
    context = SimpleNamespace(vary=lambda **changes: {"genome": "recipe's", "init": "recipe's"} | changes)
    assert SameSearch(genome).build(context) == {"genome": genome, "init": None}


def test_its_champion_comes_from_its_own_genome_and_is_finished_and_tested(run):
    summary, _ = run(CONTROL)
    narrow = baseline(summary, "narrow")
    assert json.loads(json.dumps(narrow["settings"]))["genes"][0] >= 2.5
    assert narrow["test"] > summary["final"]["test"]
    assert [one["against"] for one in summary["verdicts"]] == ["narrow"]


def test_it_spends_the_measured_work_of_the_search(run):
    summary, _ = run(CONTROL)
    assert baseline(summary, "narrow")["work"] - 2 == summary["search"]["work"]  # 2: its finished model


def test_it_races_as_the_recipe_does_and_confirms_its_champion(run):
    summary, out = run(CONTROL, "screens=[{name: race}]", "fitness.renewable=true", "confirm={top: 3}")
    budgets = {budget for (budget,) in rows(out, "SELECT budget FROM evaluations WHERE phase = 'baseline/narrow'")}
    assert budgets == {1, 2}
    assert baseline(summary, "narrow")["confirmed"] is not None


def test_what_it_claims_is_verified(run):
    _, out = run(CONTROL)
    assert all(claim.holds for claim in verify(out))


def test_its_jobs_are_its_own(recipe, tmp_path):
    workplace = Workplace(recipe(CONTROL), RunDirectory(tmp_path))
    assert workplace.job("search@narrow").express is not None
    assert workplace.job("search@narrow").fitness is workplace.parts.fitness
    with pytest.raises(LookupError, match="no baseline 'wide'"):
        workplace.job("search@wide")
    assert BASELINE == "baseline/"


@pytest.mark.parametrize(
    ("genome", "message"),
    [
        ("{name: bits, length: 4}", "genome 'bits' expresses bits, fitness 'squares' takes vector"),
        ("{name: real_vector, length: 0, low: 0, high: 1}", "length"),
    ],
)
def test_a_genome_that_does_not_fit_is_an_error_of_the_recipe(recipe, genome, message):
    with pytest.raises(RecipeError, match=message):
        assemble_all(recipe(f"baselines=[{{name: same_search, genome: {genome}}}]"))


def test_a_label_is_a_name(recipe):
    ((name, _),) = assemble(recipe("baselines=[{name: random_search, label: draws-2.1}]")).named_baselines()
    assert name == "draws-2.1"
    with pytest.raises(RecipeError, match=r"baselines.0.label: must match .*, got 'a/b'"):
        recipe("baselines=[{name: random_search, label: a/b}]")

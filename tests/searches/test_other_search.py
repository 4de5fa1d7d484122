"""The control that spends the work of the recipe's search with another one."""

from types import SimpleNamespace

import pytest

from evokit.assembly.parts import assemble
from evokit.recipe import RecipeError
from evokit.recipe.options import Scope
from evokit.recipe.varied import varied
from evokit.results.verify import verify
from evokit.runs.launch import assemble_all
from evokit.searches.optuna_sampler import OptunaSearch
from evokit.searches.other_search import OtherSearch
from tests.runs.test_contest import baseline, rows

GENERATIONAL = "{name: generational, population: 4, generations: 2}"
RACED = ("screens=[{name: race}]", "fitness.renewable=true", "confirm={top: 3}")
SPACE = "genome: {name: space, parameters: {x: {float: [0, 1]}}}"


def control(search, *rest):
    return f"baselines=[{{{', '.join(['name: other_search', 'label: other', f'search: {search}', *rest])}}}]"


def parts_of(recipe, *overrides):
    parts = assemble(recipe(*overrides))
    return parts, parts.build(parts.recipe.baselines[0])


def test_it_is_the_recipe_with_another_search_that_needs_no_end(recipe):
    parts, other = parts_of(recipe, control("{name: optuna}"))
    assert isinstance(other.search, OptunaSearch)
    assert other.search.endless
    assert other.recipe.genome == parts.recipe.genome
    assert other.fitness is parts.fitness


def test_of_the_recipe_it_has_what_its_search_reads(recipe):
    parts, generational = parts_of(recipe, control(GENERATIONAL), *RACED)
    for name in ("selection", "crossover", "mutation", "screens"):
        assert getattr(generational.recipe, name) == getattr(parts.recipe, name)
    _, optuna = parts_of(recipe, control("{name: optuna}"), *RACED)
    assert [optuna.recipe.selection, optuna.recipe.crossover, optuna.recipe.mutation] == [None] * 3
    assert optuna.recipe.screens == ()


@pytest.mark.parametrize(
    ("search", "begins", "selects"),
    [
        ({"name": "optuna"}, True, False),
        ({"name": "grid"}, False, False),
        ({"name": "generational"}, True, True),
        ({"name": "islands", "islands": [{"name": "grid"}, {"name": "generational"}]}, True, True),
        ({"name": "islands", "islands": [{"name": "grid"}], "count": 2}, False, False),
    ],
)
def test_it_keeps_init_and_operators_where_its_search_or_one_within_reads_them(recipe, search, begins, selects):
    plain = recipe("init={from: before}")
    other = varied(plain, {"search": Scope(plain.registry).section("search", search)})
    assert plain.init is not None
    assert other.init == (plain.init if begins else None)
    assert (other.selection is not None, other.mutation) == (selects, plain.mutation if selects else None)


def test_what_is_said_beside_its_search_goes_before_the_recipes(recipe):
    said = ("mutation: {name: polynomial}", "screens: []")
    _, other = parts_of(recipe, control(GENERATIONAL, *said), *RACED)
    assert other.recipe.mutation.name == "polynomial"
    assert other.recipe.crossover.name == "uniform"
    assert other.recipe.screens == ()


def test_what_neither_says_is_a_tournament_or_must_be_said(recipe):
    plain = ("search={name: random_search, generations: 3}", "crossover=null", "mutation=null")
    with pytest.raises(RecipeError, match=r"crossover is missing, search 'generational' needs one \(those that fit: "):
        recipe(control(GENERATIONAL), *plain)
    _, other = parts_of(
        recipe, control(GENERATIONAL, "crossover: {name: uniform}", "mutation: {name: gaussian}"), *plain
    )
    assert other.recipe.selection.name == "tournament"


def test_it_begins_with_what_the_recipe_begins_with_where_the_genome_is_the_same():
    context = SimpleNamespace(vary=lambda **changes: changes)
    assert OtherSearch("optuna").build(context) == {"search": "optuna"}
    assert OtherSearch("optuna", "bits").build(context) == {"search": "optuna", "genome": "bits", "init": None}


def test_it_spends_the_measured_work_of_the_search_at_full_budget_alone(run):
    summary, out = run(control("{name: optuna}"), *RACED)
    ((work,),) = rows(out, "SELECT sum(work) FROM evaluations WHERE phase = 'baseline/other'")
    assert 0 <= work - summary["search"]["work"] < 2
    assert rows(out, "SELECT DISTINCT budget FROM evaluations WHERE phase = 'baseline/other'") == [(2,)]
    assert baseline(summary, "other")["confirmed"] is not None
    assert all(claim.holds for claim in verify(out))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (["{name: optuna}", "screens: [{name: race}]"], "0.screens: search 'optuna' does not read this section"),
        (
            ["{name: optuna}", "genome: {name: bits, length: 4}"],
            "genome 'bits' expresses bits, fitness",
        ),
        (["{name: iterated_local_search}"], "search 'iterated_local_search' works on genes of kind space"),
        (["{name: generational}", SPACE], "crossover 'uniform' works on genes of kind .*, genome 'space' has space"),
        (["{name: optun}"], "did you mean 'optuna'"),
    ],
)
def test_what_does_not_fit_is_an_error_of_the_recipe(recipe, said, message):
    with pytest.raises(RecipeError, match=message):
        assemble_all(recipe(control(*said)))

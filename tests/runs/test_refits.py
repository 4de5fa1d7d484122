"""Runs whose search alternates: every part of a run goes by the fitness that the search ended with."""

import json

import pytest

from evokit.measuring.ledger import Ledger
from evokit.recipe.yaml_source import RecipeError
from evokit.results.replay import replay
from evokit.results.verify import verify
from tests.runs import test_contest

run = test_contest.run
ALTERNATING = (
    "fitness.shared=true",
    "fitness.renewable=true",
    "search.generations=7",
    "search.refit_every=3",
    "confirm.top=3",
    "baselines=[{name: random_search}]",
)


@pytest.fixture
def alternated(run):
    summary, out = run(*ALTERNATING)
    ledger = Ledger(out / "ledger.sqlite")
    yield summary, out, ledger
    ledger.close()


def shared(ledger, phase="search"):
    """The summand that the rows of a phase were measured beside, in the order of generations."""
    contexts = dict.fromkeys(row.context for row in ledger.rows(phase))
    return [float(context.rpartition(" ")[2]) for context in contexts]


def test_each_refit_is_a_row_of_the_ledger_and_a_line_of_the_summary(alternated):
    summary, _, ledger = alternated
    genes = ledger.genes()
    assert [genes[key] for _, key, _ in ledger.refits("search")] == summary["best"]["refits"]
    (first,), (second,) = summary["best"]["refits"]
    assert shared(ledger) == pytest.approx([0.0, (1.5 - first) / 2, (1.5 - second + (1.5 - first) / 2) / 2])


def test_champion_confirmation_and_model_stand_on_the_last_refit(alternated):
    summary, out, ledger = alternated
    (gene,), added = summary["best"]["genes"], shared(ledger)[-1]
    assert summary["best"]["values"][0] == pytest.approx(((1 - gene - added) ** 2 + (2 - gene - added) ** 2) / 2)
    assert shared(ledger, "confirm/7") == [added]
    model = float((out / summary["final"]["artifacts"][0]).read_text())
    assert model == pytest.approx(gene + added)


def test_the_model_of_a_control_without_refits_stands_on_none(alternated):
    summary, out, _ = alternated
    (entry,) = summary["baselines"]
    assert float((out / entry["artifacts"][0]).read_text()) == pytest.approx(entry["settings"]["genes"][0])


def test_what_the_summary_claims_holds(alternated):
    assert all(claim.holds for claim in verify(alternated[1]))


@pytest.mark.parametrize("phase", ["search", "confirm/7", "champion"])
def test_rows_of_every_context_are_replayed(alternated, phase, tmp_path):
    _, out, ledger = alternated
    phases = {row.phase: row for row in ledger.measured("")}
    row = next(one for name, one in reversed(phases.items()) if name.startswith(phase))
    again = replay(out, row.key, tmp_path / "scratch")
    assert again.measure().values == again.row.evaluation.values


@pytest.mark.usefixtures("alternated")
def test_a_longer_run_goes_on_with_the_refits_that_it_has(run):
    longer = tuple(one.replace("generations=7", "generations=10") for one in ALTERNATING)
    whole, _ = run(*longer, name="whole")
    extended, _ = run(*longer, resume=True)
    assert json.dumps(extended["best"]) == json.dumps(whole["best"])
    assert len(extended["best"]["refits"]) == 3


def test_a_control_that_varies_the_recipe_has_refits_of_its_own(run):
    wide = "[{name: same_search, genome: {name: real_vector, length: 2, low: 0, high: 5}}]"
    _, out = run(*ALTERNATING[:-1], f"baselines={wide}")
    ledger = Ledger(out / "ledger.sqlite")
    ours, theirs = ledger.refits("search"), ledger.refits("baseline/same_search")
    ledger.close()
    assert len(ours) == len(theirs) == 2
    assert {key for _, key, _ in ours}.isdisjoint(key for _, key, _ in theirs)


def test_a_recipe_whose_fitness_has_nothing_to_refit_is_refused(run):
    with pytest.raises(RecipeError, match=r"search\.generational: refit_every: the fitness has nothing to refit"):
        run("search.refit_every=3")

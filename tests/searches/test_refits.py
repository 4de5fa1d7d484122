"""Searches that alternate: the fitness is refitted to the best, and nothing of the context before is compared."""

from collections import Counter
from dataclasses import replace

import pytest

from evokit.genomes.index_vector import IndexVector
from evokit.measuring.ledger import Ledger
from evokit.screens.race import Race
from evokit.screens.surrogate import SurrogateScreen
from evokit.searches.generational import Generational
from evokit.searches.nsga2 import NSGA2
from evokit.surrogates.ridge import Ridge
from tests.door import GENOME, DriftingSum, SumFitness, door, story
from tests.searches.building import built, portrait, run, through_a_file

ALTERNATING = Generational(population=6, generations=9, elites=1, refit_every=3)
WIDE = IndexVector([6] * 6)
SURROGATE = SurrogateScreen(model=Ridge(), refit_every=2, top=0.4, random=0.4)


class DriftingPair(DriftingSum):
    """Also how far the genes are from their largest value, which drifts as well."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.objectives = {"sum": "min", "distance": "min"}

    def answer(self, genes, budget):
        one = super().answer(genes, budget)
        return replace(one, values=(*one.values, float(5 * len(genes) - genes.sum()) + self.added))


def alternating(fitness=None, ledger=None, screens=(), genome=WIDE, options=ALTERNATING):
    """A search and the door that it goes through."""
    fitness = fitness or DriftingSum(budgets=(1, 2))
    measure = door(fitness, ledger, genome=genome)
    return built(options, fitness, genome=genome, screens=screens), measure


def value_now(one, measure):
    """What the door's fitness gives an individual at this moment."""
    return measure._fitness.answer(one.genes, measure.budgets[-1]).values


def alive(search):
    return [*search.population, *search.hall_of_fame()]


def refit(search, measure):
    """What a step does first where a refit is due."""
    if measure.refit(search.best()):
        search._measure_again(measure)


def test_after_a_refit_every_value_that_is_compared_is_of_the_new_context():
    search, measure = alternating()
    while not search.done:
        search.step(measure)
        assert all(one.fitness.values == value_now(one, measure) for one in alive(search))
    assert search.best().fitness.values[0] > 200  # two refits; a kept value of old would be far below


def test_it_is_refitted_to_the_best_every_so_many_generations():
    ledger = Ledger(":memory:")
    search, measure = alternating(ledger=ledger)
    bests = {}
    while not search.done:
        search.step(measure)
        bests[search.generation] = search.best().key
    found = ledger.refits("search")
    assert [(generation, key) for generation, key, _ in found] == [(3, bests[3]), (6, bests[6])]
    assert [context for *_, context in found][-1] == measure._fitness.context


def test_the_logbook_counts_the_refits():
    search = run(*alternating())
    assert search.logbook.select("refits") == [None] * 3 + [1] * 3 + [2] * 3


def test_rows_carry_the_context_that_they_were_measured_in():
    ledger = Ledger(":memory:")
    run(*alternating(ledger=ledger))
    contexts = [context for *_, context in ledger.refits("search")]
    expected = {g: ["sum", *contexts][g // 3] for g in range(9)}
    assert {(row.generation, row.context) for row in ledger.rows("search")} == set(expected.items())


def test_whoever_is_known_in_another_context_is_measured_again():
    ledger = Ledger(":memory:")
    run(*alternating(genome=GENOME, ledger=ledger, options=Generational(20, 9, refit_every=2)))
    measured = Counter(
        (row.context, row.key, row.budget) for row in ledger.rows("search") if row.evaluation.source == "measured"
    )
    assert set(measured.values()) == {1}
    assert max(Counter(key for _, key, _ in measured).values()) > 1  # in several contexts


def test_the_old_population_is_measured_again_and_keeps_its_size():
    search, measure = alternating()
    run(search, measure, 3)
    before = {one.key for one in alive(search)}
    refit(search, measure)
    assert {one.key for one in alive(search)} == before
    assert search.archive.known == before
    assert len(search.population) == 6


def test_a_refit_that_changes_nothing_costs_no_measurement():
    plain, ours = Ledger(":memory:"), Ledger(":memory:")
    never = Generational(population=6, generations=9, elites=1)
    run(*alternating(DriftingSum(drift=0.0), ledger=plain, options=never))
    run(*alternating(DriftingSum(drift=0.0), ledger=ours))
    assert story(ours) == story(plain)
    assert ours.refits("search") == []


def test_who_fails_after_a_refit_is_no_longer_a_parent():
    fails = []
    search, measure = alternating(DriftingSum(fails=lambda genes: "nan" if genes.tolist() in fails else None))
    run(search, measure, 3)
    fails.append(search.best().genes.tolist())
    search.step(measure)
    assert fails[0] not in [one.genes.tolist() for one in alive(search)]
    assert len(search.population) == 6


@pytest.mark.parametrize("screens", [(), (SURROGATE, Race(rungs=[1]))])
@pytest.mark.parametrize("at", range(1, 9))
def test_resumed_at_any_generation_it_ends_the_same(screens, at, tmp_path):
    whole, measure = alternating(screens=screens, ledger=(ledger := Ledger(":memory:")))
    run(whole, measure)
    expected = portrait(whole), story(ledger)

    again = Ledger(":memory:")
    half, measure = alternating(screens=screens, ledger=again)
    run(half, measure, at)
    state = through_a_file({"search": half.state_dict(), "measure": measure.state_dict()}, tmp_path)
    resumed, measure = alternating(screens=screens, ledger=again)
    resumed.load_state_dict(state["search"])
    measure.load_state_dict(state["measure"], (-1.0,))
    run(resumed, measure)
    assert (portrait(resumed), story(again)) == expected


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_killed_while_a_refit_is_measured_it_ends_the_same(batches):
    whole, measure = alternating(ledger=(ledger := Ledger(":memory:")))
    run(whole, measure)

    again = Ledger(":memory:")
    killed, measure = alternating(ledger=again)
    run(killed, measure, 3)
    measure._fitness.options["die_at"] = len(measure._fitness.batches) + batches  # which the refitted one takes over
    with pytest.raises(KeyboardInterrupt):
        run(killed, measure)
    resumed, measure = alternating(ledger=again)
    assert (portrait(run(resumed, measure)), story(again)) == (portrait(whole), story(ledger))


def test_a_surrogate_learns_from_nothing_of_the_context_before():
    search, measure = alternating(screens=[SURROGATE])
    screen = search.screens[0]
    run(search, measure, 3)
    assert screen._audit._pairs
    refit(search, measure)
    assert screen._audit._pairs == []
    assert all(one.fitness.values == value_now(one, measure) for one in measure.measured())


def test_a_front_is_measured_again_too():
    fitness = DriftingPair()
    search, measure = alternating(fitness, options=NSGA2(population=6, generations=7, refit_every=3))
    run(search, measure)
    assert len(search.front()) > 1
    assert all(one.fitness.values == value_now(one, measure) for one in [*search.front(), *alive(search)])


def test_what_is_added_to_all_values_leaves_the_front_as_it_was():
    search, measure = alternating(DriftingPair(), options=NSGA2(population=6, generations=7, refit_every=3))
    run(search, measure, 3)
    before = {one.key for one in search.front()}
    refit(search, measure)
    assert {one.key for one in search.front()} == before
    single, measure = alternating()
    run(single, measure)
    assert single.front() == []


def test_predictions_of_the_context_before_are_forgotten():
    search, measure = alternating()
    run(search, measure, 3)
    for one in alive(search):
        one.predicted = 1.0
    refit(search, measure)
    assert {one.predicted for one in alive(search)} == {None}


@pytest.mark.parametrize("options", [ALTERNATING, NSGA2(refit_every=2)])
def test_a_fitness_with_nothing_to_refit_is_refused(options):
    fitness = SumFitness()
    fitness.objectives = {"sum": "min", "distance": "min"}
    with pytest.raises(ValueError, match="refit_every: the fitness has nothing to refit to an individual"):
        built(options, fitness)


def test_where_nobody_is_valid_there_is_nobody_to_refit_to():
    ledger = Ledger(":memory:")
    nobody = DriftingSum(budgets=(1, 2), fails=lambda genes: "nan")
    search = run(*alternating(nobody, ledger))
    assert search.done
    assert ledger.refits("search") == []


@pytest.mark.parametrize("every", [3, 4])
def test_a_surrogate_that_would_never_be_fitted_is_refused(every):
    slow = replace(SURROGATE, refit_every=every)
    with pytest.raises(ValueError, match=rf"refit_every \(3\) leaves a surrogate that is fitted every {every} generat"):
        alternating(screens=[slow])


def test_what_is_present_is_what_was_measured_since_the_last_refit():
    ledger = Ledger(":memory:")
    assert ledger.present_rows("search") == []
    search, measure = alternating(ledger=ledger)
    run(search, measure)
    present = ledger.present_rows("search")
    assert {row.context for row in present} == {measure._fitness.context}
    assert len(present) < len(ledger.rows("search"))
    assert len(ledger.measured_at(2)) == len(present)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.index_vector import IndexVector
from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import same_but_for_costs
from evokit.searches.halving import Halving, brackets
from evokit.streams import Streams
from tests.door import GENOME, SumFitness, door
from tests.searches.building import built, portrait, run, stopped_and_resumed
from tests.small import launched, write_recipe

LADDER = (1, 3, 9)


def searched(options, ledger=None, **fitness):
    fitness = SumFitness(**({"budgets": LADDER} | fitness))
    return built(options, fitness), door(fitness, ledger), fitness


def test_the_brackets_are_those_of_table_1_of_the_paper():
    assert brackets([1, 3, 9, 27, 81], eta=3) == [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(27, 3), (9, 9), (3, 27), (1, 81)],
        [(9, 9), (3, 27), (1, 81)],
        [(6, 27), (2, 81)],
        [(5, 81)],
    ]


def test_budgets_that_grow_by_something_else_than_eta_share_the_work_as_well_as_they_can():
    # 9 * 10 + 3 * 20 + 80 = 230 units; a group of 3 takes 3 * 20 + 80 = 140 of them, one alone 80.
    assert brackets([10, 20, 80], eta=3) == [[(9, 10), (3, 20), (1, 80)], [(3, 20), (1, 80)], [(2, 80)]]


@given(st.sets(st.integers(1, 500), min_size=2, max_size=5).map(sorted), st.integers(2, 4), st.integers(1, 5))
def test_every_bracket_ends_in_full_and_spends_about_as_much_as_the_first(budgets, eta, finalists):
    found = brackets(budgets, eta, finalists)
    work = [sum(n * budget for n, budget in bracket) for bracket in found]
    assert [bracket[0][1] for bracket in found] == budgets
    assert found[0][-1] == (finalists, budgets[-1])
    for bracket, spent in zip(found, work, strict=True):
        last = bracket[-1][0]
        assert [n for n, _ in bracket] == [last * eta**left for left in reversed(range(len(bracket)))]
        assert [budget for _, budget in bracket] == budgets[-len(bracket) :]
        assert spent <= work[0] < spent + spent // last


@pytest.mark.parametrize("goal", ["min", "max"])
def test_a_bracket_measures_everybody_low_and_the_better_ones_higher(goal):
    search, measure, fitness = searched(Halving(), goal=goal)
    run(search, measure, 1)
    ran: dict[int, list] = {}
    for batch, budget in fitness.batches:
        ran.setdefault(budget, []).extend(batch)
    assert {budget: len(batch) for budget, batch in ran.items()} == {1: 9, 3: 3, 9: 1}
    for low, high in ((1, 3), (3, 9)):
        order = sorted(ran[low], key=lambda genes: value(fitness, genes, low), reverse=goal == "max")
        assert set(order[: len(ran[high])]) == set(ran[high])


def value(fitness, genes, budget):
    return fitness.answer(GENOME.from_json(list(genes)), budget).values[0]


@pytest.mark.parametrize(("brackets", "sizes"), [("one", [9, 9, 9, 9]), ("all", [9, 3, 3, 9])])
def test_hyperband_goes_through_its_brackets_and_begins_again(brackets, sizes):
    search, measure, _ = searched(Halving(brackets=brackets, generations=4))
    asked = []
    while not search.done:
        asked.append(len(search.ask()))
        search.step(measure)
    assert asked == sizes


def test_it_tells_what_it_will_measure():
    wide = IndexVector([1000] * 4)  # nobody is drawn twice
    fitness = SumFitness(LADDER)
    search, measure = built(Halving(generations=5), fitness, wide), door(fitness, genome=wide)
    n, work = search.expected()
    run(search, measure)
    assert (n, work) == (measure.tally.counts()["measured"], measure.work)
    assert work == 27 + 18 + 27 + 27 + 18
    assert not hasattr(searched(Halving())[0], "expected")


def test_who_fails_goes_no_further_and_the_search_goes_on():
    def fails(genes):
        return "diverged" if genes[0] else None

    search, measure, fitness = searched(Halving(generations=6), fails=fails)
    run(search, measure)
    assert search.generation == 6
    assert all(one.genes[0] == 0 for one in [*search.population, *search.hall_of_fame()])
    higher = [genes for batch, budget in fitness.batches[:3] for genes in batch if budget > 1]
    assert not any(genes[0] for genes in higher)


def test_where_all_fail_it_goes_on_until_its_end():
    search, measure, _ = searched(Halving(generations=4), fails=lambda genes: "nan")
    assert run(search, measure).generation == 4
    assert not search.hall_of_fame()


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    options = Halving(generations=9)
    search, measure, _ = searched(options)
    whole, summary = portrait(run(search, measure)), search.screens[0].summary()
    ledger = Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: searched(options, ledger)[:2], tmp_path, (-1.0,)):
        assert portrait(resumed) == whole
        assert resumed.screens[0].summary()["dropped"] == summary["dropped"]


def test_the_first_bracket_has_the_genes_of_init_and_the_seeds_among_its_candidates():
    class Known(IndexVector):
        def seeds(self):
            return [self.from_json([1, 1, 1, 1]), self.from_json([3, 3, 3, 3])]

    known = Known([4] * 4)
    context = Context(Streams(0), fitness=SumFitness(LADDER), genome=known, init=[known.from_json([3, 3, 3, 3])])
    search = Halving().build(context)
    first = search.ask()
    assert len(first) == 9
    assert [one.genes.tolist() for one in first[:2]] == [[3] * 4, [1] * 4]
    search.tell(first)
    assert [1] * 4 not in [one.genes.tolist() for one in search.ask()]


def test_more_genes_of_init_than_candidates_are_refused():
    genes = [GENOME.from_json([0, 0, i % 4, i // 4]) for i in range(10)]
    context = Context(Streams(0), fitness=SumFitness(LADDER), genome=GENOME, init=genes)
    with pytest.raises(ValueError, match=r"first bracket \(9 candidates\) has no room for the 10 genes .* finalists"):
        Halving().build(context)


def test_a_fitness_without_lower_budgets_is_refused():
    with pytest.raises(ValueError, match="one budget only"):
        built(Halving(), SumFitness())


def test_a_rung_that_is_no_budget_is_refused():
    with pytest.raises(ValueError, match=r"rungs \[2\] are no lower budgets of this fitness; it has \[1, 3\]"):
        built(Halving(rungs=(2,)), SumFitness(LADDER))


def test_a_run_is_the_same_inline_and_on_workers_with_failures_and_resumed(tmp_path):
    write_recipe(tmp_path)
    text = """\
plugins: [./odd.py]
fitness: {name: odd, fails: raises}
genome: {name: bits, length: 16}
search: {name: halving, eta: 2, finalists: 4, generations: 6}
execution: {backend: inline}
"""
    whole, rows = launched(tmp_path, text, [], "whole")
    launched(tmp_path, text, ["search.generations=3"], "stopped")
    resumed, _ = launched(tmp_path, text, [], "stopped", resume=True)
    workers, _ = launched(tmp_path, text, ["execution={backend: processes, workers: 2}"], "workers")
    assert whole["best"] == resumed["best"] == workers["best"]
    assert {row.budget for row in rows} == {1, 4}
    assert whole["screens"][0]["work"] > 0
    assert same_but_for_costs(tmp_path / "whole" / "ledger.sqlite", tmp_path / "workers" / "ledger.sqlite")

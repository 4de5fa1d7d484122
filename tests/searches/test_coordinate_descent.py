from types import SimpleNamespace

import numpy as np
import pytest

from evokit.fitnesses.onemax import Onemax
from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context, Evaluation
from evokit.measuring.ledger import Ledger
from evokit.searches.coordinate_descent import CoordinateDescent
from evokit.streams import Streams
from tests.door import GENOME, SumFitness, door, story
from tests.searches.building import built, portrait, run, set_values, stopped_and_resumed, through_a_file


def told_nothing_new(search):
    """One generation in which every neighbour is worse."""
    search.tell(set_values(asked := search.ask(), [99.0] * len(asked)))


def changed(search):
    """Which gene the neighbours differ in."""
    current = search.population[0].genes
    (gene,) = {int(np.flatnonzero(one.genes != current).item()) for one in search.ask()}
    return gene


def started(options=None, genome=GENOME, **rest):
    """A search at a random point of value 10."""
    search = built(options or CoordinateDescent(), genome=genome, **rest)
    search.tell(set_values(search.ask(), [10.0]))
    return search


def test_it_starts_at_a_random_point():
    starts = {built(CoordinateDescent(), seed=seed).ask()[0].key for seed in range(5)}
    assert len(starts) == 5


class Seeded(IndexVector):
    def seeds(self):
        return [np.full(4, 1), np.full(4, 2)]


def test_with_seeds_it_starts_at_the_best_of_them_and_a_random_point():
    search = built(CoordinateDescent(seeds=True), genome=Seeded([4] * 4))
    assert len(search.ask()) == 3
    search.tell(set_values(search.ask(), [5.0, 3.0, 4.0]))
    assert [one.genes.tolist() for one in search.population] == [[2] * 4]
    for _ in range(4):
        told_nothing_new(search)
    assert len(search.ask()) == 1  # it starts again at random


def test_the_alternatives_of_one_gene_are_all_asked_for():
    search = started()
    gene, current = changed(search), search.population[0].genes
    assert sorted(one.genes[gene] for one in search.ask()) == [v for v in range(4) if v != current[gene]]


def test_neighbours_know_their_parent():
    search = started()
    assert {(one.parents, one.born_by) for one in search.ask()} == {((search.population[0].key,), "one_gene")}


def test_the_current_point_is_never_changed():
    search = started()
    before = search.population[0].genes.tolist()
    search.ask()
    assert search.population[0].genes.tolist() == before
    assert not search.ask()[0].genes.flags.writeable


def test_a_sweep_visits_every_gene_once_in_the_same_order_each_time():
    search, visited = started(), []
    for _ in range(8):
        visited.append(changed(search))
        asked = search.ask()
        search.tell(set_values(asked, [9.0 - search.generation, *[99.0] * (len(asked) - 1)]))
    assert sorted(visited[:4]) == [0, 1, 2, 3]
    assert visited[4:] == visited[:4]


def test_each_start_has_an_order_of_its_own_stream():
    genome = IndexVector([2] * 9)
    search = started(genome=genome)
    for start in (0, 10):  # a sweep of nine genes, and the start anew
        order = Streams(0).at("coordinate_descent", "order", start).numpy().permutation(9).tolist()
        for gene in order:
            assert changed(search) == gene
            told_nothing_new(search)
        search.tell(set_values(search.ask(), [10.0]))


def test_it_moves_to_the_best_neighbour():
    search = started()
    asked = search.ask()
    search.tell(set_values(asked, [5.0, 3.0, 4.0]))
    assert search.population == [asked[1]]


def test_a_neighbour_that_is_as_good_is_no_improvement():
    search = started()
    before = search.population
    search.tell(set_values(search.ask(), [10.0] * 3))
    assert search.population == before


def test_a_failed_neighbour_is_never_moved_to():
    search = started()
    before = search.population
    search.tell(set_values(search.ask(), [None, np.nan, None]))
    assert search.population == before


def test_a_sweep_without_improvement_starts_again():
    search = started()
    first = search.population[0].key
    for _ in range(3):
        told_nothing_new(search)
        assert len(search.ask()) == 3
    told_nothing_new(search)
    (fresh,) = search.ask()
    assert fresh.born_by == "random"
    assert fresh.key != first
    assert search.best().key == first


def test_an_improvement_starts_a_new_count():
    search = started()
    for _ in range(3):
        told_nothing_new(search)
    search.tell(set_values(search.ask(), [9.0, 99.0, 99.0]))
    for _ in range(3):
        told_nothing_new(search)
    assert len(search.ask()) == 3


def test_a_start_that_fails_is_replaced():
    search = built(CoordinateDescent())
    (first,) = search.ask()
    search.tell([first])
    (second,) = search.ask()
    assert first.key != second.key


def test_per_gene_alternatives_are_drawn():
    search = started(CoordinateDescent(per_gene=2))
    for _ in range(12):
        assert [len(search.ask()), len({one.key for one in search.ask()})] == [2, 2]
        search.tell(set_values(search.ask(), [9.0 - search.generation, 99.0]))


def test_per_gene_beyond_the_choices_takes_all():
    assert len(started(CoordinateDescent(per_gene=99)).ask()) == 3


def test_alternatives_are_drawn_anew_in_each_sweep():
    search, seen = started(CoordinateDescent(per_gene=1), IndexVector([50, 50])), set()
    for _ in range(6):
        asked = search.ask()
        seen.update(one.key for one in asked)
        search.tell(set_values(asked, [9.0 - search.generation]))
    assert len(seen) == 6


def test_a_gene_without_a_choice_is_passed_over():
    fitness, genome = SumFitness(), IndexVector([1, 3, 1])
    search = run(built(CoordinateDescent(generations=4), fitness, genome), door(fitness, genome=genome))
    assert search.best().genes.tolist() == [0, 0, 0]


@pytest.mark.parametrize(("goal", "optimum"), [("min", [0, 0, 0, 0]), ("max", [3, 3, 3, 3])])
@pytest.mark.parametrize("seed", range(5))
def test_one_sweep_finds_the_optimum_of_a_separable_function(goal, optimum, seed):
    fitness = SumFitness(goal=goal)
    search = run(built(CoordinateDescent(generations=1 + 4), fitness, seed=seed), door(fitness))
    assert search.best().genes.tolist() == optimum


@pytest.mark.parametrize("seed", range(3))
def test_one_sweep_solves_onemax(seed):
    genome, fitness = Bits(12), Onemax()
    search = built(CoordinateDescent(generations=1 + 12), fitness, genome, seed=seed)
    assert run(search, door(fitness, genome=genome)).best().fitness.values == (12.0,)


def test_bits_stay_bits():
    search = started(genome=Bits(3))
    assert [one.genes.dtype for one in search.ask()] == [np.bool_]


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    options, fails = CoordinateDescent(per_gene=2, generations=30), lambda one: "nan" if one[1] == 1 else None
    whole = run(built(options), door(SumFitness(fails=fails)))
    for stop in (1, 7, 19):
        measure = door(SumFitness(fails=fails))
        half = run(built(options), measure, stop)
        resumed = built(options)
        resumed.load_state_dict(through_a_file(half.state_dict(), tmp_path))
        assert portrait(run(resumed, measure)) == portrait(whole)


def test_the_batch_of_the_measure_changes_nothing():
    stories = set()
    for batch in (1, 2, 100):
        ledger = Ledger(":memory:")
        run(built(CoordinateDescent(generations=12)), door(ledger=ledger, batch=batch))
        stories.add(str(story(ledger)))
    assert len(stories) == 1


@pytest.mark.parametrize(
    ("genome", "kind"), [(SimpleNamespace(genes="permutation"), "permutation"), (object(), "genes of its own")]
)
def test_other_genes_are_an_error(genome, kind):
    with pytest.raises(
        ValueError, match=f"coordinate_descent works on bits, index_vector, real_vector, space, not on {kind}"
    ):
        CoordinateDescent().build(Context(Streams(0), fitness=SumFitness(), genome=genome))


BOX = RealVector([-1, 0, -3], [1, 4, 5], 3)


class Bowl(SumFitness):
    """A turned bowl, lowest outside of the box in the first gene."""

    def answer(self, genes, budget):
        x = (genes - [2.0, 1.5, 0.3]) @ np.array([[1, 0.4, 0], [0, 1, 0.2], [0, 0, 1]])
        return Evaluation((float(x @ x),), work=budget)


def compass(start, order, step, n_evaluated):
    """Kolda, Lewis and Torczon 2003, section 3.2, one axis after the other: best value after so many evaluations."""
    x, best, width = start.copy(), Bowl().answer(start, 1).values[0], BOX.high - BOX.low
    left, in_vain, at = n_evaluated - 1, 0, 0
    while True:
        gene, found = order[at % 3], []
        for sign in (-1, 1):
            other = x.copy()
            other[gene] = np.clip(x[gene] + sign * step * width[gene], BOX.low[gene], BOX.high[gene])
            if other[gene] != x[gene]:
                found.append((Bowl().answer(other, 1).values[0], other))
        left -= len(found)
        if left < 0:
            return best, step
        value, other = min(found, key=lambda pair: pair[0])
        if value < best:
            best, x, in_vain = value, other, 0
        else:
            in_vain += 1
        if in_vain == 3:
            step, in_vain = step / 2, 0
        at += 1


def test_real_numbers_are_searched_by_a_compass_whose_step_halves():
    search, measure = built(CoordinateDescent(step=0.2), Bowl(), BOX, seed=4), door(Bowl(), genome=BOX)
    run(search, measure, 1)
    start, order = search.population[0].genes, search._order()
    run(search, measure, 60)
    best, step = compass(start, order, 0.2, measure.tally.counts()["measured"] + measure.tally.counts()["cached"])
    assert search.best().fitness.values[0] == best
    assert search._step == step < 0.2


def test_without_restarts_a_compass_ends_where_nothing_is_better_within_its_tolerance():
    search, measure = built(CoordinateDescent(restarts=False, tolerance=1e-4), Bowl(), BOX), door(Bowl(), genome=BOX)
    run(search, measure)
    assert search.generation < 300
    # Lowest on the bound of the first gene: the other two are solved for by hand.
    fixed = np.array([-1.0, -0.4, 0.0])
    rest = np.linalg.lstsq(np.array([[0, 1, 0.2], [0, 0, 1]]).T, -fixed, rcond=None)[0]
    assert search.best().genes == pytest.approx([1.0, 1.5 + rest[0], 0.3 + rest[1]], abs=1e-3)


def test_without_restarts_it_ends_at_a_point_whose_neighbours_are_all_worse():
    search, measure = built(CoordinateDescent(restarts=False)), door()
    run(search, measure)
    best = search.best()
    neighbours = [best.genes.copy() for _ in range(16)]
    for number, genes in enumerate(neighbours):
        genes[number // 4] = number % 4
    assert best.fitness.values[0] == min(SumFitness().answer(genes, 1).values[0] for genes in neighbours)


def test_it_begins_at_the_best_of_init_and_nowhere_else():
    genes = [GENOME.from_json([value] * 4) for value in (1, 3, 2)]
    search = built(CoordinateDescent(), context=Context(Streams(0), fitness=SumFitness(), genome=GENOME, init=genes))
    assert [one.genes.tolist() for one in search.ask()] == [[1] * 4, [3] * 4, [2] * 4]
    search.tell(set_values(search.ask(), [5.0, 3.0, 4.0]))
    assert search.population[0].genes.tolist() == [3] * 4


@pytest.mark.parametrize("restarts", [True, False])
def test_a_compass_goes_on_from_its_state_as_if_never_stopped(restarts, tmp_path):
    options = CoordinateDescent(restarts=restarts, tolerance=0.03, generations=80)
    ledger = Ledger(":memory:")
    whole = run(built(options, Bowl(), BOX), door(Bowl(), genome=BOX))
    assert whole.done
    assert (whole.generation == 80) == restarts
    for resumed, _ in stopped_and_resumed(
        lambda: (built(options, Bowl(), BOX), door(Bowl(), ledger, BOX)), tmp_path, (-1.0,)
    ):
        assert portrait(resumed) == portrait(whole)

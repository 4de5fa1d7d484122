import numpy as np
import pytest

from evokit.fitnesses.onemax import Onemax
from evokit.fitnesses.sphere import SphereFitness
from evokit.genomes.bits import Bits
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.searches.coordinate_descent import CoordinateDescent
from evokit.searches.optuna_sampler import OptunaSampler
from evokit.searches.random_search import RandomSearch
from evokit.streams import Streams
from tests.door import SumFitness, door, story
from tests.searches.building import built, portrait, run, through_a_file


def test_a_generation_is_one_batch():
    search = built(RandomSearch(batch=5))
    assert len(search.ask()) == 5


def test_asking_again_gives_the_same():
    search = built(RandomSearch())
    assert [one.key for one in search.ask()] == [one.key for one in search.ask()]


class Seeded(IndexVector):
    """Knows three good individuals, two of them the same."""

    def seeds(self):
        return [np.array(genes) for genes in ([1, 1, 1, 1, 1, 1], [2, 2, 2, 2, 2, 2], [1, 1, 1, 1, 1, 1])]


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_seeds_come_first_and_take_nothing_else_away(batch):
    genome = Seeded((4,) * 6)
    plain, seeded = (built(RandomSearch(batch, seeds=seeds), genome=genome) for seeds in (False, True))
    drawn: list[list[list[int]]] = [[], []]
    for _ in range(4):
        for search, found in zip((plain, seeded), drawn, strict=True):
            found.extend(one.genes.tolist() for one in search.ask())
            search.tell([])
    assert drawn[1][:2] == [[1] * 6, [2] * 6]
    assert [1] * 6 not in drawn[0]
    assert drawn[1][2:] == drawn[0][2:]


def test_it_begins_with_the_genes_of_init_so_that_a_control_has_them_too():
    genome = Seeded((4,) * 6)
    context = Context(Streams(0), fitness=SumFitness(), genome=genome, init=[np.array([3] * 6)])
    first = built(RandomSearch(4, seeds=True), genome=genome, context=context).ask()
    assert [one.genes[0] for one in first[:3]] == [3, 1, 2]
    assert [one.born_by for one in first] == ["init", "seed", "seed", "random"]


@pytest.mark.parametrize("kind", [RandomSearch, CoordinateDescent, OptunaSampler])
def test_seeds_of_a_genome_that_has_none_are_refused(kind):
    with pytest.raises(ValueError, match="seeds: the genome knows no individuals to begin with"):
        built(kind(seeds=True))


def test_draws_cover_the_space_evenly():
    search, counts = built(RandomSearch(batch=400)), [0] * 4
    for _ in range(5):
        for one in search.ask():
            counts[one.genes[0]] += 1
        search.tell([])
    assert counts == pytest.approx([500] * 4, abs=80)


def test_the_best_is_the_best_of_all_draws():
    fitness = SumFitness()
    search = run(built(RandomSearch(batch=4, generations=6), fitness), door(fitness))
    values = [fitness.answer(np.array(genes), 1).values[0] for genes in fitness.evaluated]
    assert search.best().fitness.values[0] == min(values)


def test_it_ends_at_its_horizon_if_it_has_one():
    assert run(built(RandomSearch(generations=3)), door()).generation == 3
    assert not built(RandomSearch()).done


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    options, fails = RandomSearch(batch=4, generations=8), lambda one: "nan" if one[0] == 0 else None
    whole = run(built(options), door(SumFitness(fails=fails)))
    measure = door(SumFitness(fails=fails))
    half = run(built(options), measure, 4)
    resumed = built(options)
    resumed.load_state_dict(through_a_file(half.state_dict(), tmp_path))
    assert portrait(run(resumed, measure)) == portrait(whole)


def test_the_batch_of_the_measure_changes_nothing():
    portraits, stories = set(), set()
    for batch in (1, 3, 100):
        ledger = Ledger(":memory:")
        portraits.add(portrait(run(built(RandomSearch(generations=5)), door(ledger=ledger, batch=batch))))
        stories.add(str(story(ledger)))
    assert len(portraits) == len(stories) == 1


def test_the_seed_decides():
    assert portrait(run(built(RandomSearch(generations=1), seed=0), door())) != portrait(
        run(built(RandomSearch(generations=1), seed=1), door())
    )


def test_it_finds_the_maximum_of_a_small_onemax():
    genome, fitness = Bits(5), Onemax()
    search = run(built(RandomSearch(generations=30), fitness, genome), door(fitness, genome=genome))
    assert search.best().fitness.values == (5.0,)


def test_it_comes_closer_on_the_sphere():
    genome, fitness = RealVector(-1, 1, 2), SphereFitness(0.0, (1,), Streams(0))
    search = run(built(RandomSearch(generations=30), fitness, genome), door(fitness, genome=genome))
    assert search.logbook[0]["best"] > search.best().fitness.values[0] < 0.1

import pytest

from evokit.genomes.index_vector import IndexVector
from evokit.measuring.ledger import Ledger
from evokit.screens.race import Race
from evokit.searches.regularised import Regularised
from evokit.streams import Streams
from tests.door import SumFitness, door
from tests.searches.building import built, portrait, run, set_values, stopped_and_resumed
from tests.searches.test_contract import Pair

WIDE = IndexVector([8] * 6)  # large enough that the search never runs out of new keys
SMALL = Regularised(population=4, sample=2, batch=1, generations=9)


def keys(individuals):
    return [one.key for one in individuals]


def told(search, values):
    search.tell(asked := set_values(search.ask(), values))
    return asked


def test_the_oldest_dies_and_the_newest_stands_last():
    search = built(SMALL, genome=WIDE)
    first = told(search, [1, 2, 3, 4])
    (child,) = told(search, [99])
    assert search.population == [*first[1:], child]
    assert search.best().key == first[0].key  # dead of age, and the best ever measured


def test_a_batch_lets_as_many_die():
    search = built(Regularised(population=4, sample=2, batch=3), genome=WIDE)
    first = told(search, [1, 2, 3, 4])
    children = told(search, [5, 6, 7])
    assert search.population == [first[3], *children]


def test_for_a_failed_child_nobody_dies():
    search = built(Regularised(population=4, sample=2, batch=3), genome=WIDE)
    first = told(search, [1, 2, 3, 4])
    _, child, _ = told(search, [None, 5, None])
    assert search.population == [*first[1:], child]


def test_a_population_that_lost_members_at_its_beginning_grows():
    search = built(SMALL, genome=WIDE)
    told(search, [1, None, None, 4])
    for size in (3, 4, 4):
        told(search, [5])
        assert len(search.population) == size


def test_the_parent_is_the_best_of_a_sample_drawn_with_replacement():
    search = built(Regularised(population=5, sample=3, batch=5), genome=WIDE, seed=4)
    members = told(search, [9, 2, 7, 4, 5])
    assert [one.fitness.values[0] for one in members] == [9, 2, 7, 4, 5]
    rng, ours = Streams(4).at("variation", 1).numpy(), search._rng()
    sample = [members[place] for place in rng.integers(5, size=3)]
    assert search._parent(ours).fitness.values[0] == min(one.fitness.values[0] for one in sample)


@pytest.mark.parametrize("goal", ["min", "max"])
def test_a_parent_wins_as_often_as_a_sample_says(goal):
    """Of n ranks the best is the parent unless no draw of s met it: 1 - (1 - 1/n)^s."""
    search = built(Regularised(population=10, sample=4, batch=1), SumFitness(goal=goal), WIDE)
    members = told(search, list(range(10)))
    best = members[0 if goal == "min" else 9].key
    rng = Streams(0).numpy()
    share = sum(search._parent(rng).key == best for _ in range(4000)) / 4000
    assert share == pytest.approx(1 - 0.9**4, abs=0.03)


def test_children_are_mutants_of_one_member_each_all_of_the_same_population():
    search = built(Regularised(population=6, sample=2, batch=6), genome=WIDE)
    members = set(keys(told(search, range(6))))
    children = search.ask()
    assert {one.born_by for one in children} == {"mutation"}
    assert all(len(one.parents) == 1 and one.parents[0] in members for one in children)
    assert len(set(keys(children)) | members) == 12
    assert keys(search.ask()) == keys(children)


def test_ages_survive_a_resume(tmp_path):
    def searched(ledger=None):
        fitness = SumFitness(budgets=(1, 2), fails=lambda genes: "nan" if genes[0] == 1 else None)
        options = Regularised(population=6, sample=2, batch=3, generations=9)
        return built(options, fitness, WIDE, [Race()]), door(fitness, ledger, WIDE)

    whole, ledger = portrait(run(*searched())), Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: searched(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole


def test_a_generation_of_which_a_part_was_told_counts_as_it_is():
    search, measure = built(Regularised(6, 2, 3), genome=WIDE), door(genome=WIDE)
    run(search, measure, 2)
    measure(asked := search.ask()[:1])
    search.tell(asked)
    assert keys(search.population)[-1] == asked[0].key
    assert len(search.population) == 6


def test_the_work_is_told_before():
    search, measure = built(Regularised(6, 2, 3, 9), genome=WIDE), door(genome=WIDE)
    assert search.expected() == (6 + 8 * 3, 6 + 8 * 3)
    run(search, measure)
    assert measure.work == 6 + 8 * 3


@pytest.mark.parametrize("name", ["sample", "batch"])
def test_nobody_can_draw_or_make_more_than_there_are(name):
    with pytest.raises(ValueError, match=rf"{name} \(5\) must not be more than population \(4\)"):
        Regularised(**({"population": 4, "sample": 4, "batch": 4} | {name: 5}))


def test_several_objectives_are_refused():
    with pytest.raises(ValueError, match="one objective, the fitness has 2: name nsga2"):
        built(SMALL, Pair())

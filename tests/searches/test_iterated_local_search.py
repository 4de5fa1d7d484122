import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest

from evokit.genomes.space.genome import SpaceGenome
from evokit.genomes.space.parameters import Choice, Float, Int, Order, Subset
from evokit.genomes.space.space import Space
from evokit.interfaces import Context, Evaluation
from evokit.searches.iterated_local_search import Descent, IteratedLocalSearch, _little, _vertex
from evokit.searches.optuna_sampler import OptunaSampler
from evokit.streams import Streams
from tests.door import SumFitness, door
from tests.searches.building import built, run, set_values
from tests.searches.test_contract import Pair

NUMBERS = Space({"x": Float(-4, 6), "n": Int(0, 40), "y": Float(1e-4, 1, log=True)}).build(None)
MIXED = Space(
    {
        "kind": Choice(["a", "b", "c"]),
        "x": Float(0, 10),
        "n": Int(1, 9, when={"kind": ["b"]}),
        "u": Float(0, 1, length=2, when={"kind": ["c"]}),
        "some": Subset([1, 2, 3]),
        "turn": Order(["p", "q", "r"]),
    },
    forbidden=[{"kind": "b", "n": 9}],
).build(None)


class Given(SumFitness):
    """What a function says of parameters."""

    def __init__(self, function, **rest):
        super().__init__(**rest)
        self._function = function

    def evaluate(self, batch, budget):
        return [Evaluation((self._function(params),), work=budget) for params in batch]


def bowl(p):
    """Separable, lowest at x = 1.7, n = 23 and y = 0.01."""
    return (p["x"] - 1.7) ** 2 + (p["n"] - 23.2) ** 2 / 9 + (math.log10(p["y"]) + 2) ** 2


def mixed(p):
    """Lowest, 0, at kind b, n 8, x 3, nobody of ``some``, and q first."""
    worth = {"a": lambda: 2.0, "b": lambda: (8 - p["n"]) / 8, "c": lambda: 0.5 + abs(sum(p["u"]) - 1)}[p["kind"]]()
    return worth + abs(p["x"] - 3) / 7 + len(p["some"]) / 9 + p["turn"].index("q") / 5


def searched(function, genome, n=None, ledger=None, **options):
    fitness = Given(function)
    search, measure = built(IteratedLocalSearch(**options), fitness, genome), door(fitness, ledger, genome)
    return run(search, measure, n), measure


def descended(function, genome, goal="min", seed=0, init=(), **options):
    """A search at the end of its first descent, and how many it has measured."""
    fitness = Given(function, goal=goal)
    context = Context(Streams(seed), fitness=fitness, genome=genome, init=[genome.from_json(one) for one in init])
    search, measure = built(IteratedLocalSearch(**options), context=context), door(fitness, genome=genome)
    search.step(measure)
    while not search.at_break:
        search.step(measure)
    return search, measure.tally.counts()["measured"]


def test_it_begins_at_the_best_of_random_points_and_one_in_the_middle():
    search = built(IteratedLocalSearch(start=5), genome=NUMBERS)
    first = search.ask()
    assert len(first) == 5
    assert {one.born_by for one in first} == {"start"}
    assert NUMBERS.express(first[0].genes) == {"x": 1, "n": 20, "y": pytest.approx(0.01)}
    search.tell(set_values(first, [5.0, 4.0, 1.0, 3.0, 2.0]))
    for one in search.ask():  # all beside it, in one parameter
        assert one.born_by == "descent"
        assert sum(a != b for a, b in zip(one.genes, first[2].genes, strict=True)) == 1


def test_numbers_are_solved_along_each_by_the_vertex_of_a_parabola():
    search, n = descended(bowl, NUMBERS, start=1)
    best = NUMBERS.express(search.best().genes)
    assert best == {"x": pytest.approx(1.7, abs=1e-6), "n": 23, "y": pytest.approx(0.01, rel=1e-5)}
    assert n < 80  # where halving steps to 1e-7 of two ranges would take 2 * 2 * 24 for the real ones alone


def test_steps_grow_where_they_lead_down():
    """From one end of 1,000 whole numbers to the other: each stride is twice the one before."""
    genome = Space({"n": Int(0, 1000)}).build(None)
    low = Context(Streams(0), fitness=SumFitness(), genome=genome, init=[genome.from_json({"n": 0})])
    search = built(IteratedLocalSearch(step=0.001), context=low)
    asked = []
    while not asked or not search.at_break:
        asked += [one.genes[0] for one in search.ask()]
        search.tell(set_values(search.ask(), [-float(one.genes[0]) for one in search.ask()]))
    assert asked[:12] == [0, 1, *(2**k for k in range(1, 10)), 1000]
    assert asked[-1] == 999


def test_a_choice_takes_the_best_of_all_its_options():
    genome = Space({"kind": Choice(["a", "b", "c", "d"])}).build(None)
    search, n = descended(lambda p: "cbda".index(p["kind"]), genome, start=1)
    assert genome.express(search.best().genes) == {"kind": "c"}
    assert n == 4


def test_what_is_to_be_high_is_climbed():
    search, _ = descended(lambda p: -bowl(p), NUMBERS, goal="max")
    assert NUMBERS.express(search.best().genes)["x"] == pytest.approx(1.7, abs=1e-6)


def test_an_option_whose_numbers_do_not_make_it_better_is_left_again_and_judged_once():
    genome = Space({"kind": Choice(["a", "b"]), "x": Float(0, 1, when={"kind": ["b"]}), "y": Float(0, 1)}).build(None)
    asked = []

    def ask(some):
        asked.extend(some)
        return [(0.0, (p["kind"] == "b") + (p["y"] - 0.3) ** 2 + p.get("x", 0)) for p in map(genome.express, some)]

    descent = Descent(genome, 0.1, 1e-7, np.random.default_rng(0), ask)
    descent([genome.from_json({"kind": "a", "y": 0.9})], (math.inf, math.inf))
    assert genome.express(descent._now) == {"kind": "a", "y": pytest.approx(0.3, abs=1e-6)}
    of_b = [one for one in asked if genome.express(one)["kind"] == "b"]
    moved = [(a, b) for a, b in itertools.pairwise(of_b) if a[1] == b[1]]  # another y beside the same x: a try
    assert len(moved) <= 4


def test_later_descents_are_told_the_best_so_far():
    search, _ = descended(mixed, MIXED)
    assert search.state_dict()["descents"][0]["best"] == (0.0, search.best().fitness.values[0])


def test_a_kick_is_so_many_mutations():
    search, _ = descended(mixed, MIXED, kicks=3)
    rng, genes = Streams(0).at("iterated_local_search", "start", 1).numpy(), search.population[0].genes
    for _ in range(3):
        genes = MIXED.mutate(genes, rng)
    assert [one.genes for one in search.ask()] == [genes]


@pytest.mark.parametrize(
    ("before", "after", "little"),
    [
        ((0.0, 100.0), (0.0, 99.995), True),
        ((0.0, 100.0), (0.0, 99.9), False),
        ((2.0, 100.0), (1.0, 100.0), False),  # towards the feasible
        ((0.0, 1e-9), (0.0, 1e-12), False),
    ],
)
def test_a_round_gains_little_by_the_value(before, after, little):
    assert _little(before, after) is little


def test_subsets_orders_lists_and_conditions_are_descended_to_where_no_neighbour_is_better():
    search, _ = searched(mixed, MIXED, 400)
    best = MIXED.express(search.best().genes)
    assert best == {"kind": "b", "n": 8, "x": pytest.approx(3, abs=1e-5), "some": [], "turn": ["q", *best["turn"][1:]]}


def test_an_option_is_judged_after_what_begins_to_exist_was_fitted():
    """What is drawn for b is worse than a, and at its best b is better: without a try it would never be taken."""
    genome = Space({"kind": Choice(["a", "b"]), "x": Float(0, 1, when={"kind": ["b"]})}).build(None)

    def value(p):
        return 0.01 if p["kind"] == "a" else (p["x"] - 0.4) ** 2

    for seed in range(5):
        search, _ = descended(value, genome, seed=seed, init=[{"kind": "a"}])
        assert genome.express(search.best().genes) == {"kind": "b", "x": pytest.approx(0.4, abs=1e-6)}


def test_what_is_forbidden_is_never_asked_for():
    fitness = Given(lambda p: -p.get("n", 0))
    search, measure = built(IteratedLocalSearch(), fitness, MIXED), door(fitness, genome=MIXED)
    for _ in range(100):
        assert all(MIXED.allowed(one.genes) for one in search.ask())
        search.step(measure)
    assert MIXED.express(search.best().genes)["n"] == 8


def test_descents_begin_in_turn_near_the_best_and_at_random():
    fitness = Given(mixed)
    search, measure = built(IteratedLocalSearch(kicks=1), fitness, MIXED), door(fitness, genome=MIXED)
    starts = []
    while len(starts) < 7:
        if search.at_break:
            starts.append((search.ask(), search.population))
        search.step(measure)
    assert [len(asked) for asked, _ in starts] == [8, 1, 1, 1, 1, 1, 1]
    for number, ((one,), (best,)) in enumerate(starts[1:], 1):
        rng = Streams(0).at("iterated_local_search", "start", number).numpy()
        assert one.genes == (MIXED.mutate(best.genes, rng) if number % 2 else MIXED.random(rng))


def test_a_descent_that_is_not_the_best_ends_once_its_steps_are_small():
    def asked(best):
        some = []

        def ask(genes):
            some.extend(genes)
            return [(0.0, bowl(NUMBERS.express(one))) for one in genes]

        start = NUMBERS.from_json({"x": 5.0, "n": 3, "y": 0.5})
        Descent(NUMBERS, 0.1, 1e-7, np.random.default_rng(0), ask)([start], best)
        return len(some)

    assert asked((0.0, -1.0)) < asked((math.inf, math.inf))


def test_it_begins_at_the_best_of_init_and_nowhere_else():
    genes = [NUMBERS.from_json({"x": x, "n": 3, "y": 0.1}) for x in (1.0, 3.0, 2.0)]
    context = Context(Streams(0), fitness=SumFitness(), genome=NUMBERS, init=genes)
    search = built(IteratedLocalSearch(), context=context)
    assert [one.genes for one in search.ask()] == genes


def test_it_begins_at_what_the_genome_knows_where_that_is_wanted():
    class Seeded(SpaceGenome):
        def seeds(self):
            return [NUMBERS.from_json({"x": x, "n": 3, "y": 0.1}) for x in (1.0, 3.0, 1.0)]

    genome = Seeded(NUMBERS.layout)
    asked = built(IteratedLocalSearch(seeds=True), genome=genome).ask()
    assert [one.genes for one in asked] == genome.seeds()[:2]
    assert [one.genes for one in built(OptunaSampler(batch=2, seeds=True), genome=genome).ask()] == genome.seeds()[:2]


def test_failed_starts_and_neighbours_are_never_moved_to():
    search = built(IteratedLocalSearch(start=3), genome=NUMBERS)
    asked = search.ask()
    search.tell(set_values(asked, [None, 7.0, np.nan]))
    assert search.population == [asked[1]]
    for _ in range(30):
        search.tell(set_values(asked := search.ask(), [None] * len(asked)))
    assert search.best().fitness.values == (7.0,)


def test_a_descent_whose_every_point_fails_ends_too():
    search = built(IteratedLocalSearch(start=1, generations=400), genome=NUMBERS)
    starts = 0
    while not search.done:
        starts += search.at_break
        search.tell(set_values(asked := search.ask(), [None] * len(asked)))
    assert starts > 2


def test_the_feasible_come_before_the_better():
    search = built(IteratedLocalSearch(start=2), genome=NUMBERS)
    asked = search.ask()
    for one, value, violation in zip(asked, (1.0, 5.0), (2.0, 0.0), strict=True):
        one.fitness.hold((value,), (violation,))
    search.tell(asked)
    assert search.population == [asked[1]]
    for one in search.ask():  # beside the feasible one
        assert sum(a != b for a, b in zip(one.genes, asked[1].genes, strict=True)) == 1


def test_a_narrow_valley_is_followed_along_the_direction_of_a_round():
    """Turned by 45 degrees and 100 times as steep across as along, where a single number can hardly move."""
    genome = Space({"x": Float(-1, 1), "y": Float(-1, 1)}).build(None)
    fitness = Given(lambda p: 100 * (p["x"] - p["y"]) ** 2 + (p["x"] + p["y"] - 1.3) ** 2 + 1e-3)
    init = Context(Streams(0), fitness=fitness, genome=genome, init=[genome.from_json({"x": -0.8, "y": -0.8})])
    search, measure = built(IteratedLocalSearch(), context=init), door(fitness, genome=genome)
    while measure.tally.counts()["measured"] < 60:
        search.step(measure)
    assert search.best().fitness.values[0] < 2e-3


def test_a_round_that_gains_little_of_the_value_is_the_last_of_its_descent():
    """Under a large offset the same bowl is left sooner."""
    counts = [descended(lambda p, offset=offset: offset + bowl(p), NUMBERS)[1] for offset in (0.0, 1e6)]
    assert counts[1] < counts[0]


@pytest.mark.parametrize(
    ("met", "best", "vertex"),
    [
        ({0.0: (0, 9.0), 0.3: (0, 0.09), 1.0: (0, 1.0)}, 0.3, pytest.approx(0.6, abs=0.3)),
        ({0.2: (0, 0.04), 0.4: (0, 0.0), 0.8: (0, 0.16)}, 0.4, pytest.approx(0.4)),  # (x - 0.4)²
        ({0.4: (0, 0.0), 0.8: (0, 1.0)}, 0.4, None),  # nothing below
        ({0.2: (0, 1.0), 0.4: (0, 1.0), 0.8: (0, 1.0)}, 0.4, None),  # flat
        ({0.2: (1.0, 2.0), 0.4: (0, 1.0), 0.8: (0, 2.0)}, 0.4, None),  # one is infeasible
        ({0.2: (math.inf, math.inf), 0.4: (0, 1.0), 0.8: (0, 2.0)}, 0.4, None),  # one failed
    ],
)
def test_the_vertex_is_that_of_a_parabola_through_three_points(met, best, vertex):
    assert _vertex(met, best) == vertex


@pytest.mark.parametrize("genome", [SimpleNamespace(genes="permutation"), object()])
def test_other_genomes_are_an_error(genome):
    with pytest.raises(ValueError, match="iterated_local_search works on space, for others name coordinate_descent"):
        IteratedLocalSearch().build(Context(Streams(0), fitness=SumFitness(), genome=genome))


def test_several_objectives_are_an_error():
    with pytest.raises(ValueError, match="this search has one objective, the fitness has 2: name nsga2"):
        IteratedLocalSearch().build(Context(Streams(0), fitness=Pair(), genome=NUMBERS))

"""Greedy construction: one part after the other, the best of what is drawn."""

import pytest

from evokit.genomes.space.parameters import Choice, Float
from evokit.genomes.space.space import Space
from evokit.measuring.ledger import Ledger
from evokit.searches.greedy_construction import GreedyConstruction, parts_of
from tests.door import door
from tests.searches.building import built, portrait, run, stopped_and_resumed
from tests.searches.test_iterated_local_search import Given

SPACE = Space(
    {
        "left": {"x": Float(-2, 2), "y": Float(-2, 2, when={"right.kind": "b"})},
        "right": {"kind": Choice(["a", "b"]), "u": Float(-2, 2)},
        "alone": Float(-2, 2),
    }
).build(None)


def loss(params):
    left, right = params["left"], params["right"]
    return left["x"] ** 2 + left.get("y", 1) ** 2 + right["u"] ** 2 + (params["alone"] - 1) ** 2


def searched(generations, **options):
    fitness = Given(loss)
    return built(GreedyConstruction(generations=generations, **options), fitness, SPACE), door(fitness, genome=SPACE)


def test_parts_are_groups_in_their_order_and_what_is_alone():
    names = [[SPACE.leaves[place].name for place in part] for part in parts_of(SPACE)]
    assert names == [["left.x", "left.y"], ["right.kind", "right.u"], ["alone"]]


def test_each_generation_draws_one_part_beside_the_best_and_keeps_the_best():
    search, measure = searched(None, tries=4)
    search.step(measure)
    for place in range(7):
        (now,) = search.population
        asked = search.ask()
        assert len(asked) == 4
        part = {"left": 0, "right": 1, "alone": 2}
        for one in asked:
            differs = {
                leaf.path[0]
                for leaf, old, new in zip(SPACE.leaves, now.genes, one.genes, strict=True)
                if old != new and leaf.name != "left.y"  # which comes and goes with right.kind
            }
            assert {part[name] for name in differs} == {place % 3}
        search.step(measure)
        told = [loss(SPACE.express(one.genes)) for one in (now, *asked)]
        assert search.population[0].fitness.values == pytest.approx((min(told),))


def test_it_begins_with_the_genomes_known_good_ones_where_asked():
    class Seeded(type(SPACE)):
        def seeds(self):
            return [self.from_json({"left": {"x": 1}, "right": {"kind": "a", "u": u}, "alone": 0}) for u in (2, 0.5)]

    genome = Seeded(SPACE.layout)
    search = built(GreedyConstruction(seeds=True), Given(loss), genome)
    assert [genome.to_json(one.genes)["right.u"] for one in search.ask()] == [2, 0.5]
    search.step(door(Given(loss), genome=genome))
    assert genome.to_json(search.population[0].genes)["right.u"] == 0.5


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    def make(ledger=None):
        fitness = Given(loss)
        return built(GreedyConstruction(generations=9), fitness, SPACE), door(fitness, ledger, SPACE)

    whole, ledger = portrait(run(*make())), Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: make(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole


def test_another_seed_draws_others():
    first, other = (built(GreedyConstruction(), Given(loss), SPACE, seed=seed).ask()[0].genes for seed in (0, 1))
    assert first != other


def test_what_it_will_measure_is_foretold_where_it_has_an_end():
    search, measure = searched(5, tries=4)
    run(search, measure)
    assert search.expected()[0] == 5 * 4 >= measure.tally.counts()["measured"]
    assert not hasattr(searched(None)[0], "expected")


def test_several_objectives_are_refused():
    fitness = Given(loss)
    fitness.objectives = {"loss": "min", "again": "min"}
    with pytest.raises(ValueError, match="this search has one objective, the fitness has 2: name nsga2"):
        built(GreedyConstruction(), fitness, SPACE)

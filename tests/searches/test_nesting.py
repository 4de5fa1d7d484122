from dataclasses import dataclass, replace

import pytest

from evokit.interfaces import Context
from evokit.searches.generational import Generational
from evokit.searches.nesting import nested
from evokit.searches.random_search import RandomSearch, RandomSearcher
from evokit.streams import Streams
from tests.door import GENOME, SumFitness
from tests.searches.building import Part, building_nested, built

CONTEXT = building_nested(Context(Streams(0), fitness=SumFitness(), genome=GENOME, screens=["one"]))


def asked(search):
    return [one.key for one in search.ask()]


def test_each_place_has_streams_of_its_own():
    part = Part(RandomSearch(4))
    first, again, other = (asked(nested(part, CONTEXT, "island", number)) for number in (0, 0, 1))
    assert first == again != other


def test_at_the_top_it_draws_what_it_draws_alone():
    assert asked(nested(Part(RandomSearch(4)), CONTEXT)) == asked(built(RandomSearch(4)))


def test_a_search_in_a_search_in_a_search_draws_below_both():
    @dataclass(frozen=True)
    class Within:
        part: Part

        def build(self, context):
            return nested(self.part, context, "inner")

    deep = nested(Part(Within(Part(RandomSearch(4)))), CONTEXT, "outer")
    flat = nested(Part(RandomSearch(4)), CONTEXT, "outer", "inner")
    assert asked(deep) == asked(flat)


def test_screens_stay_with_the_outer_search():
    search = nested(Part(RandomSearch(4)), CONTEXT)
    assert search.screens == ()
    assert search.state_dict()["screens"] == []


@pytest.mark.parametrize("option", ["refit_every", "reevaluate"])
def test_what_changes_the_fitness_belongs_to_no_part_of_a_search(option):
    fitness = SumFitness()
    fitness.fresh = fitness.refitted = lambda *_: fitness
    context = replace(
        CONTEXT, fitness=fitness, screens=[], operators=dict.fromkeys(("selection", "crossover", "mutation"))
    )
    with pytest.raises(ValueError, match=rf"generational\.{option}: a part of another search cannot change"):
        nested(Part(Generational(**{option: 2})), building_nested(context))


@pytest.mark.parametrize("own", [{"step": None}, {"job": None}, {"screens": ["its own"]}])
def test_a_search_that_measures_in_a_way_of_its_own_is_refused(own):
    class Odd(RandomSearch):
        def build(self, context):
            search = type("Odd", (RandomSearcher,), own)(self, context)
            vars(search).update(own)
            return search

    with pytest.raises(ValueError, match="odd measures in a way of its own"):
        nested(Part(Odd()), CONTEXT)

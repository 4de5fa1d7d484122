"""Iterated local search with descents side by side, and what its state holds of them."""

import pytest

from evokit.genomes.space.parameters import Choice
from evokit.genomes.space.space import Space
from evokit.measuring.ledger import Ledger
from evokit.searches.iterated_local_search import IteratedLocalSearch
from evokit.streams import Streams
from tests.door import door
from tests.searches.building import built, portrait, run, set_values, stopped_and_resumed, through_a_file
from tests.searches.test_iterated_local_search import MIXED, NUMBERS, Given, bowl, mixed


@pytest.mark.parametrize("descents", [1, 3])
def test_it_goes_on_from_its_state_as_if_never_stopped(descents, tmp_path):
    def make(ledger=None):
        fitness, options = Given(mixed), IteratedLocalSearch(start=3, generations=40, descents=descents)
        return built(options, fitness, MIXED), door(fitness, ledger, MIXED)

    whole, ledger = portrait(run(*make())), Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: make(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole


def test_a_state_holds_descents_that_began_later_too(tmp_path):
    fitness = Given(bowl)
    search, measure = built(IteratedLocalSearch(descents=2), fitness, NUMBERS), door(fitness, genome=NUMBERS)
    while max(one["number"] for one in search.state_dict()["descents"]) < 4:
        search.step(measure)
    run(search, measure, search.generation + 3)
    resumed = built(IteratedLocalSearch(descents=2), fitness, NUMBERS)
    resumed.load_state_dict(through_a_file(search.state_dict(), tmp_path))
    assert resumed.state_dict()["descents"] == search.state_dict()["descents"]
    for _ in range(20):
        asked = [one.genes for one in search.ask()]
        assert [one.genes for one in resumed.ask()] == asked
        for one in (search, resumed):
            one.step(measure)


def test_one_descent_is_what_it_was_before_there_were_several():
    """Recorded at 7dfd635, which had no such option."""
    fitness = Given(mixed)
    search, measure = built(IteratedLocalSearch(), fitness, MIXED), door(fitness, genome=MIXED)
    sizes, begun = [], {}
    for _ in range(200):
        sizes.append(len(search.ask()))
        if search.at_break:
            begun[search.generation] = MIXED.to_json(search.ask()[0].genes)
        search.step(measure)
    assert sizes[:24] == [8, 5, 2, 2, 1, 1, 2, 1, 1, 2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 3, 2, 1, 2, 1]
    assert (sum(sizes), measure.tally.counts()["measured"]) == (357, 349)
    assert begun == {
        0: {"kind": "b", "x": 5.0, "n": 5, "some": [1, 2, 3], "turn": ["q", "r", "p"]},
        115: {"kind": "b", "x": pytest.approx(3), "n": 7, "some": [3], "turn": ["q", "r", "p"]},
        146: {
            "kind": "c",
            "x": pytest.approx(5.456222133110749),
            "u": pytest.approx([0.05938183222640869, 0.710239826362512]),
            "some": [],
            "turn": ["r", "q", "p"],
        },
    }


def test_several_descents_ask_together_and_the_first_is_what_it_is_alone():
    alone, search = (built(IteratedLocalSearch(descents=n), genome=NUMBERS) for n in (1, 4))
    for _ in range(30):
        mine, asked = ([one.genes for one in each.ask()] for each in (alone, search))
        assert asked[: len(mine)] == mine
        assert len(mine) + 3 <= len(asked) == len(set(asked))
        for each in (alone, search):
            each.tell(set_values(each.ask(), [bowl(NUMBERS.express(one.genes)) for one in each.ask()]))


def test_descents_are_counted_over_all_and_begin_where_one_has_ended():
    fitness = Given(mixed)
    search, measure = built(IteratedLocalSearch(descents=3), fitness, MIXED), door(fitness, genome=MIXED)
    met = {0}
    while max(met) < 8:
        assert len({one["number"] for one in search.state_dict()["descents"]}) == 3
        begun = [one for one in search.state_dict()["descents"] if one["number"] not in met]
        for one in begun:
            rng = Streams(0).at("iterated_local_search", "start", one["number"]).numpy()
            near = one["number"] % 2 and search.population
            genes = search.population[0].genes if near else MIXED.random(rng)
            for _ in range(2 if near else 0):
                genes = MIXED.mutate(genes, rng)
            assert one["starts"] == [MIXED.to_json(genes)]
        met |= {one["number"] for one in begun}
        search.step(measure)
    assert met == set(range(max(met) + 1))


def test_what_two_descents_ask_for_is_asked_for_once_and_told_to_both():
    """Of a space of four points all descents soon ask for the same."""
    genome = Space({"a": Choice(["x", "y"]), "b": Choice(["x", "y"])}).build(None)
    search = built(IteratedLocalSearch(start=1, descents=6), genome=genome)
    asked = search.ask()
    questions = [genes for one in search._descents for genes in one.talk.question]
    assert len(questions) == 6 > len(asked) == len({one.key for one in asked})
    search.tell(set_values(asked, range(len(asked))))
    values = {one.genes: float(one.fitness.values[0]) for one in asked}
    answers = [one["answers"][0] for one in search.state_dict()["descents"]]
    assert answers == [[(0.0, values[genes])] for genes in questions]


def test_a_turn_passes_when_any_of_several_descents_has_ended():
    fitness, breaks = Given(bowl), []
    search, measure = built(IteratedLocalSearch(descents=4), fitness, NUMBERS), door(fitness, genome=NUMBERS)
    while len(breaks) < 4:
        breaks += [search.generation] * search.at_break
        search.step(measure)
    assert breaks[0] == 0
    assert breaks[3] > breaks[1] + 1  # they end one by one, and not all at once


def test_a_part_of_a_generation_lets_nobody_go_on():
    search = built(IteratedLocalSearch(descents=3), genome=NUMBERS)
    asked = search.ask()
    search.tell(set_values(asked[:4], [3.0, 2.0, 1.0, 4.0]))
    assert [one.key for one in search.ask()] == [one.key for one in asked]
    assert search.best().fitness.values == (1.0,)

from evokit.measuring.ledger import Ledger
from evokit.searches.cma import CMA
from evokit.searches.de import DE
from evokit.searches.portfolio import PortfolioSearch
from evokit.searches.quasi_newton import QuasiNewton
from tests.door import door
from tests.searches.building import portrait, run, stopped_and_resumed
from tests.searches.test_quasi_newton import BOX, Valley


def searched(*options, ledger=None, generations=40):
    from evokit.interfaces import Context
    from evokit.streams import Streams

    fitness, streams = Valley(), Streams(0)
    members = [
        one.build(Context(streams.at("portfolio", place), fitness=fitness, genome=BOX))
        for place, one in enumerate(options)
    ]
    search = PortfolioSearch(members, Context(streams, fitness=fitness, genome=BOX), generations)
    return search, door(fitness, ledger, BOX)


def test_the_turn_passes_to_whoever_has_spent_least():
    search, measure = searched(CMA(population=4), DE(population=10))
    run(search, measure, 8)
    assert search.logbook.select("turn") == [0, 1, 0, 0, 1, 0, 0, 0]


def test_a_descent_is_ended_before_the_turn_passes_and_the_other_catches_up():
    search, measure = searched(QuasiNewton(), CMA(population=4), generations=200)
    run(search, measure)
    turns = search.logbook.select("turn")
    first = turns.index(1)
    assert first > 5
    assert set(turns[:first]) == {0}
    spent = search.state_dict()["portfolio"]["spent"]
    assert turns[-1] == 0 or spent[1] <= spent[0] + 4


def test_who_is_done_is_passed_over_and_at_the_end_all_are():
    search, measure = searched(CMA(population=4, generations=2), DE(population=5, generations=3), generations=None)
    run(search, measure)
    assert search.done
    assert sorted(search.logbook.select("turn")) == [0, 0, 1, 1, 1]


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    def make(ledger=None):
        return searched(QuasiNewton(), CMA(), ledger=ledger)

    whole, ledger = portrait(run(*make())), Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: make(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole

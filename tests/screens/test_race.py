from dataclasses import replace

import pytest

from evokit.interfaces import Context
from evokit.measuring.ledger import Ledger
from evokit.screens.race import Race, Racing
from evokit.streams import Streams
from tests.door import SumFitness, door, people, story

# Values 1, 2, 3, 4, 5, 6.
SIX = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 0, 1], [0, 1, 0, 1]]


class Exact(SumFitness):
    """The same value at every budget."""

    def answer(self, genes, budget):
        return replace(super().answer(genes, self.budgets[-1]), work=budget)


def race(fitness, ledger=None, **options):
    return Race(**options).build(Context(Streams(0), fitness=fitness)), door(fitness, ledger)


def kept(screen, measure, genes=SIX, audited=()):
    candidates = people(*genes)
    for index in audited:
        candidates[index].audited = True
    return [candidates.index(one) for one in screen(candidates, measure)]


@pytest.mark.parametrize(("goal", "expected"), [("min", [0, 1, 2]), ("max", [3, 4, 5])])
def test_the_better_part_goes_on_in_its_order(goal, expected):
    assert kept(*race(Exact((1, 2), goal))) == expected


def test_each_rung_keeps_its_share_rounded_up():
    ledger = Ledger(":memory:")
    screen, measure = race(Exact((1, 2, 4, 8)), ledger)
    assert kept(screen, measure) == [0]
    assert ledger.by_budget("search") == {1: 6, 2: 3, 4: 2}


def test_named_rungs_alone_are_run():
    ledger = Ledger(":memory:")
    assert kept(*race(Exact((1, 2, 4, 8)), ledger, rungs=(2,), keep=0.3)) == [0, 1]
    assert ledger.by_budget("search") == {2: 6}


def test_keeping_all_drops_nobody():
    assert kept(*race(Exact((1, 2)), keep=1.0)) == [0, 1, 2, 3, 4, 5]


def test_nobody_has_a_fitness_from_a_rung():
    screen, measure = race(Exact((1, 2)))
    candidates = people(*SIX)
    screen(candidates, measure)
    assert not any(one.fitness.valid for one in candidates)


def test_the_audited_are_never_dropped():
    assert kept(*race(Exact((1, 2))), audited=[5]) == [0, 1, 2, 5]


def test_the_failed_are_dropped_even_if_audited():
    fails = SumFitness(fails=lambda genes: "diverged" if genes[0] == 1 else None).fails
    assert kept(*race(Exact((1, 2), fails=fails), keep=1.0), audited=[0]) == [1, 2, 3, 5]


def test_if_all_fail_nobody_goes_on():
    screen, measure = race(Exact((1, 2), fails=lambda genes: "nan"))
    assert kept(screen, measure) == []


def test_nobody_races_for_nothing():
    screen, measure = race(Exact((1, 2)))
    assert (screen([], measure), measure.work) == ([], 0)


def test_equals_keep_their_order():
    assert kept(*race(Exact((1, 2))), genes=[[2, 0, 0, 0], [0, 1, 0, 0], [3, 0, 0, 0]]) == [0, 1]


def test_the_rest_is_measured_on_rungs_once():
    fitness = Exact((1, 2))
    screen, measure = race(fitness)
    kept(screen, measure)
    kept(screen, measure)
    assert len(fitness.evaluated) == 6


def test_the_summary_tells_what_it_saved_and_cost():
    screen, measure = race(Exact((10, 20, 40)))
    kept(screen, measure)
    assert screen.summary() == {"screen": "race", "dropped": 4, "work": 6 * 10 + 3 * 20}
    other, _ = race(Exact((10, 20, 40)))
    other.load_state_dict(screen.state_dict())
    assert other.summary() == screen.summary()


def test_a_repeated_race_is_answered_from_its_rows_with_the_same_summary():
    ledger = Ledger(":memory:")
    first, measure = race(Exact((1, 2, 4)), ledger)
    before = kept(first, measure), first.summary(), story(ledger)
    again, measure = race(Exact((1, 2, 4)), ledger)
    assert (kept(again, measure), again.summary(), story(ledger)) == before


def test_expected_is_what_happens():
    screen, measure = race(Exact((10, 20, 40)))
    n, work = screen.expected(6, generation=3)
    assert (n, work) == (len(kept(screen, measure)), measure.work)


def test_what_goes_on_from_a_rung_does_not_repeat_it():
    """Three of six are kept, then two: 6 at 10 each, 3 that add 10, and 20 less for each of two at full budget."""
    screen = Racing((10, 20), 0.5, {"loss": "min"}, goes_on=True)
    assert screen.expected(6, generation=0) == (2, 6 * 10 + 3 * 10 - 2 * 20)


@pytest.mark.parametrize(
    ("rungs", "message"),
    [
        ((1, 3), r"rungs \[3\] are no lower budgets of this fitness; it has \[1, 2\]"),
        ((4,), r"rungs \[4\] are no lower budgets"),
        ((2, 1), r"rungs must ascend, got \[2, 1\]"),
        ((1, 1), r"rungs must ascend, got \[1, 1\]"),
    ],
)
def test_wrong_rungs_are_an_error(rungs, message):
    with pytest.raises(ValueError, match=message):
        race(SumFitness((1, 2, 4)), rungs=rungs)


def test_one_budget_cannot_be_raced_over():
    with pytest.raises(ValueError, match="this fitness has one budget only, so there is nothing to race over"):
        race(SumFitness((4,)))


def test_with_several_objectives_the_lower_fronts_go_on_and_of_a_front_its_ends():
    values = {0: (1.0, 1.0), 1: (2.0, 2.0), 2: (3.0, 3.0), 3: (3.0, 1.0), 4: (9.0, 0.0), 5: (2.0, 1.0)}

    class Two(Exact):
        def __init__(self):
            super().__init__((1, 2))
            self.objectives = {"loss": "min", "size": "max"}

        def answer(self, genes, budget):
            return replace(super().answer(genes, budget), values=values[SIX.index(genes.tolist())])

    assert kept(*race(Two())) == [0, 1, 2]
    assert kept(*race(Two(), keep=0.3)) == [0, 2]


def test_it_learns_nothing():
    racing = Racing([1], 0.5, {"loss": "min"})
    before = racing.state_dict()
    racing.observe(0, people(*SIX))
    assert racing.state_dict() == before

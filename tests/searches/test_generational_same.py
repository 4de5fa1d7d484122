"""The same result of a generational search however it is run: in batches, stopped, resumed, with failures."""

import random

import numpy as np
import pytest
import torch

from evokit.interfaces import Context, Score
from evokit.measuring.ledger import Ledger
from evokit.screens.race import Race
from evokit.searches.generational import Generational, GenerationalSearch
from evokit.streams import Streams
from tests.door import GENOME, SumFitness, door, people, story
from tests.searches.building import built, portrait, run, set_values, stopped_and_resumed
from tests.searches.test_generational import SMALL, WIDE, some_fail, surrogate

CHAINS = pytest.mark.parametrize(
    "screens",
    [(), (surrogate(),), (surrogate("paper"),), (Race(),), (surrogate(), Race())],
    ids=["none", "surrogate", "paper", "race", "chain"],
)


def searched(screens=(), batch=3, seed=0, ledger=None):
    fitness = SumFitness(budgets=(1, 2), fails=some_fail)
    measure = door(fitness, ledger, WIDE, batch)
    return built(SMALL, fitness, WIDE, screens, seed), measure


@CHAINS
def test_it_goes_on_from_its_state_as_if_never_stopped(screens, tmp_path):
    whole, measure = searched(screens)
    run(whole, measure)
    ledger = Ledger(":memory:")
    for resumed, measure in stopped_and_resumed(lambda: searched(screens, ledger=ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == portrait(whole)
        assert measure.work == ledger.work("search")


@CHAINS
def test_the_batch_of_the_measure_changes_nothing(screens):
    seen = set()
    for batch in (1, 3, 100):
        ledger = Ledger(":memory:")
        seen.add((portrait(run(*searched(screens, batch, ledger=ledger))), str(story(ledger))))
    assert len(seen) == 1


@CHAINS
def test_started_over_on_its_ledger_it_evaluates_nothing(screens):
    ledger = Ledger(":memory:")
    first = run(*searched(screens, ledger=ledger))
    before = story(ledger)
    search, measure = searched(screens, ledger=ledger)
    measure._fitness.die_at = 0
    assert portrait(run(search, measure)) == portrait(first)
    assert story(ledger) == before


def test_the_seed_decides():
    assert portrait(run(*searched(seed=0))) == portrait(run(*searched(seed=0)))
    assert portrait(run(*searched(seed=0))) != portrait(run(*searched(seed=1)))


def test_a_loop_by_hand_is_the_same_as_step():
    whole = run(built(SMALL, genome=WIDE), door(genome=WIDE))
    search, measure = built(SMALL, genome=WIDE), door(genome=WIDE)
    while not search.done:
        individuals = search.ask()
        measure(individuals)
        search.tell(individuals)
    assert portrait(search) == portrait(whole)


@CHAINS
def test_no_global_generator_is_touched(screens):
    def states():
        return random.getstate(), repr(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002

    before = states()
    run(*searched(screens))
    assert states() == before


def test_it_is_built_from_a_context():
    operators = dict.fromkeys(("selection", "crossover", "mutation"), lambda *_: None)
    context = Context(Streams(0), fitness=SumFitness(goal="max"), genome=GENOME, operators=operators)
    search = Generational().build(context)
    assert isinstance(search, GenerationalSearch)
    assert isinstance(search.ask()[0].fitness, Score)
    assert search.ask()[0].fitness.weights == (1.0,)
    assert search.horizon == 50


def test_known_people_are_shared_with_nobody():
    one, other = built(SMALL), built(SMALL)
    one.tell(set_values(people([0, 0, 0, 1]), [1.0]))
    assert other.archive.known == set()

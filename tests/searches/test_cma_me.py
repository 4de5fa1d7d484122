"""CMA-ME."""

from dataclasses import replace

import numpy as np
import pytest

from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context, Evaluation
from evokit.measuring.ledger import Ledger
from evokit.searches.cells import Descriptor
from evokit.searches.cma_me import CMAME
from evokit.searches.random_search import RandomSearch
from evokit.streams import Streams
from tests.door import SumFitness, door
from tests.searches.building import built, portrait, run, stopped_and_resumed

BOX = RealVector(-2.0, 3.0, 4)
PLACES = (Descriptor("first", -4, 6, 20), Descriptor("second", -4, 6, 20))
SMALL = CMAME(descriptors=PLACES, offset=60.0, emitters=3, batch=8, generations=9)


class Projected(SumFitness):
    """The sphere around 1, with sums of halves for descriptors; fails where the first number is above ``limit``."""

    def __init__(self, limit=9.0):
        super().__init__()
        self.limit = limit

    def answer(self, genes, budget):
        if genes[0] > self.limit:
            return Evaluation(outcome="raised", work=budget)
        metrics = dict(zip(("first", "second"), genes.reshape(2, -1).sum(axis=1).tolist(), strict=True))
        return Evaluation((float(np.square(genes - 1).sum()),), work=budget, metrics=metrics)


def searched(options=SMALL, fitness=None, **more):
    fitness = fitness or Projected()
    return built(options, fitness, BOX, **more), door(fitness, genome=BOX)


def test_it_fills_the_archive_better_than_random_search_in_as_many_evaluations():
    """Of more numbers: random points have sums near the middle alone."""
    box, fitness = RealVector(-2.0, 3.0, 16), Projected()
    places = tuple(Descriptor(one.metric, -16, 24, 20) for one in PLACES)
    search = built(CMAME(descriptors=places, offset=144.0, emitters=3, batch=20, generations=40), fitness, box)
    run(search, door(fitness, genome=box))
    control, measure = built(RandomSearch(60, 40), fitness, box), door(fitness, genome=box)
    run(control, measure)
    random = search.elites.like()
    random.add(measure.measured())
    assert search.elites.figures["qd_score"] > 1.2 * random.figures["qd_score"]
    assert search.best().fitness.values[0] < control.best().fitness.values[0]


def test_slow_bars_keep_emitters_where_it_is_good():
    fast, measure = searched(CMAME(descriptors=PLACES, offset=60.0, emitters=3, batch=20, generations=20))
    slow, other = searched(replace(fast._options, learning_rate=0.0))
    run(fast, measure)
    run(slow, other)
    assert slow.best().fitness.values[0] < min(1e-3, fast.best().fitness.values[0])


def test_emitters_begin_in_the_middle_or_at_the_genes_of_init():
    search, _ = searched(replace(SMALL, sigma=1e-9))
    assert np.stack([one.genes for one in search.ask()]) == pytest.approx(np.full((24, 4), 0.5))
    init = [BOX.from_json([0.0] * 4), BOX.from_json([1.0] * 4)]
    context = Context(Streams(0), fitness=Projected(), genome=BOX, init=init)
    asked = built(replace(SMALL, sigma=1e-9), context=context).ask()
    assert [round(float(one.genes[0])) for one in asked[::8]] == [0, 1, 0]


def test_an_emitter_that_brought_nothing_begins_anew_at_an_elite():
    search, measure = searched(replace(SMALL, descriptors=(Descriptor("first", -100, 100, 1),), emitters=1))
    run(search, measure)
    assert search.logbook[-1]["restarts"] > 0
    assert len(search.elites.members) == 1


def test_where_all_failed_it_begins_anew_somewhere():
    search, measure = searched(fitness=Projected(limit=-9.0))
    search.step(measure)
    search.step(measure)
    assert search.logbook[-1]["restarts"] == 6
    assert len({one.key for one in search.ask()}) == 24


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_parents_are_those_that_were_added_and_never_who_failed(rate):
    search, measure = searched(replace(SMALL, emitters=1, batch=9, learning_rate=rate))
    asked = search.ask()
    measure(asked[:3])  # the others have no value, as if they had failed
    points, gains = (
        np.stack([search._point(one.genes) for one in asked[:3]]),
        [search.elites.worth(one) for one in asked[:3]],
    )
    search.tell(asked)
    weights = np.log(3.5) - np.log([1, 2, 3])
    assert search._emitters[0].mean == pytest.approx(weights / weights.sum() @ points[np.argsort(gains)[::-1]])
    assert search.logbook[-1]["restarts"] == 0


def test_one_that_did_not_fail_is_too_few_to_learn_from():
    search, measure = searched(replace(SMALL, emitters=1))
    asked = search.ask()
    measure(asked[:1])
    search.tell(asked)
    assert search._emitters[0].mean == pytest.approx(search._point(asked[0].genes)), "it begins anew at the elite"
    assert search.logbook[-1]["restarts"] == 1


def test_it_asks_the_same_again_takes_a_part_and_tells_what_it_will_measure():
    search, measure = searched()
    assert search.expected() == (9 * 24, 9 * 24)
    asked = search.ask()
    assert [one.key for one in asked] == [one.key for one in search.ask()]
    measure(asked[:10])
    search.tell(asked[:10])
    assert search.generation == 1
    assert search.elites.figures["elites"] > 0


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_stopped_and_resumed_is_whole(rate, tmp_path):
    ledger = Ledger(":memory:")

    def make():
        fitness = Projected(limit=2.0)
        return built(replace(SMALL, learning_rate=rate), fitness, BOX), door(fitness, ledger, genome=BOX)

    whole = run(*make())
    for resumed, _ in stopped_and_resumed(make, tmp_path, (-1.0,)):
        assert portrait(resumed) == portrait(whole)
        assert resumed.elites.figures == whole.elites.figures

import numpy as np

from evokit.genomes.points import Points, combinations
from evokit.searches.grid import GridSearch
from tests.door import SumFitness, door
from tests.searches.building import built, portrait, run, through_a_file

POINTS = Points(list(combinations([{"x": range(5), "y": (0, 3)}])))


class PointFitness(SumFitness):
    """The sum of a point's values."""

    def evaluate(self, batch, budget):
        return super().evaluate([np.array(list(one.values())) for one in batch], budget)


def searched(n=None, batch=4):
    fitness = PointFitness()
    return run(built(GridSearch(batch), fitness, POINTS), door(fitness, genome=POINTS), n), fitness


def test_every_point_is_measured_once_in_the_order_of_the_recipe():
    search, fitness = searched()
    assert fitness.evaluated == [(x, y) for x in range(5) for y in (0, 3)]
    assert search.generation == 3
    assert search.expected() == (10, 10 * fitness.budgets[-1])


def test_the_best_is_the_best_of_all():
    assert dict(searched()[0].best().genes) == {"x": 0, "y": 0}


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    half, fitness = searched(1)
    resumed = built(GridSearch(4), fitness, POINTS)
    resumed.load_state_dict(through_a_file(half.state_dict(), tmp_path))
    assert portrait(run(resumed, door(fitness, genome=POINTS))) == portrait(searched()[0])

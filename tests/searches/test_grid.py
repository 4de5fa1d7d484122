from io import StringIO

import numpy as np
import pytest

from evokit.errors import RunFailed
from evokit.genomes.points import Points, combinations
from evokit.progress import LineProgress
from evokit.recipe import load_recipe
from evokit.runs.launch import launch
from evokit.searches.grid import GridSearch
from tests.door import SumFitness, door
from tests.searches.building import built, portrait, run, through_a_file

POINTS = Points(list(combinations([{"x": range(5), "y": (0, 3)}])))


class PointFitness(SumFitness):
    """The sum of a point's values."""

    def __init__(self):
        super().__init__(budgets=(1, 3))

    def evaluate(self, batch, budget):
        return super().evaluate([np.array(list(one.values())) for one in batch], budget)


def searched(n=None, batch=4):
    fitness = PointFitness()
    return run(built(GridSearch(batch), fitness, POINTS), door(fitness, genome=POINTS), n), fitness


def test_every_point_is_measured_once_in_the_order_of_the_recipe():
    search, fitness = searched()
    assert fitness.evaluated == [(x, y) for x in range(5) for y in (0, 3)]
    assert search.generation == search.horizon == 3
    assert search.logbook.select("generation") == [0, 1, 2]
    assert {one.born_by for one in search.population} == {"grid"}
    assert search.expected() == (10, 10 * 3)


def test_the_best_is_the_best_of_all():
    assert dict(searched()[0].best().genes) == {"x": 0, "y": 0}


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    half, fitness = searched(1)
    resumed = built(GridSearch(4), fitness, POINTS)
    resumed.load_state_dict(through_a_file(half.state_dict(), tmp_path))
    assert portrait(run(resumed, door(fitness, genome=POINTS))) == portrait(searched()[0])


PLUGIN = """\
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
import evokit
from evokit.interfaces import Component


@dataclass(frozen=True)
class Steep:
    objectives: ClassVar = {"steepness": "min"}
    budgets: ClassVar = (1,)
    context: ClassVar = "steep"
    takes: ClassVar = frozenset({"point"})
    slots: ClassVar = {}

    def evaluate(self, batch, budget):
        rates = np.array([one["rate"] for one in batch], dtype=float)
        return np.where(rates > least_bad, np.nan, rates)


@evokit.hookimpl
def evokit_components():
    return [Component("fitness", "steep", Steep)]
"""
RECIPE = """\
plugins: [steep.py]
fitness: {name: steep}
genome: {name: points, grids: [{rate: [10, 9, 1, 2]}]}
search: {name: grid, batch: 2}
execution: {backend: inline}
"""


@pytest.fixture
def steep(tmp_path):
    def start(least_bad):
        (tmp_path / "steep.py").write_text(PLUGIN.replace("least_bad", str(least_bad)))
        (tmp_path / "grid.yaml").write_text(RECIPE)
        return launch(load_recipe(tmp_path / "grid.yaml"), tmp_path / "run", LineProgress(StringIO()))

    return start


def test_a_batch_that_fails_as_a_whole_ends_nothing(steep):
    summary = steep(5)
    assert (summary["evaluations"]["failed"], summary["best"]["values"]) == (2, [1.0])


def test_a_grid_in_which_nothing_is_valid_fails_at_its_end(steep):
    with pytest.raises(RunFailed, match="nothing valid is left after generation 2"):
        steep(0)

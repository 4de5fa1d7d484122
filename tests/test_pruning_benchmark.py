"""The benchmark of pruning counts as it says."""

import numpy as np
import pytest
from pruning_tables import rungs, tables

from benchmarks import pruning
from evokit.assembly.parts import assemble
from evokit.interfaces import Evaluation


class Known:
    """Answers that a table has; the fitness and the genome of a run in one."""

    budgets = (1, 2)

    def __init__(self, at_rung):
        self._at_rung = at_rung

    @property
    def fitness(self):
        return self

    @property
    def genome(self):
        return self

    def from_json(self, data):
        return data

    def evaluate(self, batch, budget):
        return [Evaluation(self._at_rung[place]) for place in batch]


def test_what_was_trained_within_the_work_is_looked_at():
    one = pruning.Searched([10, 30, 50], ["a", "b", "c"], [(1.0, 2.0)] * 3, 1.0)
    assert pruning.cut_at(one, 30).genes == ["a", "b"]


def test_fronts_keep_the_small_where_the_loss_alone_does_not():
    final = [(1.0, 9.0), (2.0, 5.0), (3.0, 1.0), (2.5, 9.5)]  # the last is behind the first
    one = pruning.Searched([1, 2, 3, 4], [0, 1, 2, 3], final, 1.0)
    (rung,) = pruning.rungs_of(one, Known([(1.1, 9.0), (2.2, 5.0), (3.3, 1.0), (1.2, 9.5)]), (-1.0, -1.0))
    assert rung["rung"] == 1
    assert rung["kept"] == 0.5
    assert rung["by_front"] == pytest.approx(2 / 3)  # both ends
    assert rung["by_loss"] == pytest.approx(1 / 3)
    assert rung["rank_correlation"] == pytest.approx(0.8)  # 1 3 4 2 beside 1 2 4 3


def test_all_searches_are_told_the_same_work_and_the_race_trains_fewer_in_full():
    found = {name: pruning.searched(pruning.recipe_of(name, 0, 60), 27) for name in ("random", "random with a race")}
    assert all(np.isfinite(one.values).all() for one in found.values())
    assert found["random"].spent[0] == 27
    assert found["random with a race"].spent[0] > 27
    parts = assemble(pruning.recipe_of("nsga2", 0, 60))
    assert parts.recipe.stop.work == 60


def test_the_tables_say_differences_to_the_reference_alone():
    told = {"mean": 0.5, "interval": (0.25, 0.75)}
    each = {"in_full": 50.0, "volume": [told] * 3, "less": told, "fresh": told, "fresh_less": told, "cpu_s": 1.5}
    one = {
        "command": "python benchmarks/pruning.py", "date": "2026-11-29", "processor": "P", "runs": 2, "work": 60,
        "full": 27, "reference": "a", "contenders": [{"name": "a", **each}, {"name": "b", **each}],
        "rungs": [{"rung": 3, **dict.fromkeys(("kept", "rank_correlation", "by_front", "by_loss"), told)}],
    }  # fmt: skip
    *_, reference, other = tables(one).splitlines()
    assert "+0.500" not in reference
    assert other.count("+0.500 [+0.250, +0.750]") == 2
    assert rungs(one).splitlines()[-1] == "| 3 | 0.50 [0.250, 0.750] | 50% | 50% | 50% |"

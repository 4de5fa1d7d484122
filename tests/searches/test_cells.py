import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evokit.searches.cells import Cells, Descriptor, untold

GRID = (Descriptor("a", -1, 1, 4), Descriptor("b", 0, 10, 5))


def test_cells_are_numbered_row_by_row_and_the_last_one_holds_its_end():
    points = np.array([[-1, 0], [-1, 2], [-0.51, 9.99], [-0.5, 0], [1, 10]])
    assert Cells(GRID).of(points).tolist() == [0, 1, 4, 5, 19]


@given(arrays(float, (7, 2), elements=st.floats(-1e9, 1e9)))
def test_every_point_has_a_cell_and_what_is_outside_has_that_of_the_bound(points):
    for cells in (Cells(GRID), Cells(GRID, 12)):
        found = cells.of(points)
        assert ((found >= 0) & (found < cells.n)).all()
        assert found.tolist() == cells.of(np.clip(points, cells.low, cells.high)).tolist()


def test_niches_are_as_many_as_said_and_of_about_one_size():
    many = tuple(Descriptor(name, 0, 1, 50) for name in "abcd")
    cells = Cells(many, 40)
    counts = np.bincount(cells.of(np.random.default_rng(0).random((20_000, 4))), minlength=40)
    assert cells.n == len(counts) == 40
    assert counts.min() > 100
    assert counts.max() < 1500


def test_a_metric_that_is_not_there_is_no_number():
    assert np.isnan(Cells(GRID).points([{"a": 1.0}])).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Descriptor("a", 1, 1), "low and high: must be finite with low below high, got 1 and 1"),
        (lambda: Descriptor("a", 0, math.inf), "low and high: must be finite"),
        (lambda: Cells((*GRID, GRID[0])), "descriptors: a is there twice"),
        (lambda: Cells([Descriptor(name, 0, 1, 1000) for name in "abcd"]), "descriptors: make 1,000,000,000,000 cells"),
        (lambda: Cells([Descriptor("a", 0, 1)], niches=10**9), "niches: must be at most 100,000, got 1,000,000,000"),
    ],
)
def test_what_makes_no_archive_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_fitness_without_metrics_is_told_how_to_tell_them():
    assert "nor any other: let its evaluate return an Evaluation with metrics" in untold(["a"], {})
    assert untold(["a", "b"], {"a": 1.0, "b": 2.0}) == ""


@pytest.mark.parametrize(
    ("low", "high", "cells"), [(0, 100, 100), (0, 100, 50), (5, 55, 50), (3, 103, 100), (-1, 1, 20)]
)
def test_what_is_on_a_border_is_in_the_upper_cell(low, high, cells):
    grid = Cells((Descriptor("x", low, high, cells),), None)
    borders = low + (high - low) * np.arange(cells) / cells
    assert grid.of(borders[:, None]).tolist() == list(range(cells))
    assert grid.of(np.array([[high], [high + 1.0]])).tolist() == [cells - 1] * 2

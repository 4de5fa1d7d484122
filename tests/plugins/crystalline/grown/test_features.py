"""Hidden units between pairs of states."""

import numpy as np
import pytest
import torch

from evokit_crystalline.closed_form.basis import ANCHOR, CONTENT, basis
from evokit_crystalline.grown.features import between_pairs

WIDTH, ANCHORED = 12, 7.0
ROWS = torch.from_numpy(basis(WIDTH))


def states(content):
    """States of some content, all with the same anchor."""
    content = torch.as_tensor(content, dtype=torch.float32)
    return content @ ROWS[CONTENT:] + ANCHORED * ROWS[ANCHOR]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_a_unit_is_zero_at_one_state_of_its_pair_and_scale_at_the_other(rng):
    read = states(np.random.default_rng(1).standard_normal((5, 4)))
    units = between_pairs(read, torch.eye(5), 6, 3.0, rng).dense()
    inputs = (read @ units).numpy()
    assert inputs.shape == (5, 6)
    for unit in inputs.T:
        assert np.abs(unit).min() == pytest.approx(0, abs=1e-4)
        assert np.abs(unit - 3).min() == pytest.approx(0, abs=1e-4)


def test_pairs_of_which_the_same_is_asked_are_not_drawn(rng):
    """Two states are asked one thing and two another: all pairs are between those and these."""
    read = states(np.diag([1.0, 2.0, 3.0, 4.0]))
    pull = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    inputs = (read @ between_pairs(read, pull, 16, 1.0, rng).dense()).numpy().round(3)
    for unit in inputs.T:
        ends = {tuple(np.flatnonzero(unit == 0)), tuple(np.flatnonzero(unit == 1))}
        assert any(0 in end or 1 in end for end in ends)
        assert any(2 in end or 3 in end for end in ends)


def test_what_differs_more_between_nearer_states_is_drawn_more_often(rng):
    """On a line: from 0 to 1 a step of 9, from 1 to 3 one of 1; slopes 9, 0.5 and 10 / 3."""
    content = np.zeros((3, 4))
    content[:, 0] = 0, 1, 3
    pull = torch.tensor([[0.0], [9.0], [10.0]])
    units = between_pairs(states(content), pull, 400, 1.0, rng)
    lengths = (ROWS[CONTENT:] @ units.dense()).norm(dim=0).numpy().round(3)
    often = {apart: float(np.mean(lengths == round(1 / apart, 3))) for apart in (1, 2, 3)}
    assert sum(often.values()) == 1
    assert often[1] > 2 * often[3] > 2 * often[2]

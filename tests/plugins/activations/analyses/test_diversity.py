import pytest
import torch

from evokit_activations.analyses.diversity import growth


def test_solutions_are_counted_as_runs_come_in():
    """Three runs for two images: orthogonal and all solved; alike, and only the second is solved."""
    solutions = torch.stack([torch.eye(3), torch.ones(3, 3)])
    solved = torch.tensor([[True, True, True], [False, True, False]])
    found = growth(solutions, solved)
    assert [found[f"n_eff_of_{k}"] for k in (1, 2, 3)] == pytest.approx([0.5, 1.5, 2])
    assert [found[f"n_eff_all_of_{k}"] for k in (1, 2, 3)] == pytest.approx([1, 1.5, 2])

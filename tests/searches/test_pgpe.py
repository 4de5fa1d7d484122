import numpy as np
import pytest
import torch

from evokit.genomes.real_vector import RealVector
from evokit.searches.pgpe import PGPE
from tests.searches.building import built
from tests.searches.test_gaussian import OPENAI, Stretched, told

BOX = RealVector([-10, -20, -10], [10, 20, 10], 3)
LOSSES = [3.0, 1.0, 9.0, 4.0, 5.0, 2.0]  # of three on one side of the mean, then of those opposite
RANKS = np.array([0.1, 0.5, -0.5, -0.1, -0.3, 0.3])  # centred


def slopes(mean, sigma, samples):
    """The gradients of mean and standard deviations as the paper has them, averaged over pairs."""
    of_mean, of_sigma = np.zeros(3), np.zeros(3)
    for i in range(3):
        epsilon = samples[i] - mean
        of_mean += epsilon * (RANKS[i] - RANKS[i + 3]) / 2 / 3
        of_sigma += (epsilon**2 - sigma**2) / sigma * ((RANKS[i] + RANKS[i + 3]) / 2 - RANKS.mean()) / 3
    return of_mean, of_sigma


def test_pairs_lie_opposite_of_each_other():
    genes = np.stack([one.genes for one in built(PGPE(6), Stretched(), BOX).ask()])
    assert genes[:3] == pytest.approx(-genes[3:6])
    assert len(np.unique(genes, axis=0)) == 7


def test_updates_are_the_papers_with_clipped_steps():
    search = built(PGPE(6, sigma=0.05, sigma_rate=0.3, rate=0.2, optimizer="clipup"), Stretched(), BOX)
    mean, sigma, velocity = np.zeros(3), np.array([1.0, 2.0, 1.0]), np.zeros(3)
    limit, lengths = 0.2 * np.sqrt(6), []
    for _ in range(20):
        of_mean, of_sigma = slopes(mean, sigma, told(search, LOSSES))
        velocity = 0.9 * velocity + limit / 2 * of_mean / np.linalg.norm(of_mean)
        lengths.append(np.linalg.norm(velocity) / limit)
        velocity /= max(1, lengths[-1])
        mean, sigma = mean + velocity, sigma + np.clip(0.3 * of_sigma, -0.2 * sigma, 0.2 * sigma)
        state = search.state_dict()
        assert state["mean"] == pytest.approx(mean, rel=1e-9)
        assert state["sigma"] == pytest.approx(sigma, rel=1e-9)
    assert min(lengths) < 1 < max(lengths)


def test_a_standard_deviation_changes_by_a_fifth_at_most():
    search = built(PGPE(6, sigma=0.05, sigma_rate=100.0), Stretched(), BOX)
    told(search, LOSSES)
    change = search.state_dict()["sigma"] / [1, 2, 1]
    assert set(change.round(9)) <= {0.8, 1.2}


def test_with_adam_and_a_fixed_spread_it_is_openais_strategy():
    search = built(PGPE(6, sigma=0.05, rate=0.5, **OPENAI), Stretched(), BOX)
    sigma = np.array([1.0, 2.0, 1.0])
    mean = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([mean], lr=0.5)  # in units of sigma
    for _ in range(4):
        of_mean, _ = slopes(mean.detach().numpy() * sigma, sigma, told(search, LOSSES))
        mean.grad = -torch.tensor(of_mean / sigma)
        adam.step()
        assert search.state_dict()["mean"] == pytest.approx(mean.detach().numpy() * sigma, rel=1e-9)
        assert search.state_dict()["sigma"] == pytest.approx(sigma)


@pytest.mark.parametrize(("optimizer", "length"), [("clipup", 1 / 30), ("adam", 0.03)])
def test_the_first_step_is_as_long_as_told_if_nothing_is_said(optimizer, length):
    search = built(PGPE(6, sigma=0.05, optimizer=optimizer), Stretched(), RealVector(-10, 10, 1))
    told(search, LOSSES)
    assert abs(search.state_dict()["mean"]) == pytest.approx([length])

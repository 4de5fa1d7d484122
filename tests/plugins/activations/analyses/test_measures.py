import math

import pytest
import torch

from evokit_activations.analyses.measures import (
    class_pairs,
    collision_entropy,
    cosine_distance,
    cosine_gram,
    effective_number,
)

ALL = torch.ones(3, dtype=torch.bool)


def test_orthogonal_solutions_count_in_full_and_equal_ones_once():
    assert effective_number(cosine_gram(torch.eye(3)), ALL) == pytest.approx(3)
    assert effective_number(cosine_gram(torch.ones(3, 4)), ALL) == pytest.approx(1)
    assert effective_number(cosine_gram(-torch.eye(3)[:1].expand(3, 3)), ALL) == pytest.approx(1)


def test_two_solutions_at_sixty_degrees():
    """K = [[1, 1/2], [1/2, 1]]: (1 + 1)^2 / (1 + 1 + 2/4) = 1.6."""
    gram = cosine_gram(torch.tensor([[1.0, 0.0], [0.5, math.sqrt(0.75)]]))
    assert effective_number(gram, ALL[:2]) == pytest.approx(1.6)


def test_only_what_counts_is_counted_lane_by_lane():
    gram = cosine_gram(torch.stack([torch.eye(3), torch.ones(3, 3), torch.eye(3)]))
    counted = torch.tensor([[True, False, True], [True, True, False], [False, False, False]])
    assert effective_number(gram, counted).tolist() == pytest.approx([2, 1, 0])


def test_the_effective_number_is_the_exponential_of_the_papers_entropy():
    gram = cosine_gram(torch.randn(5, 7, generator=torch.Generator().manual_seed(0)))
    entropy = -math.log(float((gram**2).sum()) / float(gram.trace()) ** 2)
    assert effective_number(gram, torch.ones(5, dtype=torch.bool)) == pytest.approx(math.exp(entropy))
    assert collision_entropy(gram, torch.ones(5, 5, dtype=torch.bool)) == pytest.approx(entropy)


def test_collision_entropy_within_and_between_classes():
    """Two examples a class, equal within it, at sixty degrees between: 0, and -log(1/4)."""
    x = torch.tensor([[1.0, 0.0]] * 2 + [[0.5, math.sqrt(0.75)]] * 2)
    within, between = class_pairs(torch.tensor([0, 0, 1, 1]))
    assert within.sum() == 4
    assert between.sum() == 8
    assert collision_entropy(cosine_gram(x), within) == pytest.approx(0)
    assert collision_entropy(cosine_gram(x), between) == pytest.approx(math.log(4))


def test_cosine_distance_goes_from_the_same_to_opposite():
    a = torch.randn(3, 2, 2, generator=torch.Generator().manual_seed(0))
    assert cosine_distance(a, 3 * a).tolist() == pytest.approx([0] * 3)
    assert cosine_distance(a, -a).tolist() == pytest.approx([2] * 3)
    assert cosine_distance(torch.eye(2), torch.eye(2).flip(0)).tolist() == pytest.approx([1, 1])

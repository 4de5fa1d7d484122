import pytest
import torch
import torch.nn.functional as F

from evokit.data.image_batches import CropFlip, crop_flip
from evokit_activations.networks.objectives import Representations, move
from evokit_activations.options import Augment


def outputs():
    generator = torch.Generator().manual_seed(0)
    shapes = (5, 3, 4, 4), (5, 4, 2, 2), (5, 3)
    *maps, logits = (torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes)
    return maps, logits


@pytest.mark.parametrize("weights", [(1, 1), (0, 1), (2, 0.5)])
def test_the_loss_is_the_papers(stored, weights, float64):
    maps, logits = outputs()
    indices = torch.tensor([3, 1, 20, 7, 0])
    *targets, searched = stored.rows(indices)
    squares = [((one.permute(0, 2, 3, 1) - target) ** 2).mean() for one, target in zip(maps, targets, strict=True)]
    p, q = searched.softmax(1), logits.softmax(1)
    divergence = (p * (p / q).log()).sum(1).mean()
    expected = sum(weight * one for weight, one in zip(weights, squares, strict=True)) / 2 + 0.03 * divergence
    loss = Representations(stored, 0.03, weights, None).loss(maps, logits, indices, None)
    torch.testing.assert_close(loss, expected)


def test_moved_targets_follow_their_image():
    """With one position a pixel, targets move as images do, but for what comes in at the border."""
    images = torch.arange(2 * 6 * 6, dtype=torch.float32).view(2, 6, 6, 1)
    moves = CropFlip(torch.tensor([2, 0]), torch.tensor([1, 2]), torch.tensor([False, True]))
    moved, expected = move(images, moves, 1, 1), crop_flip(images, moves, 1)
    inside = F.pad(torch.ones(2, 4, 4, 1), (0, 0, 1, 1, 1, 1)).bool()
    assert torch.equal(moved[inside], expected[inside])


def test_small_shifts_do_not_reach_deep_layers():
    maps = torch.arange(9, dtype=torch.float32).view(1, 3, 3, 1)
    moves = CropFlip(torch.tensor([3]), torch.tensor([1]), torch.tensor([False]))
    assert torch.equal(move(maps, moves, 2, 8), maps)
    assert torch.equal(move(maps, moves, 2, 1), maps[:, [1, 2, 2]][:, :, [0, 0, 1]])


def test_half_positions_all_go_the_same_way():
    """So that shifts by two pixels more are always one position more, on both sides of the middle."""
    maps = torch.arange(7, dtype=torch.float32).view(1, 7, 1, 1).expand(4, 7, 1, 1)
    still = torch.zeros(4, dtype=torch.long)
    moves = CropFlip(torch.tensor([0, 2, 4, 6]), still + 3, torch.zeros(4, dtype=torch.bool))
    assert move(maps, moves, 3, 2)[:, 3, 0, 0].tolist() == [2, 3, 4, 5]


def test_moved_targets_are_used_where_the_recipe_says(stored, float64):
    maps, logits = outputs()
    indices = torch.arange(5)
    moves = CropFlip(torch.full((5,), 2), torch.full((5,), 2), torch.ones(5, dtype=torch.bool))
    reused, moved = (
        Representations(stored, 0.03, (1, 1), Augment(targets=targets)).loss(maps, logits, indices, moves)
        for targets in ("reused", "moved")
    )
    flipped = [one.flip(3) for one in maps]
    torch.testing.assert_close(moved, Representations(stored, 0.03, (1, 1), None).loss(flipped, logits, indices, None))
    assert not torch.allclose(moved, reused)

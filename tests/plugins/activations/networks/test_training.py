from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from evokit.data.image_batches import CropFlip, crop_flip
from evokit.streams import Streams
from evokit_activations.genome import Shard
from evokit_activations.networks.training import (
    DivergedError,
    Labels,
    Representations,
    Training,
    move,
    rate_factor,
)
from evokit_activations.options import Augment

from ..tiny import OPTIONS, job

SETTING = {"lr": 0.1, "momentum": 0.85, "weight_decay": 0.0, "schedule": "constant"}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    one = job(tmp_path_factory.mktemp("run"))
    list(one.evaluate([Shard(index) for index in range(4)], one.budgets[-1]))
    return one


@pytest.fixture(scope="module")
def stored(shards):
    return shards.store.read(shards.store.targets([Shard(index) for index in range(4)]))


def training(shards, objective, setting=SETTING, **changes):
    material = shards.material
    if changes:
        options = replace(OPTIONS, training=replace(OPTIONS.training, **changes))
        material = job(options=options).material
    shape, parameters = material.initial(2, Streams(0).at("parameters"))
    return Training(material, shape, parameters, objective, setting, Streams(0))


def labels(shards, **changes):
    return Labels(torch.arange(24), shards.material.labels, **changes)


def outputs():
    generator = torch.Generator().manual_seed(0)
    shapes = (5, 3, 4, 4), (5, 4, 2, 2), (5, 3)
    *maps, logits = (torch.randn(shape, generator=generator, requires_grad=True) for shape in shapes)
    return maps, logits


@pytest.mark.parametrize("first", [0, 1])
def test_the_loss_is_the_papers(stored, first, float64):
    maps, logits = outputs()
    places = torch.tensor([3, 1, 20, 7, 0])
    *targets, searched = stored.rows(places)
    squares = [((one.permute(0, 2, 3, 1) - target) ** 2).mean() for one, target in zip(maps, targets, strict=True)]
    p, q = searched.softmax(1), logits.softmax(1)
    divergence = (p * (p / q).log()).sum(1).mean()
    expected = sum(squares[first:]) / 2 + 0.03 * divergence
    loss = Representations(stored, 0.03, first, None).loss(maps, logits, places, None)
    torch.testing.assert_close(loss, expected)


def test_no_gradient_of_the_divergence_reaches_the_body(shards, stored):
    """With a weight of the divergence a million times larger, the body's gradients are the same."""
    gradients = []
    for kl in (0.03, 30_000.0):
        one = training(shards, Representations(stored, kl, 0, None), SETTING | {"lr": 1e-30})
        one.advance(1)
        gradients.append({name: value.grad for name, value in one.parameters.items() if value.grad is not None})
    for name, gradient in gradients[0].items():
        same = torch.equal(gradient, gradients[1][name])
        assert same if name != "head" else not same


def test_a_head_alone_leaves_the_body_as_it_was(shards):
    one = training(shards, labels(shards, head_only=True))
    before = {name: value.clone() for name, value in one.parameters.items()}
    one.advance(2)
    moved = {name for name, value in one.trained().items() if not torch.equal(value, before[name])}
    assert moved == {"head"}


def test_labels_are_learned(shards):
    one = training(shards, labels(shards))
    one.advance(1)
    before = one.loss
    one.advance(4)
    assert one.loss < before / 2


def test_stopping_on_the_way_changes_nothing(shards):
    one, other = (training(shards, labels(shards), augment=Augment(1)) for _ in range(2))
    one.advance(2)
    one.advance(4)
    other.advance(4)
    for name, value in one.trained().items():
        assert torch.equal(value, other.trained()[name])


def test_fixed_batches_keep_their_composition(shards):
    def compositions(batches):
        one = training(shards, labels(shards), batches=batches)
        return [{frozenset(batch.tolist()) for batch in one._batches(epoch)} for epoch in range(3)]

    first, *others = compositions("fixed")
    assert others == [first, first]
    assert set().union(*first) == set(range(24))
    first, second, _ = compositions("shuffled")
    assert first != second


def test_a_loss_that_is_not_finite_ends_a_training(shards):
    with pytest.raises(DivergedError, match="in epoch"):
        training(shards, labels(shards), SETTING | {"lr": 1e30}).advance(4)


def test_the_rate_rises_and_falls():
    factors = [rate_factor("one_cycle", step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.2 + 0.8 * 0.04)
    assert max(factors) == pytest.approx(1, abs=0.02)
    assert 0 < factors[-1] < 0.02
    assert {rate_factor("constant", step, 9) for step in range(9)} == {1.0}


def test_moved_targets_follow_their_image():
    """With one place a pixel, targets move as images do, but for what comes in at the border."""
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


def test_half_places_all_go_the_same_way():
    """So that shifts by two pixels more are always one place more, on both sides of the middle."""
    maps = torch.arange(7, dtype=torch.float32).view(1, 7, 1, 1).expand(4, 7, 1, 1)
    still = torch.zeros(4, dtype=torch.long)
    moves = CropFlip(torch.tensor([0, 2, 4, 6]), still + 3, torch.zeros(4, dtype=torch.bool))
    assert move(maps, moves, 3, 2)[:, 3, 0, 0].tolist() == [2, 3, 4, 5]


def test_moved_targets_are_used_where_the_recipe_says(stored, float64):
    maps, logits = outputs()
    places = torch.arange(5)
    moves = CropFlip(torch.full((5,), 2), torch.full((5,), 2), torch.ones(5, dtype=torch.bool))
    reused, moved = (
        Representations(stored, 0.03, 0, Augment(targets=targets)).loss(maps, logits, places, moves)
        for targets in ("reused", "moved")
    )
    flipped = [one.flip(3) for one in maps]
    torch.testing.assert_close(moved, Representations(stored, 0.03, 0, None).loss(flipped, logits, places, None))
    assert not torch.allclose(moved, reused)

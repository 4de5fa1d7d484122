from dataclasses import replace

import pytest
import torch

from evokit.streams import Streams
from evokit_activations.networks.objectives import Labels, Representations
from evokit_activations.networks.training import DivergedError, Training, rate_factor
from evokit_activations.options import Augment

from ..tiny import OPTIONS, job

SETTING = {"lr": 0.1, "momentum": 0.85, "weight_decay": 0.0, "schedule": "constant"}


def training(shards, objective, setting=SETTING, **changes):
    task = shards.task
    if changes:
        options = replace(OPTIONS, training=replace(OPTIONS.training, **changes))
        task = job(options=options).task
    shape, parameters = task.initial(2, Streams(0).at("parameters"))
    return Training(task, shape, parameters, objective, setting, Streams(0))


def labels(shards, **changes):
    return Labels(torch.arange(24), shards.task.labels, **changes)


def test_no_gradient_of_the_divergence_reaches_the_body(shards, stored):
    """With a weight of the divergence a million times larger, the body's gradients are the same."""
    gradients = []
    for kl in (0.03, 30_000.0):
        one = training(shards, Representations(stored, kl, (1.0, 1.0), None), SETTING | {"lr": 1e-30})
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


def test_a_training_goes_on_from_its_file(shards, tmp_path):
    one, other, whole = (training(shards, labels(shards)) for _ in range(3))
    whole.advance(4)
    one.advance(2)
    one.save(tmp_path / "training.safetensors")
    other.load(tmp_path / "training.safetensors")
    other.advance(4)
    assert other.loss == whole.loss
    for name, value in other.trained().items():
        assert torch.equal(value, whole.trained()[name])


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

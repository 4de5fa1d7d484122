"""Classification of images as a task."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.data.image_batches import normalised
from evokit.errors import UserError
from evokit.streams import Streams
from evokit_optimizers.tasks.images import network_for
from evokit_optimizers.tasks.options import Augment, Network, OneTask
from tests.data.image_fixtures import striped_images
from tests.plugins.optimizers.tiny_tasks import tasks_of
from tests.rounding import rounding


@pytest.fixture
def task():
    return tasks_of()[0]


def start(task):
    return task.network.initial(torch.Generator().manual_seed(0)), task.network.statistics()


def logits(task, flat, pixels):
    inputs = normalised(torch.tensor(pixels), task.train.mean, task.train.std, dtype=flat.dtype)
    return task.network.logits(task.network.views(flat), {}, inputs, None, training=False)


def test_the_loss_is_the_mean_cross_entropy_of_the_chosen_images(float64):
    (task,) = tasks_of()
    flat, statistics = start(task)
    chosen = torch.tensor([4, 1, 7])
    loss = task.loss(task.network.views(flat), statistics, chosen, Streams(0))
    right = logits(task, flat, task.train.images[chosen.numpy()]).log_softmax(1)[range(3), task.train.labels[chosen]]
    assert loss.item() == pytest.approx(-right.mean().item())


def test_accuracy_is_the_share_of_validation_images_that_are_right(task):
    flat, statistics = start(task)
    right = logits(task, flat, task.validation.images).argmax(1).numpy() == task.validation.labels
    assert task.accuracy(flat, statistics) == pytest.approx(right.mean())
    assert np.array_equal(task.correct(flat, statistics, {"digits": task.validation}), right)


def test_logits_that_are_not_finite_give_no_accuracy(task):
    flat, statistics = start(task)
    assert math.isnan(task.accuracy(flat * float("nan"), statistics))


def test_each_image_is_classified_alone(task):
    flat, statistics = start(task)
    many = striped_images(300)
    few = replace(many, images=many.images[:7], labels=many.labels[:7])
    right, alone = (task.correct(flat, statistics, {"digits": images}) for images in (many, few))
    assert np.array_equal(right[:7], alone)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loss_hardly_depends_on_precision_and_memory_format(precision):
    (plain,), (other,) = tasks_of(channels_last=False), tasks_of(precision=precision)
    flat, statistics = start(plain)
    chosen = torch.arange(8)
    ours = plain.network.views(flat)
    expected = plain.loss(ours, statistics, chosen, Streams(0))
    gradients = torch.autograd.grad(expected, ours)
    # What the loss moves by if each weight does by its own size; what goes through it is rounded as weights are.
    moved = sum((weight * gradient).abs().sum().item() for weight, gradient in zip(ours, gradients, strict=True))
    views = other.network.views(flat.to(other.precision))
    # bfloat16 rounds what a layer reads, its weights and what it gives; sums of at most 18 terms are float32's.
    slack = rounding(3, moved, torch.bfloat16) if precision == "bfloat16" else rounding(18 + 8, moved + expected.item())
    assert abs(other.loss(views, statistics, chosen, Streams(0)).item() - expected.item()) <= slack


def test_augmentation_is_decided_by_the_steps_stream():
    (task,) = tasks_of(tasks=(OneTask("digits", augment=Augment(pad=2)),))
    flat, statistics = start(task)

    def loss(seed):
        return task.loss(task.network.views(flat), statistics, torch.arange(8), Streams(seed)).item()

    assert loss(0) == loss(0) != loss(1)


def test_colour_decides_the_network_unless_the_recipe_does():
    grey, coloured = striped_images(6, 1), striped_images(6, 3)
    assert network_for(grey, Network()).kind == "small_cnn"
    assert network_for(grey, Network()).hidden == 256
    assert network_for(coloured, Network()).kind == "batchnorm_cnn"
    assert network_for(coloured, Network()).hidden == 512
    assert network_for(grey, Network(kind="batchnorm_cnn", hidden=7)).hidden == 7


def test_a_batch_larger_than_the_training_set_is_refused():
    with pytest.raises(UserError, match="digits has 50 training images, less than 51"):
        tasks_of(batch=51)

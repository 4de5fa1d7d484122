"""Training a network with an update rule."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from evokit.data.image_batches import normalised
from evokit.streams import Streams
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.tasks.options import Augment, Network, OneTask
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.training import Training
from tests.plugins.optimizers.tiny_tasks import tasks_of

HORIZON = 12


def task_of(**changes):
    return tasks_of(**changes)[0]


def training(task=None, rule=KNOWN["adam"], seed=0, **options):
    return Training(task or task_of(), Evolved(rule), Streams(seed), HORIZON, **options)


def restless():
    """A task with everything that draws numbers."""
    model = Network(channels=(2, 3), hidden=8, dropout=0.3)
    return task_of(tasks=(OneTask("photo_tiles", augment=Augment(pad=1)),), model=model)


def test_training_lowers_the_loss():
    one = training(rule=replace(KNOWN["adam"], lr=0.01))
    before = one.task.accuracy(one.parameters, one.statistics)
    assert one.advance(HORIZON)
    assert one.task.accuracy(one.parameters, one.statistics) > before


def test_it_is_the_plain_loop(float64):
    """Gradients by ``backward``, tensor by tensor, plain SGD."""
    task = task_of()
    one = training(task, Rule((("GRAD", 1.0),), lr=0.1))
    start, streams = one.parameters.clone(), Streams(0)
    one.advance(8)
    images, labels = task.train.tensors()
    views = task.network.views(start)
    for step in range(8):
        epoch, at = divmod(step, 50 // 8)
        order = torch.randperm(50, generator=streams.at("epoch", epoch).torch())
        chosen = order[at * 8 : at * 8 + 8]
        inputs = normalised(images[chosen], task.train.mean, task.train.std, dtype=start.dtype)
        F.cross_entropy(task.network.logits(views, {}, inputs, None, training=True), labels[chosen]).backward()
        with torch.no_grad():
            for view in views:
                view -= 0.1 * view.grad
                view.grad = None
    torch.testing.assert_close(one.parameters, start)


@pytest.mark.parametrize("stop", [1, 5, 11])
@pytest.mark.parametrize("make_task", [task_of, restless])
def test_one_that_goes_on_from_a_state_equals_one_that_never_stopped(make_task, stop):
    rule = Rule((("ADAM_TERM", 1.0), ("SIGN_MOMENTUM", -0.1)), warmup=0.3, decay="cosine")
    straight, first, second = (training(make_task(), rule) for _ in range(3))
    straight.advance(HORIZON)
    first.advance(stop)
    state = first.state()
    first.advance(HORIZON)  # a state is a copy
    second.resume(state)
    second.advance(HORIZON)
    assert torch.equal(straight.parameters, second.parameters)
    for name, values in straight.statistics.items():
        assert torch.equal(values, second.statistics[name])


def test_every_rule_starts_from_the_same_network_and_sees_the_same_batches():
    one, other = training(rule=KNOWN["sgd"]), training(rule=KNOWN["adam"])
    assert torch.equal(one.parameters, other.parameters)
    for run in (one, other):
        run.advance(7)
    assert torch.equal(one.next_batch(), other.next_batch())


def test_seeds_differ_in_start_and_batches():
    one, other = training(seed=0), training(seed=1)
    assert not torch.equal(one.parameters, other.parameters)
    assert not torch.equal(one.next_batch(), other.next_batch())


def test_an_epoch_visits_each_image_at_most_once():
    one, seen = training(rule=Rule(())), []
    for step in range(50 // 8):
        one.step = step
        seen += one.next_batch().tolist()
    assert len(set(seen)) == len(seen) == 48


@pytest.mark.parametrize("lr", [1e30, 1e4], ids=["not finite", "explosion"])
def test_divergence_ends_it(lr):
    one = training(rule=Rule((("GRAD", 1.0),), lr=lr), check_every=4)
    assert not one.advance(HORIZON)
    assert one.step == 4


def test_a_last_update_that_breaks_the_parameters_is_a_divergence():
    one = training(rule=Rule((("GRAD", -1e30),), lr=1e30), check_every=4)
    assert not one.advance(1)


def test_bfloat16_keeps_parameters_in_float32():
    one = training(task_of(precision="bfloat16"))
    assert one.advance(HORIZON)
    assert one.parameters.dtype == torch.float32


def test_a_state_knows_its_size():
    one = training()
    assert one.state().n_bytes == 3 * one.parameters.nbytes

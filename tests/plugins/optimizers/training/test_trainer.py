"""All trainings of one measurement."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.streams import Streams
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.trainer import Trainer
from evokit_optimizers.training.training import Training
from tests.plugins.optimizers.tiny_tasks import tasks_of

ADAM = Evolved(KNOWN["adam"])
EXPLODING = Evolved(Rule((("GRAD", 1.0),), lr=1e30))
REPLICATES = [Streams(0), Streams(1)]


def trainer(cache_bytes=0, **changes):
    return Trainer(tasks_of(tasks=(), **changes), check_every=4, cache_bytes=cache_bytes)


def test_the_value_is_the_mean_over_tasks_of_means_over_seeds():
    outcome = trainer().train(ADAM, REPLICATES, 12, 12)
    result = outcome.evaluation()
    by_task = {
        name: np.mean([one.accuracy for one in outcome.networks if one.task == name])
        for name in ("digits", "photo_tiles")
    }
    assert result.metrics == {f"{name}_accuracy": pytest.approx(mean) for name, mean in by_task.items()}
    assert result.values == (pytest.approx(np.mean(list(by_task.values()))),)
    assert result.work == 12 * 2 * 2


def test_networks_are_those_that_the_method_averages():
    averaging = Evolved(replace(KNOWN["adam"], averaging=0.5))
    ours, plain = (trainer().train(method, REPLICATES[:1], 12, 12).networks[0] for method in (averaging, ADAM))
    training = Training(trainer().tasks[0], averaging, REPLICATES[0], 12)
    training.advance(12)
    assert torch.equal(ours.parameters, training.result)
    assert torch.equal(training.parameters, plain.parameters)
    assert ours.accuracy == training.task.accuracy(training.result, training.statistics)


def test_the_first_divergence_ends_all():
    result = trainer().train(EXPLODING, REPLICATES, 12, 12).evaluation()
    assert result.outcome == "diverged"
    assert result.values == ()
    assert result.work == 4
    assert "digits, seed 0, by step 4" in result.message


@pytest.mark.parametrize("cache_bytes", [1, 20_000, 2**20], ids=["too small", "for some", "for all"])
def test_the_cache_changes_no_evaluation(cache_bytes):
    cached, plain = trainer(cache_bytes), trainer()
    for steps in (5, 9, 12, 5, 12):
        ours, theirs = (one.train(ADAM, REPLICATES, steps, 12).evaluation() for one in (cached, plain))
        assert ours == theirs


def test_a_higher_budget_goes_on_from_its_state(monkeypatch):
    cached, resumed = trainer(2**20), []
    cached.train(ADAM, REPLICATES, 5, 12)
    monkeypatch.setattr(Training, "resume", lambda _, state: resumed.append(state.step))
    cached.train(ADAM, REPLICATES, 12, 12)
    assert resumed == [5, 5, 5, 5]


def test_states_stay_within_their_bytes():
    states = trainer(cache_bytes=20_000)
    for seed in range(10):
        states.train(ADAM, [Streams(seed)], 5, 12)
    held = states._states._by_key.values()
    assert 0 < sum(state.n_bytes for state in held) == states._states._size <= 20_000

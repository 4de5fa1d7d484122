"""The networks that contenders train."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.streams import Streams
from evokit_optimizers.models import NetworkContender, over_tasks, read_networks, save_networks
from evokit_optimizers.options import Rung
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.training.method import Evolved
from tests.data.image_fixtures import striped_images
from tests.plugins.optimizers.tiny_tasks import OPTIONS, TEST, context, fitness_of

ADAM = Evolved(KNOWN["adam"])


@pytest.fixture(scope="module")
def fitness():
    return fitness_of(replace(OPTIONS, tasks=()))


@pytest.fixture(scope="module")
def trained(fitness, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    contender = NetworkContender(fitness)
    return contender, contender.fitted(ADAM, {}, 7, 48, folder, {"rule": 1})


def test_networks_survive_their_file(fitness, tmp_path):
    networks = fitness.trainer.train(ADAM, fitness.replicates(Streams(0)), 5, 12).networks
    save_networks(networks, tmp_path / "file", {"about": [1, "two"]})
    again, about = read_networks(tmp_path / "file")
    assert about == {"about": [1, "two"]}
    for one, other in zip(networks, again, strict=True):
        assert (one.task, one.replicate, one.accuracy) == (other.task, other.replicate, other.accuracy)
        assert torch.equal(one.parameters, other.parameters)
        assert one.statistics.keys() == other.statistics.keys()
        assert all(torch.equal(values, other.statistics[name]) for name, values in one.statistics.items())


def test_a_fit_trains_as_many_networks_as_a_measurement(trained, fitness):
    networks = read_networks(trained[1].artifact)[0]
    assert len(networks) == fitness.n_trainings == 4
    assert trained[1].work == 48
    assert trained[1].metrics.keys() == {"digits_accuracy", "photo_tiles_accuracy"}


def test_its_seeds_are_not_those_of_the_search(trained, fitness):
    contender, _ = trained
    assert not set(contender._replicates(3)) & set(fitness.replicates(context().streams.at("trained_accuracy")))


def test_scores_are_shares_of_networks_that_are_right(trained):
    contender, result = trained
    scores = contender.score(result.artifact, TEST)
    assert scores.shape == (60,)
    assert set(scores) <= {0, 0.5, 1}


def test_scoring_validation_repeats_the_validation_value(trained):
    contender, result = trained
    assert contender.score(result.artifact, context().validation).mean() == pytest.approx(result.values[0])


def test_every_task_weighs_the_same_whatever_its_number_of_images(trained):
    contender, result = trained
    uneven = {**TEST, "photo_tiles": striped_images(90, 3, seed=9)}
    scores = contender.score(result.artifact, uneven)
    networks = read_networks(result.artifact)[0]
    means = []
    for task in contender.fitness.tasks:
        ours = [one for one in networks if one.task == task.name]
        right = [task.correct(one.parameters, one.statistics, uneven) for one in ours]
        means.append(np.mean(right))
    assert scores.mean() == pytest.approx(np.mean(means))


def test_what_differs_between_tasks_is_no_luck_of_units():
    """Three images, two of them right, and two of which one is: variances 2/9 and 1/4, means 2/3 and 1/2."""
    units = over_tasks([np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0])])
    assert units.mean() == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert units.var() / len(units) == pytest.approx((2 / 9 / 3 + 1 / 4 / 2) / 2**2)
    alone = np.array([1.0, 0.0, 0.0])
    assert over_tasks([alone]).tolist() == alone.tolist()


def test_lower_budgets_leave_no_file(trained, tmp_path):
    result = trained[0].fitted(ADAM, {}, 7, 20, tmp_path, {})
    assert result.ok
    assert result.artifact == ""
    assert not list(tmp_path.iterdir())


def test_a_fit_at_a_budget_of_a_shorter_horizon_trains_with_its_whole_schedule(tmp_path):
    method = Evolved(replace(KNOWN["adam"], lr=0.03, decay="linear"))
    staged = fitness_of(replace(OPTIONS, rungs=(Rung(6, schedule="whole"),)))
    short = fitness_of(replace(OPTIONS, steps=6, rungs=()))
    values = [NetworkContender(one).fitted(method, {}, 7, 12, tmp_path, {}).values for one in (staged, short)]
    assert values[0] == values[1]


def test_a_rehearsal_tells_seconds_and_bytes(trained, fitness):
    seconds, size = trained[0].rehearsed(ADAM)
    assert seconds > 0
    assert size == 2 * sum(4 * task.network.n_parameters for task in fitness.tasks)

from dataclasses import replace

import pytest
import torch

from evokit.genomes.individuals import make_individual
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_activations.baselines import build_sgd
from evokit_activations.geometry.class_geometry import known_geometry
from evokit_activations.geometry.contenders import build_champion, build_known
from evokit_activations.geometry.options import (
    ClassCodeTargets,
    ClassMeanTargets,
    HandGeometry,
    LearnGeometry,
    SmoothedSgd,
)
from evokit_activations.models import read_network

from ..tiny import TEST
from .tiny import SPACE, fitness


@pytest.fixture(scope="module")
def around():
    """What contenders are built with."""
    return Context(Streams(0), fitness=fitness(), genome=SPACE)


def individual(geometry):
    return make_individual(SPACE, SPACE.point(geometry), (1.0,))


def fitted(contender, folder, best=None, setting=0):
    evaluation = contender.fit(contender.settings(best)[setting], 1, contender.budgets[-1], folder)
    assert evaluation.ok
    assert evaluation.work == 4 * 24
    return read_network(folder / "network.safetensors"), evaluation


@pytest.mark.parametrize("options", [ClassMeanTargets, ClassCodeTargets, HandGeometry])
def test_a_champion_with_a_known_geometry_is_that_control(around, options, tmp_path):
    champion = build_champion(LearnGeometry(), around)
    ours, _ = fitted(champion, tmp_path / "ours", individual(known_geometry(options.known, 2)))
    theirs, evaluation = fitted(build_known(options(), around), tmp_path / "theirs")
    assert all(torch.equal(value, theirs.parameters[name]) for name, value in ours.parameters.items())
    right = champion.score(tmp_path / "theirs" / "network.safetensors", {"stripes": around.fitness.task.validation})
    assert evaluation.values[0] == pytest.approx(right.mean())


def test_the_champions_rate_is_its_own_times_a_factor(around, tmp_path):
    hand = known_geometry("hand", 2)
    champion = build_champion(LearnGeometry(lr_factor=(1.0, 0.5)), around)
    settings = champion.settings(individual(hand))
    assert [champion.geometry(one).lr for one in settings] == [4.0, 2.0]
    slower, _ = fitted(champion, tmp_path / "half", individual(hand), 1)
    other = replace(hand, lr=2.0)
    same, _ = fitted(build_champion(LearnGeometry(), around), tmp_path / "own", individual(other))
    assert all(torch.equal(value, same.parameters[name]) for name, value in slower.parameters.items())


def test_without_a_champion_there_is_nothing_to_learn(around):
    with pytest.raises(ValueError, match="no geometry"):
        build_champion(LearnGeometry(), around).settings(None)


def test_every_combination_of_a_rivals_lists_is_tried(around):
    options = HandGeometry(lr=(1.0, 2.0), weight_decay=(0.0, 0.1), kl=(0.03,))
    settings = build_known(options, around).settings(None)
    assert [(one["lr"], one["weight_decay"]) for one in settings] == [(1, 0), (1, 0.1), (2, 0), (2, 0.1)]


def test_smoothed_labels_make_another_network(around, tmp_path):
    contender = build_sgd(SmoothedSgd(label_smoothing=(0.0, 0.2)), around)
    plain, smoothed = (fitted(contender, tmp_path / str(setting), setting=setting)[0] for setting in (0, 1))
    assert not torch.equal(plain.parameters["head"], smoothed.parameters["head"])


def test_a_fit_is_timed_before(around, tmp_path):
    for contender in (build_champion(LearnGeometry(), around), build_known(HandGeometry(), around)):
        seconds, size = contender.rehearse(tmp_path)
        assert seconds > 0
        assert size > 0


def test_scores_are_a_value_an_image(around, tmp_path):
    contender = build_known(HandGeometry(), around)
    fitted(contender, tmp_path)
    assert set(contender.score(tmp_path / "network.safetensors", TEST)) <= {0.0, 1.0}

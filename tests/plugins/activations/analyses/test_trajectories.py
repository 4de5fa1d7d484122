from dataclasses import replace

import pytest
import torch

from evokit.interfaces import Evaluation, Measured
from evokit_activations.analyses.options import Trajectories, TrajectoryPoint
from evokit_activations.analyses.points import Pictures, searched
from evokit_activations.analyses.trajectories import TrajectoryAnalysis, mean_curve

from ..tiny import OPTIONS, TENSORS, context
from .test_learning import LEARN, SGD
from .test_points import EVOLUTION


def trajectories(**changes):
    options = Trajectories(OPTIONS.model, OPTIONS.training, "bfloat16", TENSORS, EVOLUTION, learn=LEARN, sgd=SGD)
    return TrajectoryAnalysis(replace(options, **changes), context())


@pytest.mark.parametrize("shows", ["distance", "entropy"])
def test_both_ways_begin_with_the_same_network(shows):
    analysis = trajectories(shows=shows, every=3)
    targets, labels = (analysis.measure(TrajectoryPoint(way), 24) for way in ("targets", "labels"))
    assert targets.keys() == labels.keys()
    assert {int(name.rsplit("epoch")[-1]) for name in targets if name != "accuracy"} == {0, 3, 4}
    for name, value in targets.items():
        if name.endswith("epoch0"):
            assert labels[name] == value
        elif name != "accuracy":
            assert labels[name] != value


def test_learning_targets_comes_closer_to_them_than_learning_labels():
    analysis = trajectories(training=replace(OPTIONS.training, epochs=20, rungs=()))
    targets, labels = (analysis.measure(TrajectoryPoint(way), 24) for way in ("targets", "labels"))
    for block in (0, 1):
        last = f"distance_block{block}_epoch20"
        assert targets[last] < labels[last]
        assert targets[last] < targets[f"distance_block{block}_epoch0"]


def test_targets_of_validation_images_are_not_those_of_training_images():
    analysis = trajectories()
    images, labels = analysis.task.validation.tensors("cpu")
    streams = analysis.task.streams.at("analysis", "validation")
    pictures = Pictures(analysis.task.normalised(images), labels, streams)
    found = searched(analysis.task, EVOLUTION, TENSORS, pictures)
    assert len(found[0]) == len(images)
    distances = analysis._distances()
    assert distances(0, found[0])["distance"] == pytest.approx(0)
    assert distances(0, torch.randn(found[0].shape, generator=torch.Generator().manual_seed(0)))["distance"] > 0.5


def test_curves_are_means_over_seeds_in_the_order_of_epochs():
    results = [
        Measured({}, Evaluation(metrics={"d_epoch10": a, "d_epoch2": b, "e_epoch2": 9.0}))
        for a, b in ((1.0, 2.0), (3.0, 5.0))
    ]
    assert mean_curve(results, "d_epoch") == {2: 3.5, 10: 2.0}
    assert list(mean_curve(results, "d_epoch")) == [2, 10]

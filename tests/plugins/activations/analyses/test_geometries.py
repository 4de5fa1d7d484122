from dataclasses import replace

import pytest
import torch

from evokit_activations.analyses.geometries import GeometryAnalysis
from evokit_activations.analyses.options import GeometryEnsembles, GeometryPoint
from evokit_activations.geometry.class_geometry import known_geometry
from evokit_activations.geometry.options import LearnGeometry, SmoothedSgd
from evokit_activations.networks.training import DivergedError
from evokit_activations.options import Network, Training

from ..geometry.tiny import evolved_run
from ..tiny import context

BLOCKS = 2


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A run with three repeats."""
    return evolved_run(tmp_path_factory.mktemp("evolved") / "run", repeats=3)


def analysis(run, **changes):
    options = GeometryEnsembles(
        run,
        model=Network(channels=(3, 4), normalise=True, whitening_patches=200),
        training=Training(epochs=2, batch=8),
        networks=2,
        ensembles=2,
    )
    return GeometryAnalysis(replace(options, **changes), context())


def lessons(one, learn_from, codes="own"):
    """Targets of each ensemble's networks; objectives."""
    point = GeometryPoint(learn_from, codes)
    return [[one._lesson(point, first, member)[0].targets for member in (0, 1)] for first in (0, 2)]


def test_each_network_learns_another_geometry_or_all_that_of_the_first(three):
    one = analysis(three)
    a, b, c = one.geometries
    assert len({a, b, c}) == 3
    assert [[net.geometry for net in ensemble] for ensemble in lessons(one, "geometries")] == [[a, b], [b, c]]
    assert [[net.geometry for net in ensemble] for ensemble in lessons(one, "one_geometry")] == [[a, a], [b, b]]


@pytest.mark.parametrize("learn_from", ["geometries", "one_geometry", "class_code"])
def test_networks_have_codes_of_their_own_or_those_of_their_ensemble(three, learn_from):
    one = analysis(three)
    codes = {
        kind: [net.ingredients.codes[0] for ensemble in lessons(one, learn_from, kind) for net in ensemble]
        for kind in ("own", "one")
    }
    assert not any(torch.equal(codes["own"][0], other) for other in codes["own"][1:])
    assert torch.equal(codes["one"][0], codes["one"][1])
    assert torch.equal(codes["one"][2], codes["one"][3])
    assert not torch.equal(codes["one"][1], codes["one"][2])
    assert all(torch.equal(codes["own"][first], codes["one"][first]) for first in (0, 2)), "an ensemble's first network"


def test_targets_that_have_no_codes_are_the_same_for_all(three):
    means = [net.blocks for ensemble in lessons(analysis(three), "class_mean") for net in ensemble]
    assert all(torch.equal(x, y) for other in means[1:] for x, y in zip(means[0], other, strict=True))


def test_each_way_has_rates_of_its_own(three):
    one = analysis(three, geometry=LearnGeometry(lr_factor=(0.5,), weight_decay=(0.1,)), sgd=SmoothedSgd(lr=(0.07,)))
    evolved, setting = one._geometry(GeometryPoint("geometries"), 0, 1)
    assert evolved == replace(one.geometries[1], lr=one.geometries[1].lr / 2)
    assert setting["weight_decay"] == 0.1
    hand, setting = one._geometry(GeometryPoint("hand_geometry"), 0, 1)
    assert hand == known_geometry("hand", BLOCKS)
    assert setting["weight_decay"] == 0
    assert one._lesson(GeometryPoint("labels"), 0, 0)[1]["lr"] == 0.07


def test_labels_may_be_smoothed(three):
    one = analysis(three, sgd=SmoothedSgd(lr=(0.07,), label_smoothing=(0.1,)))
    assert one._lesson(GeometryPoint("labels"), 0, 0)[0].smoothing == 0.1


def test_ensembles_are_noted_in_the_mean_and_held_against_rivals_with_the_same_codes(three):
    one = analysis(three, against=("labels", "one_geometry"))
    found = one.measure(GeometryPoint("geometries", "one"), one.budgets[-1])
    ours, rival = (one.probabilities(GeometryPoint(name, "one")) for name in ("geometries", "one_geometry"))
    assert ours.shape == (2, 2, 12, 3)
    _, labels = one.task.validation.tensors()
    accuracies = [(side.double().mean(1).argmax(-1) == labels).double().mean() for side in (ours, rival)]
    assert found["ensemble_of_2"] == pytest.approx(float(accuracies[0]))
    assert found["accuracy_less_one_geometry"] == pytest.approx(float(accuracies[0] - accuracies[1]))
    assert {"nll_less_labels", "ensemble_ece", "disagreement"} <= set(found)
    assert set(one._found) == {
        GeometryPoint("geometries", "one"),
        GeometryPoint("one_geometry", "one"),
        GeometryPoint("labels"),
    }
    assert not [name for name in one.measure(GeometryPoint("labels"), one.budgets[-1]) if "less_labels" in name]


def test_values_do_not_depend_on_what_was_measured_before(three):
    points = [{"learn_from": "class_code"}, {"learn_from": "labels"}]
    forth, back = (list(analysis(three).evaluate(order, 192)) for order in (points, points[::-1]))
    assert forth == back[::-1]
    assert [one.work for one in forth] == [192, 192]
    assert analysis(three).budgets == [24 * 2 * 2 * 2], "images that four trainings saw"


def test_equal_seeds_begin_with_equal_networks(three):
    """Nothing is learned, so that networks are told apart by their starts alone."""
    still = LearnGeometry(lr_factor=(1e-30,)), SmoothedSgd(lr=(1e-30,))
    one = analysis(three, geometry=still[0], sgd=still[1])
    a, b = (one.probabilities(GeometryPoint(name)) for name in ("geometries", "labels"))
    assert torch.equal(a, b)
    assert not torch.equal(a[0, 0], a[0, 1])


def test_the_geometries_are_part_of_what_decides(three, tmp_path):
    others = [
        evolved_run(tmp_path / "run", repeats=3, seed=5),
        evolved_run(tmp_path / "elsewhere" / "again", repeats=3),
    ]
    contexts = [analysis(run).context for run in (three, *others)]
    assert contexts[0] == contexts[2] != contexts[1]
    assert analysis(three, ensembles=1).context != contexts[0]


def test_a_training_that_diverges_is_told(three):
    one = analysis(three, sgd=SmoothedSgd(lr=(1e30,)))
    (evaluation,) = one.evaluate([{"learn_from": "labels"}], one.budgets[-1])
    assert evaluation.outcome == "diverged"
    with pytest.raises(DivergedError):
        one.measure(GeometryPoint("class_mean"), one.budgets[-1])


def test_fewer_geometries_than_networks_are_refused(three, tmp_path):
    with pytest.raises(ValueError, match=r"networks: 4 of different geometries need as many, .*run has 3; evolve them"):
        analysis(three, networks=4)
    alike = evolved_run(tmp_path / "alike", repeats=2)
    for file in ("summary.json", "recipe.yaml"):
        (alike / "repeat-1" / file).write_bytes((alike / "repeat-0" / file).read_bytes())
    with pytest.raises(ValueError, match="alike has 1; evolve them with --set repeats=2, for more than one generation"):
        analysis(alike)


def test_what_a_run_lacks_is_the_options_error(tmp_path):
    with pytest.raises(ValueError, match=r"evolved: .*nowhere is no run directory"):
        analysis(tmp_path / "nowhere")


def test_several_settings_are_refused(three):
    with pytest.raises(ValueError, match="sgd: this analysis tunes nothing"):
        analysis(three, sgd=SmoothedSgd(lr=(0.1, 0.2)))


def test_smoothing_is_that_of_each_block(three):
    with pytest.raises(ValueError, match="smoothing: must have a number for each of 2 blocks"):
        analysis(three, smoothing=(1,))


@pytest.mark.parametrize("learn_from", ["class_mean", "labels"])
def test_a_point_without_codes_cannot_share_them(three, learn_from):
    with pytest.raises(ValueError, match=f"codes: {learn_from} has none"):
        analysis(three).accept({"learn_from": learn_from, "codes": "one"})

from dataclasses import replace

import pytest
import torch

from evokit_activations.analyses.learning import LearningAnalysis
from evokit_activations.analyses.options import Learning, LearningPoint
from evokit_activations.analyses.points import searched
from evokit_activations.layerwise.search import LayerwiseSearch, Population
from evokit_activations.networks.training import DivergedError
from evokit_activations.options import LearnTargets, Sgd

from ..tiny import OPTIONS, TENSORS, context
from .test_points import EVOLUTION

LEARN, SGD = LearnTargets(convolutions=(2,), lr=(0.5,)), Sgd(convolutions=(2,), lr=(0.05,))


def learning(**changes):
    options = Learning(OPTIONS.model, OPTIONS.training, "bfloat16", TENSORS, EVOLUTION, learn=LEARN, sgd=SGD)
    return LearningAnalysis(replace(options, **changes), context())


def test_each_part_can_be_left_out_at_equal_evaluations():
    analysis = learning()
    whole, tensors = analysis._method(LearningPoint())
    assert whole == replace(EVOLUTION, layers=whole.layers)
    assert tensors == TENSORS
    parts = ("image_selection", "smoothing", "normalisation", "explorers")
    without = {part: analysis._method(LearningPoint(without=part)) for part in parts}
    assert without["image_selection"][0] == replace(whole, select="lanes")
    assert [layer.smoothing for layer in without["smoothing"][0].layers] == [0, 0, 0]
    assert without["normalisation"] == (whole, replace(TENSORS, normalise=False))
    assert without["explorers"][0] == replace(whole, explorers=0, refiners=7)
    assert len({analysis._evaluations(LearningPoint(without=part)) for part in ("nothing", *parts)}) == 1


def test_evaluations_are_counted_as_the_search_makes_them():
    analysis = learning()
    assert analysis._evaluations(LearningPoint()) == 9 + 7 * 7
    assert analysis._evaluations(LearningPoint(generations=2.0)) == 9 + 14 * 7
    assert analysis._evaluations(LearningPoint(population=18)) == 18 + 7 * 14
    assert analysis._evaluations(LearningPoint(learn_from="first_generation")) == 9
    assert analysis._evaluations(LearningPoint(learn_from="class_code")) == 0


def test_a_point_says_whether_networks_learn_the_mean_for_a_class():
    analysis = learning()
    own, shared, default = (analysis.measure(LearningPoint(average=average), 12) for average in ("none", "class", None))
    assert own == default
    assert own["cross_entropy_block0"] == shared["cross_entropy_block0"], "the same search"
    assert own != shared
    assert analysis._evaluations(LearningPoint(learn_from="class_mean")) == 0
    (mean, *_), _ = analysis._targets(LearningPoint(learn_from="class_mean"), 6)
    assert torch.equal(mean[0], mean[3])
    assert not torch.equal(mean[0], mean[1])


def test_a_point_says_whose_logits_networks_learn():
    analysis = learning()
    own, shared, default = (analysis.measure(LearningPoint(logits=logits), 12) for logits in ("own", "class", None))
    assert own == default
    assert own["cross_entropy_logits"] == shared["cross_entropy_logits"], "of what was found"
    assert own != shared


def test_without_selection_as_much_is_searched_and_less_is_found():
    analysis = learning(runs=1)
    (selected,), (drifting,) = (
        analysis._targets(LearningPoint(learn_from=name), 12) for name in ("searches", "unselected")
    )
    losses = [analysis._of_targets([one], 12)["cross_entropy_logits"] for one in (selected, drifting)]
    assert losses[0] < losses[1]
    assert analysis._evaluations(LearningPoint(learn_from="unselected")) == 9 + 7 * 7


def test_searches_differ_by_their_run_and_one_search_is_the_same_for_all():
    analysis = learning()
    (a, b), (c, d) = (analysis._targets(LearningPoint(learn_from=name), 6) for name in ("searches", "one_search"))
    assert torch.equal(a[0], c[0])
    assert torch.equal(c[0], d[0])
    assert not torch.equal(a[0], b[0])
    one = analysis._of_targets([c, d], 6)
    assert one["n_eff_block0"] == pytest.approx(1)
    assert analysis._of_targets([a, b], 6)["n_eff_block0"] > 1


def test_selection_over_all_lanes_keeps_the_same_candidates_for_all():
    analysis = learning()
    search = LayerwiseSearch(analysis.task.untrained, replace(EVOLUTION, select="lanes"), TENSORS)
    values = torch.tensor([[0.0, -4.0], [-1.0, -1.0], [-3.0, 0.0]])  # means -2, -1, -1.5
    assert search._chosen(Population(values, values), 2, []).tolist() == [[1, 1], [2, 2]]
    own = LayerwiseSearch(analysis.task.untrained, EVOLUTION, TENSORS)
    assert own._chosen(Population(values, values), 1, []).tolist() == [[0, 2]]


def test_selection_for_each_image_finds_more():
    analysis = learning()
    pictures = analysis.training_pictures(12)
    losses = [
        analysis._of_targets([searched(analysis.task, replace(EVOLUTION, select=select), TENSORS, pictures)], 12)
        for select in ("image", "lanes")
    ]
    assert losses[0]["cross_entropy_logits"] < losses[1]["cross_entropy_logits"]


def test_of_several_settings_the_one_that_is_best_on_validation_is_taken():
    analysis = learning(sgd=replace(SGD, lr=(1e-6, 0.1)))
    single = learning(sgd=replace(SGD, lr=(0.1,)))
    point = LearningPoint(learn_from="labels")
    assert analysis.measure(point, 24) == single.measure(point, 24)


def test_a_point_whose_trainings_all_diverge_is_a_failed_measurement():
    analysis = learning(sgd=replace(SGD, lr=(1e30,)))
    (evaluation,) = analysis.evaluate([{"learn_from": "labels"}], 24)
    assert (evaluation.outcome, evaluation.work) == ("diverged", 24)
    with pytest.raises(DivergedError, match="every setting diverged"):
        learning(sgd=replace(SGD, lr=(1e30, 1e31))).measure(LearningPoint(learn_from="labels"), 24)

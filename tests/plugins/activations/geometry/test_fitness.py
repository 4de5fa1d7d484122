from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.testing import fitness_conformance
from evokit_activations.geometry.class_geometry import known_geometry
from evokit_activations.geometry.options import HeldOutAccuracy, Rung

from ..tiny import split
from .tiny import CENTRE, OPTIONS, fitness, measured

test_held_out_accuracy_conforms = fitness_conformance(
    "held_out_accuracy",
    recipe={
        "data": {"name": "images", "sets": ["digits"], "limit": {"train": 40, "validation": 20}},
        "genome": {"name": "class_geometry"},
    },
    model={"channels": [2, 3], "normalise": True, "whitening_patches": 100},
    training={"epochs": 2, "batch": 10},
    epochs=2,
    rungs=[{"folds": 1}],
)
HAND = known_geometry("hand", 2)


@pytest.fixture(scope="module")
def one():
    return fitness()


def test_the_value_is_the_mean_accuracy_on_what_folds_hold_out(one):
    (evaluation,) = measured(one, CENTRE)
    right = []
    for number in range(3):
        task = one.fold(number).task
        network = one.network(CENTRE, number, 3)
        images, labels = task.validation.tensors()
        right.append(float((network.logits(images).argmax(1) == labels).double().mean()))
    assert evaluation.values == (pytest.approx(np.mean(right)),)
    assert [evaluation.metrics[f"accuracy_fold{number}"] for number in range(3)] == right


def test_work_is_counted_in_images_that_trainings_saw(one):
    assert one.budgets == [1 * 2 * 16, 3 * 2 * 16, 3 * 3 * 16]
    assert [measured(one, HAND, budget=level)[0].work for level in range(3)] == one.budgets
    assert fitness(replace(OPTIONS, images=9)).budgets[-1] == 3 * 3 * 9


def test_a_rung_of_fewer_folds_is_the_first_of_the_full_budgets(one):
    (some,), (all_folds,) = measured(one, CENTRE, budget=1), measured(one, CENTRE)
    assert some.metrics.items() < all_folds.metrics.items()


def test_values_do_not_depend_on_company_or_on_what_was_measured_before(one):
    together = measured(one, CENTRE, HAND)
    measured(one, HAND, budget=0)
    other = fitness()
    assert [*measured(other, HAND), *measured(other, CENTRE)] == together[::-1]


def parameters(one, number=0):
    return one.network(CENTRE, number, 3)


def same(a, b):
    tensors = [[*network.parameters.values(), *network.statistics.values(), network.mean] for network in (a, b)]
    return all(torch.equal(x, y) for x, y in zip(*tensors, strict=True))


def without_what_is_held_out(one, number, labels_too):
    """The same training images, but for what a fold holds out, which is noise."""
    stripes = split(24, 0)["stripes"]
    images, labels = stripes.images.copy(), stripes.labels.copy()
    held_out = one._folds[number].held_out
    images[held_out] = np.random.default_rng(0).integers(256, size=images[held_out].shape, dtype=np.uint8)
    if labels_too:
        labels[held_out] = (labels[held_out] + 1) % 3
    other = fitness(train={"stripes": replace(stripes, images=images, labels=labels)})
    other._folds = one._folds  # which labels decide
    return other


@pytest.mark.parametrize("labels_too", [False, True])
def test_what_is_held_out_changes_nothing_of_a_network(one, labels_too):
    other = without_what_is_held_out(one, 0, labels_too)
    assert same(parameters(one), parameters(other))
    assert not same(parameters(one, 1), parameters(other, 1)), "whose network learned them"
    assert measured(one, CENTRE)[0].metrics["accuracy_fold0"] != measured(other, CENTRE)[0].metrics["accuracy_fold0"]


def test_validation_images_change_nothing_at_all(one):
    assert measured(fitness(validation=split(12, 9)), CENTRE) == measured(one, CENTRE)


def test_fresh_replicates_have_other_folds_starts_and_the_same_codes(one):
    fresh = one.fresh()
    assert len({one.context, fresh.context, fresh.fresh().context}) == 3
    assert fresh.budgets == one.budgets
    assert set(fresh._folds[0].held_out) != set(one._folds[0].held_out)
    assert measured(fresh, CENTRE) != measured(one, CENTRE)
    assert all(torch.equal(a, b) for a, b in zip(fresh.fold(0).codes, one.fold(1).codes, strict=True))
    start = fresh.network(replace(CENTRE, lr=1e-30), 0, 1), one.network(replace(CENTRE, lr=1e-30), 0, 1)
    assert not torch.equal(*(network.parameters["block0.conv0"] for network in start))


def test_all_folds_begin_with_the_untrained_network_of_the_run(one):
    untrained = one.task.untrained.parameters
    for name, value in one.fold(1).task.untrained.parameters.items():
        assert torch.equal(value, untrained[name]) == (name != "whitening")


def test_whatever_decides_a_value_is_in_the_context(one):
    others = [
        {"folds": 2, "rungs": ()},
        {"images": 9},
        {"epochs": 4},
        {"momentum": 0.5},
        {"smoothing": (1, 1)},
        {"held_out": "validation"},
        {"training": replace(OPTIONS.training, epochs=5)},
    ]
    contexts = {fitness(replace(OPTIONS, **changes)).context for changes in others}
    contexts |= {one.context, fitness(data_digest="other").context}
    assert len(contexts) == len(others) + 2


def test_a_training_that_diverges_is_told(one):
    (evaluation,) = measured(one, replace(HAND, lr=1e30))
    assert evaluation.outcome == "diverged"
    assert evaluation.work == one.budgets[-1]


def test_blocks_of_no_weight_are_left_alone(one):
    """With nothing to learn but the head's logits, the body keeps its first parameters."""
    started = one.network(replace(CENTRE, loss_weight=(0, 0), lr=1e-30), 0, 1)
    trained = one.network(replace(CENTRE, loss_weight=(0, 0)), 0, 3)
    moved = {name for name, value in trained.parameters.items() if not torch.equal(value, started.parameters[name])}
    assert moved == {"head"}


ORACLE = replace(OPTIONS, held_out="validation")


def test_an_oracles_networks_learn_all_training_images_and_are_measured_on_validation():
    oracle = fitness(ORACLE)
    (evaluation,) = measured(oracle, CENTRE)
    assert oracle.budgets == [1 * 2 * 24, 3 * 2 * 24, 3 * 3 * 24]
    networks = [oracle.network(CENTRE, number, 3) for number in range(3)]
    right = [float(network.correct(oracle.task.validation).mean()) for network in networks]
    assert evaluation.values == (pytest.approx(np.mean(right)),)
    assert not same(networks[0], networks[1]), "which begin elsewhere"
    assert all(len(oracle.fold(number).task.labels) == 24 for number in range(3))
    stripes = split(12, 1)["stripes"]
    mislabelled = {"stripes": replace(stripes, labels=(stripes.labels + 1) % 3)}
    assert measured(fitness(ORACLE, validation=mislabelled), CENTRE)[0].values[0] < evaluation.values[0]


def test_an_oracle_has_fresh_starts_and_says_that_it_is_one(one):
    oracle = fitness(ORACLE)
    fresh = oracle.fresh()
    assert len({one.context, oracle.context, fresh.context}) == 3
    assert not same(parameters(oracle), parameters(fresh))
    assert fresh.fold(0).task is oracle.task


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"held_out": "validation", "images": 9}, "images: is of folds; with held_out validation"),
        ({"rungs": (Rung(folds=3, epochs=10),)}, "rungs: must ascend"),
        ({"rungs": (Rung(folds=2), Rung(epochs=5))}, "rungs: must ascend"),
        ({"smoothing": (1,)}, "smoothing: must have a number for each of 3 blocks"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        HeldOutAccuracy(**options)


def test_another_budget_is_refused(one):
    with pytest.raises(ValueError, match=r"budget must be one of \[32, 96, 144\], got 5"):
        list(one.evaluate([CENTRE], 5))

import math

import numpy as np
import pytest
import torch

from evokit.statistics.verdicts import verdict
from evokit_activations.analyses.ensembles import calibration_error, leads, nll, together

# Probability of class 0 of two images of class 0 and one of class 1, seen by three networks.
SEEN = [[0.9, 0.4, 0.2], [0.4, 0.8, 0.3], [0.3, 0.7, 0.6]]
LABELS = torch.tensor([0, 0, 1])


def of_two_classes(probabilities):
    first = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([first, 1 - first], -1)


def test_networks_alone_and_together():
    found = together(of_two_classes(SEEN), LABELS)
    assert found["accuracy"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3) / 3)
    assert found["deviation"] == pytest.approx(27**-0.5)  # of 2/3, 2/3 and 1/3
    assert found["disagreement"] == pytest.approx((2 / 3 + 1 + 1 / 3) / 3)
    # Means of two: 0.65, 0.6, 0.25; of three: 0.533, 0.633, 0.367.
    assert [found[f"ensemble_of_{k}"] for k in (1, 2, 3)] == pytest.approx([2 / 3, 1, 1])
    right = [0.9, 0.4, 0.8, 0.4, 0.8, 0.7, 0.3, 0.7, 0.4]
    assert found["nll"] == pytest.approx(-np.log(right).mean())
    assert found["ensemble_nll"] == pytest.approx(-np.log([1.6 / 3, 1.9 / 3, 1.9 / 3]).mean())
    # Confidence and whether it is right, alone: 0.9, not 0.6, 0.8; not 0.6, 0.8, 0.7; not 0.7 and 0.7, not 0.6.
    errors = [(0.1 + 0.6 + 0.2) / 3, (0.6 + 0.2 + 0.3) / 3, (abs(0.7 + 0.7 - 1) + 0.6) / 3]
    assert found["ece"] == pytest.approx(sum(errors) / 3)
    # Together all are right, with confidence 0.533 and twice 0.633.
    assert found["ensemble_ece"] == pytest.approx((1 - 1.6 / 3 + 2 * (1 - 1.9 / 3)) / 3)


def test_errors_of_images_that_are_equally_sure_make_up_for_each_other():
    """Half of those that are sure by about one half are right: a calibrated network, though each image is not."""
    probabilities = of_two_classes([0.51, 0.51, 0.51, 0.51])
    assert calibration_error(probabilities, torch.tensor([0, 0, 1, 1])) == pytest.approx(0.01)
    assert calibration_error(probabilities, torch.tensor([0, 0, 0, 0])) == pytest.approx(0.49)


def test_a_network_that_is_sure_and_right_has_no_error_and_one_that_is_wrong_the_largest():
    sure = of_two_classes([1.0, 0.0])
    assert calibration_error(sure, torch.tensor([0, 1])) == 0
    assert calibration_error(sure, torch.tensor([1, 0])) == 1
    assert math.isfinite(float(nll(sure, torch.tensor([1, 0])).mean()))
    assert nll(sure, torch.tensor([0, 1])).tolist() == [0, 0]


def test_what_ensembles_are_ahead_is_what_a_verdict_says():
    rng = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (40,), generator=rng)
    logits = torch.randn((2, 3, 2, 40, 3), generator=rng)
    logits[0] += 2 * torch.nn.functional.one_hot(labels, 3)  # ours know something
    ours, theirs = logits.softmax(-1)
    found = leads(ours, theirs, labels, "sgd")
    right = [(one.double().mean(1).argmax(-1) == labels).double() for one in (ours, theirs)]
    losses = [nll(one.double().mean(1), labels) for one in (ours, theirs)]
    for name, sides, goal in (("accuracy", right, "max"), ("nll", losses, "min")):
        said = verdict("sgd", *sides, goal, "")
        ends = found[f"{name}_less_sgd_low"], found[f"{name}_less_sgd_high"]
        assert (found[f"{name}_less_sgd"], ends) == (said.difference, said.interval)
        assert said.verdict == "better"
    assert len(found) == 6

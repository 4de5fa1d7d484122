import numpy as np
import pytest

from evokit_activations.baselines import build_sgd
from evokit_activations.options import Sgd

from .tiny import TEST, around


def test_a_lower_budget_leaves_no_network(shards, tmp_path):
    contender = build_sgd(Sgd(convolutions=(2,)), around(shards))
    evaluation = contender.fit(contender.settings(None)[0], 1, contender.budgets[0], tmp_path)
    assert (evaluation.work, evaluation.artifact) == (2 * 24, "")
    with pytest.raises(ValueError, match="budget must be one of"):
        contender.fit(contender.settings(None)[0], 1, 5, tmp_path)


@pytest.mark.parametrize("momentum", [0.0, 0.85])
def test_a_fit_goes_on_from_a_lower_budget_to_the_same_network(shards, tmp_path, momentum):
    contender = build_sgd(Sgd(convolutions=(2,), momentum=(momentum,)), around(shards))
    (setting,) = contender.settings(None)
    whole = contender.fit(setting, 1, contender.budgets[-1], tmp_path / "whole")
    contender.fit(setting, 1, contender.budgets[0], tmp_path / "raced")
    rest = contender.fit(setting, 1, contender.budgets[-1], tmp_path / "raced")
    assert (rest.values, rest.metrics) == (whole.values, whole.metrics)
    assert (whole.work, rest.work) == (4 * 24, 2 * 24)
    files = [(tmp_path / place / "network.safetensors").read_bytes() for place in ("whole", "raced")]
    assert files[0] == files[1]


def test_a_training_that_diverges_is_told(shards, tmp_path):
    contender = build_sgd(Sgd(convolutions=(2,), lr=(1e30,)), around(shards))
    evaluation = contender.fit(contender.settings(None)[0], 1, contender.budgets[-1], tmp_path)
    assert evaluation.outcome == "diverged"


def test_a_network_read_from_its_file_has_the_recorded_accuracy(learned, shards):
    contender, evaluation = learned
    again = contender.score(evaluation.artifact, {"stripes": shards.task.validation})
    assert again.mean() == evaluation.values[0]
    assert set(np.unique(contender.score(evaluation.artifact, TEST))) <= {0.0, 1.0}


def test_a_rehearsal_tells_seconds_and_bytes(shards, tmp_path):
    seconds, size = build_sgd(Sgd(convolutions=(2,)), around(shards)).rehearse(tmp_path)
    assert seconds > 0
    assert size > 0

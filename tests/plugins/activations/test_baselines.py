import pytest
import torch

from evokit_activations.baselines import build_frozen_body, build_sgd
from evokit_activations.models import read_network
from evokit_activations.options import FrozenBody, Sgd

from .tiny import around


@pytest.mark.parametrize(
    ("build", "options"),
    [(build_sgd, Sgd(convolutions=(2,))), (build_frozen_body, FrozenBody(lr=(0.1,)))],
    ids=["sgd", "frozen_body"],
)
def test_labels_alone_make_a_network_too(shards, build, options, tmp_path):
    contender = build(options, around(shards))
    (setting,) = contender.settings(None)
    evaluation = contender.fit(setting, 1, contender.budgets[-1], tmp_path)
    again = contender.fit(setting, 1, contender.budgets[-1], tmp_path / "again")
    assert evaluation.ok
    assert evaluation.work == 4 * 24
    assert (tmp_path / "network.safetensors").read_bytes() == (tmp_path / "again/network.safetensors").read_bytes()
    assert again.values == evaluation.values


def test_a_frozen_body_is_the_untrained_network(shards, tmp_path):
    contender = build_frozen_body(FrozenBody(lr=(0.1,)), around(shards))
    contender.fit(contender.settings(None)[0], 1, contender.budgets[-1], tmp_path)
    network = read_network(tmp_path / "network.safetensors")
    for name, value in shards.task.untrained.parameters.items():
        assert torch.equal(network.parameters[name], value) == (name != "head")

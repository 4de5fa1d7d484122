import copy

import numpy as np
import pytest
import torch
from torch import nn

from evokit.networks.layers import LowRank, adapt, freeze, matches, matching, merged, multiply_adds, replace, trained
from evokit.networks.source import seeded
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.crystals.matrices import LowRank as Factors
from tests.networks.nets import Attending, Net, Pictures

STREAMS = Streams(0)


def net(kind=Net, **options):
    with seeded(STREAMS):
        return kind(**options)


def test_a_pattern_is_a_name_or_the_end_of_one():
    assert matches("transformer.h.3.mlp.c_fc", "h.*.mlp.c_fc")
    assert matches("body.0", "body.0")
    assert not matches("antibody.0", "body.0")


def test_slots_are_in_the_order_of_the_module_and_turned_as_x_is():
    from transformers.pytorch_utils import Conv1D

    module = nn.ModuleDict({"b": nn.Linear(3, 8), "a": Conv1D(5, 2)})
    assert list(matching(module, "?").items()) == [("b", (3, 8)), ("a", (2, 5))]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("boddy.0", "no layer of the module matches 'boddy.0'; did you mean 'body.0'.*body.0, body.3, head"),
        ("body.1", "means body.1, a Tanh; only linear layers"),
    ],
)
def test_a_pattern_that_means_no_linear_layer_is_told(pattern, said):
    with pytest.raises(ValueError, match=said):
        matching(net(), pattern)


def test_a_matrix_that_layers_share_is_refused():
    module = net()
    module.tail = nn.Linear(8, 1)
    module.tail.weight = module.head.weight
    with pytest.raises(ValueError, match="shares its matrix"):
        matching(module, "head")


def test_frozen_are_layers_and_parameters_by_name():
    module = net()
    freeze(module, ["body.0", "head.bias"])
    assert list(trained(module)) == ["body.3.weight", "body.3.bias", "head.weight"]
    freeze(module, ["*"])
    assert trained(module) == {}
    with pytest.raises(ValueError, match="no layer or parameter of the module matches 'tail'"):
        freeze(module, ["tail"])


def test_a_replaced_layer_multiplies_by_the_matrix_and_keeps_its_bias(rng):
    module, W = net(), rng.normal(size=(8, 8))
    x = torch.randn(5, 8, generator=STREAMS.torch())
    bias = module.body[3].bias
    replace(module, {"body.3": Dense(W)}, {"body.3": (8, 8)})
    assert torch.allclose(module.body[3](x), x @ torch.tensor(W, dtype=torch.float32) + bias)
    assert multiply_adds(module) == 64


@pytest.mark.parametrize(
    ("names", "shape", "said"),
    [(["body.3"], (3, 8), r"must be \(8, 8\)"), ([], (8, 8), "body.3 is missing"), (["head"], (8, 1), "no layer head")],
)
def test_matrices_that_do_not_fill_the_slots_are_refused(names, shape, said):
    with pytest.raises(ValueError, match=said):
        replace(net(), {name: Dense(np.ones(shape)) for name in names}, {"body.3": (8, 8)})


def test_an_adapter_begins_as_nothing_and_adds_scale_B_A():  # noqa: N802 - the formula's names
    module, x = net(), torch.randn(5, 3, generator=STREAMS.torch())
    before = module(x)
    adapt(module, {"body.0": 2, "head": 0}, 8.0, STREAMS)
    assert torch.equal(module(x), before)
    assert not isinstance(module.head, LowRank)
    one = module.body[0]
    with torch.no_grad():
        one.B.fill_(0.5)
    assert torch.allclose(one(x), one.layer(x) + 8 / 2 * (x @ one.A.T @ one.B.T))
    assert multiply_adds(module) == 2 * (3 + 8)


def test_a_lower_rank_begins_like_the_first_rows_of_a_higher_one():
    low, high = (LowRank(nn.Linear(3, 8), rank, 1.0, STREAMS).A for rank in (2, 3))
    assert torch.equal(low, high[:2])


@pytest.mark.parametrize("rank", [-1, 9, 1.5, True])
def test_a_rank_that_is_none_is_refused(rank):
    with pytest.raises(ValueError, match=r"the rank at body\.3 must be a whole number from 0 to 8"):
        adapt(net(), {"body.3": rank}, 1.0, STREAMS)


def test_what_is_merged_is_the_users_own_module_again(rng):
    from transformers.pytorch_utils import Conv1D

    clean = net()
    clean.body[0] = Conv1D(8, 3)
    module, x = copy.deepcopy(clean), torch.randn(5, 3, generator=STREAMS.torch())
    matrix = Factors(rng.normal(size=(8, 2)), rng.normal(size=(8, 2)))
    replace(module, {"body.3": matrix}, {"body.3": (8, 8)})
    adapt(module, {"body.0": 2}, 8.0, STREAMS)
    with torch.no_grad():
        module.body[0].B.normal_(generator=STREAMS.torch())
    clean.load_state_dict(merged(module))
    assert torch.allclose(clean(x), module(x), atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_modules_that_read_the_weights_of_their_layers_read_the_individuals(training, rng):
    clean = net(Attending)
    module, x = copy.deepcopy(clean), torch.randn(2, 3, 4, generator=STREAMS.torch())
    slots = {"layer.linear1": (4, 8), "layer.self_attn.out_proj": (4, 4)}
    replace(module, {name: Dense(rng.normal(size=shape)) for name, shape in slots.items()}, slots)
    adapt(module, {"layer.linear2": 1}, 1.0, STREAMS)
    clean.load_state_dict(merged(module))
    with torch.no_grad():
        assert torch.allclose(clean.train(training)(x), module.train(training)(x), atol=1e-5)


def test_only_what_is_linear_is_linear():
    with pytest.raises(ValueError, match="conv, a Conv2d"):
        matching(net(Pictures), "conv")

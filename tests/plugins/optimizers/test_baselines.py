"""Known optimizers as contenders."""

import numpy as np
import pytest
import torch

from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_optimizers.baselines import Known, hidden_matrices, lion
from evokit_optimizers.finished import read_networks
from evokit_optimizers.known import KNOWN
from evokit_optimizers.networks import ConvNet
from evokit_optimizers.options import Adam, AdamW, Lion, LrSchedule, Muon, NAdam, RmsProp, Sgd
from evokit_optimizers.rule import canonical
from evokit_optimizers.training import Evolved
from tests.plugins.optimizers.tiny_tasks import OPTIONS, TEST, context

ALL = (Sgd, Adam, AdamW, NAdam, RmsProp, Lion, Muon)
NETWORK = ConvNet("batchnorm_cnn", (8, 8, 3), 3, channels=(2, 3), hidden=5)
N_STEPS = 10


@pytest.fixture(scope="module")
def fitness():
    return OPTIONS.build(context())


def contender(options, fitness):
    return options.build(Context(Streams(0), fitness=fitness))


def setting_of(options, fitness):
    return contender(options, fitness).settings(None)[0]


def recorded():
    generator = torch.Generator().manual_seed(0)
    return NETWORK.initial(generator), torch.randn(N_STEPS, NETWORK.n_parameters, generator=generator)


def path(method, start, gradients):
    parameters = start.clone()
    update = method.start(NETWORK, parameters, N_STEPS)
    for t, gradient in enumerate(gradients):
        update.step(parameters, gradient, t)
    return parameters


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.method)
def test_a_fit_leaves_networks_that_can_be_scored(options, fitness, tmp_path):
    one = contender(options(), fitness)
    result = one.fit(one.settings(None)[0], 1, 24, tmp_path)
    networks, about = read_networks(tmp_path / "networks.safetensors")
    assert result.ok
    assert result.work == 24
    assert result.artifact == str(tmp_path / "networks.safetensors")
    assert result.values[0] == pytest.approx(np.mean([network.accuracy for network in networks]))
    assert about["method"] == options.method
    assert one.score(tmp_path / "networks.safetensors", TEST).shape == (30,)


def test_settings_are_all_combinations(fitness):
    options = Sgd(lr=(0.1, 0.2), weight_decay=(0.0,), nesterov=(False, True))
    settings = contender(options, fitness).settings(None)
    plain = {"weight_decay": 0.0, "momentum": 0.9, "schedule": {"warmup": 0.0, "decay": "none", "decay_span": 1.0}}
    assert settings == [{**plain, "lr": lr, "nesterov": flag} for lr in (0.1, 0.2) for flag in (False, True)]


def test_the_grid_is_the_articles_by_default(fitness):
    assert len(contender(Adam(), fitness).settings(None)) == 9


@pytest.mark.parametrize("options", [Sgd, Adam, AdamW, NAdam, RmsProp], ids=lambda options: options.method)
def test_the_flat_vector_is_moved_like_separate_tensors(options, fitness, float64):
    """By the same torch optimizer with one parameter a tensor."""
    setting = setting_of(options(lr=(0.01,), weight_decay=(0.1,)), fitness)
    start, gradients = recorded()
    names = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "nadam": "NAdam", "rmsprop": "RMSprop"}
    arguments = {name: value for name, value in setting.items() if name != "schedule"}
    tensors = [view.detach().clone() for view in NETWORK.views(start)]
    optimizer = getattr(torch.optim, names[options.method])(tensors, **arguments)
    for gradient in gradients:
        for tensor, piece in zip(tensors, NETWORK.views(gradient), strict=True):
            tensor.grad = piece.detach()
        optimizer.step()
    ours = path(Known(options.method, setting), start, gradients)
    torch.testing.assert_close(ours, torch.cat([tensor.flatten() for tensor in tensors]))


def test_muon_moves_hidden_matrices_and_adamw_the_rest(fitness, float64):
    options = Muon(lr=(0.02,), weight_decay=(0.1,), adamw_lr=(0.003,))
    start, gradients = recorded()
    ours = NETWORK.views(path(Known("muon", setting_of(options, fitness)), start, gradients))
    tensors = [view.detach().clone() for view in NETWORK.views(start)]
    names = [parameter.name for parameter in NETWORK.parameters]
    places = [names.index(f"{layer}.weight") for layer in ("conv0.1", "conv1.0", "conv1.1", "hidden")]
    assert hidden_matrices(NETWORK) == places
    matrices = [tensors[place].view(len(tensors[place]), -1) for place in places]
    rest = [tensor for place, tensor in enumerate(tensors) if place not in places]
    muon = torch.optim.Muon(matrices, lr=0.02, weight_decay=0.1, momentum=0.95)
    adamw = torch.optim.AdamW(rest, lr=0.003, weight_decay=0.1)
    for gradient in gradients:
        pieces = [view.detach() for view in NETWORK.views(gradient)]
        for place, matrix in zip(places, matrices, strict=True):
            matrix.grad = pieces[place].view(matrix.shape)
        others = [piece for place, piece in enumerate(pieces) if place not in places]
        for tensor, piece in zip(rest, others, strict=True):
            tensor.grad = piece
        muon.step()
        adamw.step()
    for one, other in zip(ours, tensors, strict=True):
        torch.testing.assert_close(one.detach(), other)


def test_lion_is_the_known_rule(fitness):
    options = Lion(lr=(1e-4,), weight_decay=(0.1,))
    assert canonical(lion(setting_of(options, fitness))) == canonical(KNOWN["lion"])


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.method)
def test_a_schedule_scales_the_learning_rate_as_in_rules(options, fitness):
    start, gradients = recorded()
    falling = LrSchedule(decay="linear", decay_span=1.0)
    one = contender(options(lr=(0.01,), weight_decay=(0.0,), schedule=(falling,)), fitness)
    method = one._method(one.settings(None)[0])
    parameters = start.clone()
    update = method.start(NETWORK, parameters, N_STEPS)
    sizes = []
    for t in (0, N_STEPS):  # the factor is 1, then 0
        before = parameters.clone()
        update.step(parameters, gradients[0], t)
        sizes.append((parameters - before).abs().max().item())
    assert sizes[0] > 0
    assert sizes[1] == 0


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.method)
def test_a_training_goes_on_from_its_state(options, fitness):
    start, gradients = recorded()
    one = contender(options(), fitness)
    method = one._method(one.settings(None)[0])
    expected = path(method, start, gradients)
    first = start.clone()
    update = method.start(NETWORK, first, N_STEPS)
    for t in range(4):
        update.step(first, gradients[t], t)
    state, second = update.state_dict(), first.clone()
    update.step(first, gradients[4], 4)  # a state is a copy
    update = method.start(NETWORK, second, N_STEPS)
    update.load_state_dict(state)
    for t in range(4, N_STEPS):
        update.step(second, gradients[t], t)
    assert torch.equal(second, expected)


def test_known_adam_trains_like_the_rule(float64):
    """The same loop, so the same parameters up to rounding."""
    fitness = OPTIONS.build(context())
    setting = setting_of(Adam(lr=(1e-3,), weight_decay=(0.0,)), fitness)
    replicates = fitness.replicates(Streams(0))
    networks = [
        fitness.trainer.train(method, replicates, 12, 12).networks
        for method in (Known("adam", setting), Evolved(KNOWN["adam"]))
    ]
    for one, other in zip(*networks, strict=True):
        torch.testing.assert_close(one.parameters, other.parameters)


def test_the_same_setting_and_seed_give_the_same_networks(fitness, tmp_path):
    one = contender(Adam(), fitness)
    setting = one.settings(None)[0]
    for name in ("a", "b"):
        one.fit(setting, 1, 24, tmp_path / name)
    first, second = (tmp_path / name / "networks.safetensors" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_an_old_torch_has_no_muon(fitness, monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(UserError, match=r"baseline muon: torch .* has no Muon; it needs 2.9 or newer"):
        contender(Muon(), fitness)


def test_a_span_above_the_horizon_is_refused():
    with pytest.raises(ValueError, match="decay_span must be at most 1, got 2"):
        LrSchedule(decay_span=2)

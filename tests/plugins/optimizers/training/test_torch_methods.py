"""Known optimizers at work on a flat vector."""

import pytest
import torch

from evokit_optimizers.baselines import grid, method_of
from evokit_optimizers.rivals import Adam, AdamW, Lion, LrSchedule, Muon, NAdam, RmsProp, Sgd
from evokit_optimizers.rules.schedule import memory
from evokit_optimizers.tasks.convnet import ConvNet
from evokit_optimizers.training.torch_methods import TorchMethod

ALL = (Sgd, Adam, AdamW, NAdam, RmsProp, Lion, Muon)
NETWORK = ConvNet("batchnorm_cnn", (8, 8, 3), 3, channels=(2, 3), hidden=5)
N_STEPS = 10


def recorded():
    generator = torch.Generator().manual_seed(0)
    return NETWORK.initial(generator), torch.randn(N_STEPS, NETWORK.n_parameters, generator=generator)


def path(method, start, gradients):
    parameters = start.clone()
    update = method.start(NETWORK, parameters, N_STEPS)
    for t, gradient in enumerate(gradients):
        update.step(parameters, gradient, t)
    return parameters


@pytest.mark.parametrize("options", [Sgd, Adam, AdamW, NAdam, RmsProp], ids=lambda options: options.method)
def test_the_flat_vector_is_moved_like_separate_tensors(options, float64):
    """By the same torch optimizer with one parameter a tensor."""
    setting = grid(options(lr=(0.01,), weight_decay=(0.1,)))[0]
    start, gradients = recorded()
    names = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "nadam": "NAdam", "rmsprop": "RMSprop"}
    arguments = {name: value for name, value in setting.items() if name != "schedule"}
    tensors = [view.detach().clone() for view in NETWORK.views(start)]
    optimizer = getattr(torch.optim, names[options.method])(tensors, **arguments)
    for gradient in gradients:
        for tensor, piece in zip(tensors, NETWORK.views(gradient), strict=True):
            tensor.grad = piece.detach()
        optimizer.step()
    ours = path(TorchMethod(options.method, setting), start, gradients)
    torch.testing.assert_close(ours, torch.cat([tensor.flatten() for tensor in tensors]))


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch before 2.9 has no Muon")
def test_muon_moves_hidden_matrices_and_adamw_the_rest_as_torchs_but_for_bfloat16(float64, monkeypatch):
    """And but for the 1e-7 that is added to a norm, or bounds it from below."""
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    options = Muon(lr=(0.02,), weight_decay=(0.1,), adamw_lr=(0.003,), adamw_betas=((0.8, 0.95),))
    start, gradients = recorded()
    ours = NETWORK.views(path(method_of("muon", grid(options)[0]), start, gradients))
    tensors = [view.detach().clone() for view in NETWORK.views(start)]
    names = [parameter.name for parameter in NETWORK.parameters]
    inner = [names.index(f"{layer}.weight") for layer in ("conv0.1", "conv1.0", "conv1.1", "hidden")]
    matrices = [tensors[i].view(len(tensors[i]), -1) for i in inner]
    rest = [tensor for i, tensor in enumerate(tensors) if i not in inner]
    muon = torch.optim.Muon(matrices, lr=0.02, weight_decay=0.1, momentum=0.95)
    adamw = torch.optim.AdamW(rest, lr=0.003, betas=(0.8, 0.95), weight_decay=0.1)
    for gradient in gradients:
        pieces = [view.detach() for view in NETWORK.views(gradient)]
        for i, matrix in zip(inner, matrices, strict=True):
            matrix.grad = pieces[i].view(matrix.shape)
        others = [piece for i, piece in enumerate(pieces) if i not in inner]
        for tensor, piece in zip(rest, others, strict=True):
            tensor.grad = piece
        muon.step()
        adamw.step()
    for one, other in zip(ours, tensors, strict=True):
        torch.testing.assert_close(one.detach(), other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.method)
def test_a_schedule_scales_the_learning_rate_as_in_rules(options):
    start, gradients = recorded()
    falling = LrSchedule(decay="linear", decay_span=1.0)
    setting = grid(options(lr=(0.01,), weight_decay=(0.0,), schedule=(falling,)))[0]
    method = method_of(options.method, setting)
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
def test_weights_are_averaged_for_evaluation_as_in_rules_and_from_a_state_on(options):
    start, gradients = recorded()
    plain, averaged = (
        method_of(options.method, grid(options(schedule=(LrSchedule(averaging=span),)))[0]) for span in (0.0, 0.5)
    )
    path, mean, update = [], torch.zeros_like(start), plain.start(NETWORK, parameters := start.clone(), N_STEPS)
    for t, gradient in enumerate(gradients):
        update.step(parameters, gradient, t)
        path.append(parameters.clone())
        kept = memory(t, N_STEPS, 0.5)
        mean = kept * mean + (1 - kept) * parameters
    assert torch.equal(update.evaluated(parameters), parameters)
    first = averaged.start(NETWORK, parameters := start.clone(), N_STEPS)
    for t in range(4):
        first.step(parameters, gradients[t], t)
    second = averaged.start(NETWORK, parameters, N_STEPS)
    second.load_state_dict(first.state_dict())
    for t in range(4, N_STEPS):
        second.step(parameters, gradients[t], t)
    assert torch.equal(parameters, path[-1])
    torch.testing.assert_close(second.evaluated(parameters), mean)


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.method)
def test_a_training_goes_on_from_its_state(options):
    start, gradients = recorded()
    method = method_of(options.method, grid(options())[0])
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

from dataclasses import replace

import pytest
import torch

from evokit_optimizers.rules.engine import FlatUpdate
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.schedule import schedule
from tests.plugins.optimizers.rules.random_rules import N_PARAMETERS, SHAPES, recorded, replayed

PLAIN = [name for name, rule in KNOWN.items() if not rule.parts]


class Lion(torch.optim.Optimizer):
    """Algorithm 2 of Chen et al. 2023."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                update = beta1 * m + (1 - beta1) * p.grad
                p -= group["lr"] * (torch.sign(update) + group["weight_decay"] * p)
                m.copy_(beta2 * m + (1 - beta2) * p.grad)


def _references(rule):
    betas = (rule.beta1, rule.beta2)
    decayed = {"lr": rule.lr, "weight_decay": rule.weight_decay}
    return {
        "sgd": lambda ps: torch.optim.SGD(ps, lr=rule.lr * (1 - rule.beta1), momentum=rule.beta1),
        "adam": lambda ps: torch.optim.Adam(ps, betas=betas, eps=rule.eps, **decayed),
        "adamw": lambda ps: torch.optim.AdamW(ps, betas=betas, eps=rule.eps, **decayed),
        "rmsprop": lambda ps: torch.optim.RMSprop(ps, alpha=rule.beta2, eps=rule.eps, **decayed),
        "lion": lambda ps: Lion(ps, betas=betas, **decayed),
    }


def _reference_path(optimizer, start, gradients):
    parameters = [piece.clone().requires_grad_() for piece in start.split([15, 7, 12, 1])]
    parameters = [torch.nn.Parameter(p.detach().view(shape)) for p, shape in zip(parameters, SHAPES, strict=True)]
    made, path = optimizer(parameters), []
    for gradient in gradients:
        for p, g in zip(parameters, gradient.split([15, 7, 12, 1]), strict=True):
            p.grad = g.view(p.shape).clone()
        made.step()
        path.append(torch.cat([p.detach().flatten() for p in parameters]))
    return torch.stack(path)


def _assert_near(path, reference, tolerance):
    error = torch.linalg.vector_norm(path - reference, dim=1) / torch.linalg.vector_norm(reference, dim=1)
    assert error.max() < tolerance


class AdEMAMix(torch.optim.Optimizer):
    """Algorithm 1 of Pagliardini et al. 2024, "The AdEMAMix Optimizer", without the schedulers of alpha and beta3."""

    def __init__(self, params, lr, betas, alpha, eps, weight_decay):
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay})
        self._betas, self._k = betas, 0

    @torch.no_grad()
    def step(self):
        beta1, beta2, beta3 = self._betas
        self._k += 1
        for group in self.param_groups:
            for p in group["params"]:
                names = ("fast", "slow", "square")
                fast, slow, square = (self.state[p].setdefault(name, torch.zeros_like(p)) for name in names)
                fast.copy_(beta1 * fast + (1 - beta1) * p.grad)
                slow.copy_(beta3 * slow + (1 - beta3) * p.grad)
                square.copy_(beta2 * square + (1 - beta2) * p.grad**2)
                mixed = fast / (1 - beta1**self._k) + group["alpha"] * slow
                update = mixed / ((square / (1 - beta2**self._k)).sqrt() + group["eps"])
                p -= group["lr"] * (update + group["weight_decay"] * p)


def test_ademamix_is_a_rule():
    rule = Rule((("ADAM_TERM", 1.0), ("LONG_ADAM_TERM", 5.0)), lr=0.01, beta3=0.99, weight_decay=0.1)
    start, gradients = recorded(60)
    theirs = _reference_path(lambda ps: AdEMAMix(ps, rule.lr, (0.9, 0.999, 0.99), 5.0, rule.eps, 0.1), start, gradients)
    _assert_near(replayed(rule, start, gradients), theirs, 1e-10)


@pytest.mark.parametrize("name", PLAIN)
def test_known_optimizers_equal_their_references_on_recorded_gradients(name):
    rule = KNOWN[name]
    start, gradients = recorded(100)
    _assert_near(replayed(rule, start, gradients), _reference_path(_references(rule)[name], start, gradients), 1e-10)


@pytest.mark.parametrize("name", PLAIN)
def test_known_optimizers_equal_their_references_in_free_training(name):
    rule = replace(KNOWN[name], lr=KNOWN[name].lr * 10)
    parameters, by_torch = _flat_net(), _flat_net().requires_grad_()
    update = FlatUpdate(rule, NET_SHAPES, 100, torch.float64)
    optimizer = _references(rule)[name]([by_torch])
    for t in range(100):
        update.step(parameters, _loss_gradient(parameters, t), t)
        by_torch.grad = _loss_gradient(by_torch, t)
        optimizer.step()
    assert torch.linalg.vector_norm(parameters - _flat_net()) > 0.05
    _assert_near(parameters[None], by_torch.detach()[None], 1e-8)


NET_SHAPES = ((8, 4), (8,), (3, 8), (3,))


def _flat_net():
    return torch.randn(67, generator=torch.Generator().manual_seed(1), dtype=torch.float64) / 3


def _loss_gradient(flat, t):
    """Of a two-layer net's cross-entropy on batch ``t``."""
    generator = torch.Generator().manual_seed(100 + t)
    x = torch.randn(16, 4, generator=generator, dtype=torch.float64)
    leaf = flat.detach().clone().requires_grad_()
    w1, b1, w2, b2 = (p.view(s) for p, s in zip(leaf.split([32, 8, 24, 3]), NET_SHAPES, strict=True))
    logits = torch.tanh(x @ w1.T + b1) @ w2.T + b2
    loss = torch.nn.functional.cross_entropy(logits, x[:, :3].argmax(1))
    return torch.autograd.grad(loss, leaf)[0]


@pytest.mark.parametrize(
    ("rule", "reference"),
    [
        (
            Rule((("ADAM_TERM", 1.0),), weight_decay=0.1, decoupled=False),
            lambda ps: torch.optim.Adam(ps, weight_decay=0.1),
        ),
        (Rule((("AMSGRAD", 1.0),), beta2=0.9), lambda ps: torch.optim.Adam(ps, betas=(0.9, 0.9), amsgrad=True)),
        (
            Rule((("NESTEROV", 1.0),), lr=0.1, bias_correction=False),
            lambda ps: torch.optim.SGD(ps, lr=0.1 * (1 - 0.9), momentum=0.9, nesterov=True),
        ),
        (Rule((("GRAD", -1.0),), lr=0.1), lambda ps: torch.optim.SGD(ps, lr=0.1, maximize=True)),
    ],
    ids=["L2 decay", "AMSGrad", "Nesterov", "ascent"],
)
def test_further_rules_equal_theirs_in_torch(rule, reference):
    start, gradients = recorded(50)
    _assert_near(replayed(rule, start, gradients), _reference_path(reference, start, gradients), 1e-10)


def test_norm_clipping_is_that_of_torch():
    class Clipped(torch.optim.SGD):
        def step(self):
            torch.nn.utils.clip_grad_norm_(self.param_groups[0]["params"], 2.0)
            super().step()

    start, gradients = recorded(10)
    rule = Rule((("GRAD", 1.0),), lr=0.1, clipping="norm", clip_size=2.0)
    _assert_near(
        replayed(rule, start, gradients), _reference_path(lambda ps: Clipped(ps, lr=0.1), start, gradients), 1e-12
    )


def _first_step(rule, gradient, start=None):
    start = torch.zeros(N_PARAMETERS, dtype=torch.float64) if start is None else start
    return start - replayed(rule, start, gradient[None])[0]


def test_value_clipping_cuts_each_element():
    gradient = torch.linspace(-3, 3, N_PARAMETERS, dtype=torch.float64)
    step = _first_step(Rule((("GRAD", 1.0),), lr=1.0, clipping="value", clip_size=0.5), gradient)
    assert torch.equal(step, gradient.clamp(-0.5, 0.5))


@pytest.mark.parametrize("decay", [1.0, 2.0])
def test_l2_decay_is_added_after_clipping(decay):
    start = torch.ones(N_PARAMETERS, dtype=torch.float64)
    rule = Rule((("GRAD", 1.0),), lr=1.0, weight_decay=decay, decoupled=False, clipping="value", clip_size=0.5)
    assert torch.equal(_first_step(rule, 9 * start, start), (0.5 + decay) * start)


def test_decoupled_decay_shrinks_before_the_step():
    start = torch.ones(N_PARAMETERS, dtype=torch.float64)
    rule = Rule((("SIGN_GRAD", 1.0),), lr=0.5, weight_decay=0.5)
    assert torch.equal(_first_step(rule, start, start), (0.25 + 0.5) * start)


def test_the_schedule_scales_the_step_and_follows_the_horizon_not_the_steps_made():
    rule = Rule((("GRAD", 1.0),), lr=1.0, warmup=0.2, decay="cosine", decay_span=0.5)
    start, gradients = torch.zeros(N_PARAMETERS).double(), torch.ones(8, N_PARAMETERS).double()
    steps = -replayed(rule, start, gradients, n_steps=10)[:, 0].diff(prepend=start[:1])
    expected = [schedule(t, 10, 0.2, "cosine", 0.5) for t in range(8)]
    assert steps.tolist() == pytest.approx(expected)


def test_terms_are_summed_with_their_weights():
    gradient = torch.full((N_PARAMETERS,), 2.0, dtype=torch.float64)
    rule = Rule((("GRAD", 2.0), ("SIGN_GRAD", -0.5), ("GRAD_DIFFERENCE", 0.25), ("MOMENTUM", 1.0)), lr=1.0)
    assert _first_step(rule, gradient).tolist() == [4.0 - 0.5 + 0.5 + 2.0] * N_PARAMETERS


def test_the_difference_is_to_the_gradient_of_the_step_before():
    gradients = torch.stack([torch.full((N_PARAMETERS,), value) for value in (1.0, 4.0, 2.0)])
    path = replayed(Rule((("GRAD_DIFFERENCE", 1.0),), lr=1.0), torch.zeros(N_PARAMETERS), gradients)
    assert path[:, 0].tolist() == [-1.0, -4.0, -2.0]


def test_normed_gradients_have_norm_one_in_each_tensor():
    _, gradients = recorded(1)
    step = _first_step(Rule((("NORM_GRAD", 1.0),), lr=1.0), gradients[0])
    assert [float(torch.linalg.vector_norm(piece)) for piece in step.split([15, 7, 12, 1])] == pytest.approx([1] * 4)


def test_a_norm_counts_with_its_eps():
    _, gradients = recorded(1)
    step = _first_step(Rule((("NORM_GRAD", 1.0),), lr=1.0, eps=0.5), gradients[0])
    expected = torch.cat([piece / (piece.square().sum().sqrt() + 0.5) for piece in gradients[0].split([15, 7, 12, 1])])
    torch.testing.assert_close(step, expected)


def test_a_gradient_whose_norm_is_small_is_not_clipped():
    gradient = torch.full((N_PARAMETERS,), 0.1, dtype=torch.float64)
    step = _first_step(Rule((("GRAD", 1.0),), lr=1.0, clipping="norm", clip_size=2.0), gradient)
    assert torch.equal(step, gradient)


@pytest.mark.parametrize(("gradient", "step"), [([3.0, 4.0], [0.6, 0.8]), ([-5.0], [-1.0])])
def test_the_norm_of_a_single_tensor_is_clipped_too(gradient, step):
    rule = Rule((("GRAD", 1.0),), lr=1.0, clipping="norm", clip_size=1.0)
    parameters = torch.zeros(len(gradient), dtype=torch.float64)
    FlatUpdate(rule, (parameters.shape,), 1, torch.float64).step(parameters, torch.tensor(gradient).double(), 0)
    assert (-parameters).tolist() == pytest.approx(step)


def test_decoupled_decay_follows_the_schedule():
    rule = Rule((), lr=0.5, weight_decay=0.2, warmup=1.0)
    path = replayed(rule, torch.ones(N_PARAMETERS, dtype=torch.float64), torch.zeros(2, N_PARAMETERS))
    assert path[:, 0].tolist() == pytest.approx([1 - 0.25 * 0.2, (1 - 0.25 * 0.2) * (1 - 0.5 * 0.2)])


def _muon(matrix):
    """Newton-Schulz by the singular values: five times ``3.4445 s - 4.7750 s^3 + 2.0315 s^5``; Jordan et al. 2024."""
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    values = values / (matrix.square().sum().sqrt() + 1e-7)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left @ torch.diag(values) @ right * max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5


def test_matrices_step_along_the_orthogonal_factor_and_vectors_along_the_momentum():
    _, gradients = recorded(1)
    step = _first_step(Rule((("ORTHOGONAL_MOMENTUM", 1.0),), lr=1.0), gradients[0])
    tall, vector, kernel, number = gradients[0].split([15, 7, 12, 1])
    expected = [_muon(tall.view(5, 3)).flatten(), vector, _muon(kernel.view(2, 6)).flatten(), number]
    torch.testing.assert_close(step, torch.cat(expected))


def test_nesterovs_momentum_is_made_orthogonal_after_it_was_mixed():
    _, gradients = recorded(2)
    step = -replayed(Rule((("ORTHOGONAL_NESTEROV", 1.0),), lr=1.0, bias_correction=False), 0 * gradients[0], gradients)
    momentum = 0.9 * 0.1 * gradients[0] + 0.1 * gradients[1]
    tall, vector, _, _ = (0.9 * momentum + 0.1 * gradients[1]).split([15, 7, 12, 1])
    second = step[1] - step[0]
    torch.testing.assert_close(second[:22], torch.cat([_muon(tall.view(5, 3)).flatten(), vector]))


def test_a_rung_that_continues_from_its_state_equals_the_run_in_one_go():
    rule = Rule((("AMSGRAD", 1.0), ("SIGN_MOMENTUM", 0.5), ("GRAD_DIFFERENCE", 0.1)), decay="linear", warmup=0.2)
    start, gradients = recorded(10)
    whole = replayed(rule, start, gradients)
    first = FlatUpdate(rule, SHAPES, 10, torch.float64)
    parameters = start.clone()
    for t in range(4):
        first.step(parameters, gradients[t], t)
    second = FlatUpdate(rule, SHAPES, 10, torch.float64)
    second.load_state_dict(first.state_dict())
    first.step(parameters.clone(), gradients[4], 4)  # changes its own state only
    for t in range(4, 10):
        second.step(parameters, gradients[t], t)
    assert torch.equal(parameters, whole[-1])


def test_state_of_another_rule_is_refused():
    with pytest.raises(ValueError, match=r"state: must hold \['average'\], got \['square'\]"):
        FlatUpdate(KNOWN["sgd"], SHAPES, 1).load_state_dict({"square": torch.zeros(N_PARAMETERS)})


def test_state_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"average must have shape \(35,\), got \(3,\)"):
        FlatUpdate(KNOWN["sgd"], SHAPES, 1).load_state_dict({"average": torch.zeros(3)})


@pytest.mark.parametrize(("shapes", "n_steps"), [((), 1), (SHAPES, 0)])
def test_nothing_to_do_is_refused(shapes, n_steps):
    with pytest.raises(ValueError, match="parameters and steps must be at least 1"):
        FlatUpdate(KNOWN["sgd"], shapes, n_steps)


def test_the_gradient_is_left_unchanged():
    rule = Rule((("ADAM_TERM", 1.0),), clipping="norm", clip_size=0.1, weight_decay=0.1, decoupled=False)
    start, gradients = recorded(1)
    before = gradients.clone()
    replayed(rule, start, gradients)
    assert torch.equal(gradients, before)

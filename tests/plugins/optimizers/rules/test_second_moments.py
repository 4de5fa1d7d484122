"""Second moments that rows and columns of a matrix share, in the search and in an export."""

from dataclasses import replace

import pytest
import torch

from evokit_optimizers.rules.cost import step_cost
from evokit_optimizers.rules.engine import FlatUpdate
from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.show import show_rule
from tests.plugins.optimizers.rules.random_rules import (
    GROUPS_OF_SHAPES,
    N_PARAMETERS,
    SHAPES,
    assert_an_export_follows,
    recorded,
    replayed,
)

SIZES = [15, 7, 12, 1]
ADAM = Rule((("ADAM_TERM", 1.0),), lr=0.01, beta2=0.95)
ADAFACTOR, ADAM_MINI = (replace(ADAM, terms=((name, 1.0),)) for name in ("ADAFACTOR_TERM", "ADAM_MINI_TERM"))
BOTH = replace(ADAM, terms=(("ADAFACTOR_TERM", 1.0), ("ADAM_MINI_TERM", 0.5)))
PARTLY = with_parts(ADAM, {"hidden": ADAFACTOR, "vectors": ADAM_MINI})


def pieces(vector):
    return [piece.view(shape) for piece, shape in zip(vector.split(SIZES), SHAPES, strict=True)]


def adafactor(squares, beta):
    """The second moment after all ``squares`` of a matrix's gradients. Source: Shazeer and Stern 2018, algorithm 2."""
    n, m = squares[0].shape
    r, c = torch.zeros(n, 1).double(), torch.zeros(1, m).double()
    for square in squares:
        r = beta * r + (1 - beta) * square @ torch.ones(m, 1).double()
        c = beta * c + (1 - beta) * torch.ones(1, n).double() @ square
    return r @ c / (torch.ones(1, n).double() @ r) / (1 - beta ** len(squares))


def adam_mini(squares, beta):
    """The same, with each output unit a block. Source: Zhang et al. 2024, "Adam-mini", algorithm 1."""
    blocks = torch.zeros(len(squares[0])).double()
    for square in squares:
        for row in range(len(square)):
            blocks[row] = beta * blocks[row] + (1 - beta) * square[row].mean()
    return (blocks / (1 - beta ** len(squares)))[:, None].expand_as(squares[0])


@pytest.mark.parametrize(("rule", "moment"), [(ADAFACTOR, adafactor), (ADAM_MINI, adam_mini)])
def test_matrices_have_the_published_second_moment_and_vectors_that_of_adam(rule, moment):
    start, gradients = recorded(12)
    tensors, momenta = pieces(start.clone()), [torch.zeros(shape).double() for shape in SHAPES]
    squares = [[] for _ in SHAPES]
    for k, gradient in enumerate(gradients, start=1):
        for p, m, some, g in zip(tensors, momenta, squares, pieces(gradient), strict=True):
            m.mul_(rule.beta1).add_((1 - rule.beta1) * g)
            if g.ndim == 1:
                continue
            some.append((g**2).reshape(len(g), -1))
            step = m.reshape(len(g), -1) / (1 - rule.beta1**k) / (moment(some, rule.beta2).sqrt() + rule.eps)
            p -= rule.lr * step.view(p.shape)
    ours, adams = pieces(replayed(rule, start, gradients)[-1]), pieces(replayed(ADAM, start, gradients)[-1])
    for mine, adam, theirs in zip(ours, adams, tensors, strict=True):
        torch.testing.assert_close(mine, theirs if mine.ndim > 1 else adam, rtol=1e-9, atol=1e-9)


def test_the_first_step_of_a_matrix_goes_where_torchs_adafactor_goes():
    start, gradients = recorded(1)
    theirs = torch.nn.Parameter(start[:15].clone().view(5, 3))
    theirs.grad = gradients[0, :15].view(5, 3).clone()
    torch.optim.Adafactor([theirs]).step()
    ours = replayed(replace(ADAFACTOR, eps=1e-20), start, gradients)
    moved = [one - start[:15] for one in (theirs.detach().flatten(), ours[0, :15])]
    torch.testing.assert_close(*(one / one.norm() for one in moved), rtol=1e-6, atol=1e-7)


def test_squares_of_rank_one_have_the_moments_of_adam():
    start, _ = recorded(1)
    gradients = torch.ones(6, N_PARAMETERS).double()
    gradients[:, :15] = torch.outer(torch.arange(1, 6).double(), torch.tensor([1.0, -2.0, 4.0]).double()).flatten()
    torch.testing.assert_close(replayed(ADAFACTOR, start, gradients), replayed(ADAM, start, gradients))


@pytest.mark.parametrize("rule", [ADAFACTOR, ADAM_MINI])
def test_without_gradients_nothing_moves(rule):
    start, gradients = recorded(2, torch.float32)
    assert torch.equal(replayed(rule, start, 0 * gradients)[-1], start)


def test_the_state_has_a_number_for_each_row_and_column():
    state = FlatUpdate(BOTH, SHAPES, 1).state_dict()
    sizes = {"average": N_PARAMETERS, "rows": 5 + 7 + 2 + 1, "columns": 3 + 0 + 6 + 0}
    assert {name: flat.numel() for name, flat in state.items()} == sizes


@pytest.mark.parametrize("rule", [BOTH, PARTLY], ids=["whole", "partly"])
def test_it_goes_on_from_a_state(rule):
    start, gradients = recorded(6)
    first, second = (FlatUpdate(rule, SHAPES, 6, start.dtype, groups=GROUPS_OF_SHAPES) for _ in range(2))
    parameters = start.clone()
    for t in range(3):
        first.step(parameters, gradients[t], t)
    second.load_state_dict(first.state_dict())
    for t in range(3, 6):
        second.step(parameters, gradients[t], t)
    assert torch.equal(parameters, replayed(rule, start, gradients)[-1])


@pytest.mark.parametrize("rule", [BOTH, PARTLY], ids=["whole", "partly"])
def test_an_export_goes_the_same_way_and_on_from_its_state(rule):
    optimizer = assert_an_export_follows(rule)
    if not rule.parts:
        assert [tuple(state["rows"].shape) for state in optimizer.state.values()] == [(5,), (7,), (2,), (1,)]


@pytest.mark.parametrize(
    ("rule", "matrix"),
    [
        # Of 15 elements: m, corrected m, corrected root + eps, ratio, move; of 5 rows and 3 columns what they share.
        (ADAFACTOR, 15 * (3 + 1 + 3 + 1 + 2) + (2 * 15 + 3 * 5) + (2 * 15 + 3 * 3) + (2 * 5 + 15)),
        (ADAM_MINI, 15 * (3 + 1 + 3 + 1 + 2) + (2 * 15 + 3 * 5)),
    ],
)
def test_a_step_costs_what_its_formula_says(rule, matrix):
    assert step_cost(rule, [(5, 3)]).total == matrix
    assert step_cost(rule, [(7,)]) == step_cost(ADAM, [(7,)])


def test_they_read_as_averages_over_rows_and_columns():
    assert show_rule(ADAFACTOR).splitlines()[1:4] == [
        "r = 0.95 r + 0.05 (mean of g^2 in each row; of vectors g^2); corrected: r / (1 - 0.95^k)",
        "c = 0.95 c + 0.05 (mean of g^2 in each column; of vectors in all); corrected: c / (1 - 0.95^k)",
        "p = p - lr (m / (sqrt(r c / mean(r)) + eps))",
    ]
    assert "p = p - lr (m / (sqrt(r) + eps))" in show_rule(ADAM_MINI)

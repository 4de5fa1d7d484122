"""What one step of a rule costs, by formula. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from evokit_optimizers.rules.groups import Group
from evokit_optimizers.rules.parts import by_group, refuse_untold
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.terms import state_shape

_BUFFERS = {"average": 3, "long": 3, "square": 4, "slow": 3, "maximum": 1, "last": 0, "rows": 0, "columns": 0}
_BUFFERS |= {"left": 0, "left_basis": 0, "right": 0, "right_basis": 0, "turned_square": 4, "error": 6}


class StepCost(NamedTuple):
    """Floating-point operations of one step: one each for a sum, difference, product, quotient, root, sign or
    comparison of two numbers.

    ``elementwise`` grow with the parameters, ``products`` are those of matrix products, two for each multiply-add.
    Copies, and what is done once a step, such as the schedule, are free.
    """

    elementwise: int
    products: int

    @property
    def total(self) -> int:
        return self.elementwise + self.products


def step_cost(rule: Rule, shapes: Sequence[Sequence[int]], groups: Sequence[Group] = ()) -> StepCost:
    """The cost of a step in which every parameter has a gradient.

    Args:
        rule: Best a canonical one, as ``FlatUpdate`` runs it.
        shapes: Of the parameters.
        groups: Of the parameters; a rule without parts needs none.

    Raises:
        ValueError: A rule with parts is not told the group of each parameter.

    >>> from evokit_optimizers.rules.known import KNOWN
    >>> step_cost(KNOWN["muon"], [(4, 3), (4,)], ["hidden", "vectors"])
    StepCost(elementwise=455, products=990)
    """
    refuse_untold(rule, groups, len(shapes))
    own = by_group(rule)
    rules = [own[group] for group in groups] if rule.parts else [rule] * len(shapes)
    elementwise = products = 0
    if any(part.clipping == "norm" for part in rules):
        elementwise += 2 * sum(map(math.prod, shapes))  # the norm over all parameters
    for part, shape in zip(rules, shapes, strict=True):
        if part.lookahead:  # the average of slow weights and parameters, a share of it in each step
            elementwise += math.ceil(_BUFFERS["average"] * math.prod(shape) / part.lookahead)
        orthogonal = _newton_schulz(shape, part.ns_steps) if len(shape) > 1 else StepCost(0, 0)
        n_orthogonal = sum(term.orthogonal for term in part.declared())
        elementwise += math.prod(shape) * _each(part, len(shape) > 1) + n_orthogonal * orthogonal.elementwise
        elementwise += _rows_and_columns(part, shape)
        products += n_orthogonal * orthogonal.products
        if "turned_square" in part.buffers:
            turning = _turning(shape, 1 + 2 * sum("turned_rms" in term.needs for term in part.declared()))
            elementwise, products = elementwise + turning.elementwise, products + turning.products
    return StepCost(elementwise, products)


def _each(rule: Rule, matrix: bool) -> int:
    """Operations on each element of a parameter, but for those of ``_newton_schulz``."""
    decays, trusted = rule.weight_decay != 0, rule.trust_ratio and bool(rule.terms)
    count = {"none": 0, "value": 2, "norm": 1}[rule.clipping]
    count += 2 if rule.centralised and matrix else 0  # mean and difference
    count += sum(_BUFFERS[buffer] for buffer in rule.buffers)
    if decays:
        count += 1 if rule.decoupled and not trusted else 2
    if rule.averaging:
        count += _BUFFERS["average"]
    return count + (_quantities(rule) + _step(rule) if rule.terms else 0)


def _quantities(rule: Rule) -> int:
    corrected = int(rule.bias_correction)
    roots = len({"rms", "max_rms", "factored_rms", "row_rms", "turned_rms"} & rule.needs)
    return roots * (2 + corrected) + ("momentum" in rule.needs) * corrected


def _rows_and_columns(rule: Rule, shape: Sequence[int]) -> int:
    """Averages of squares in rows and columns, and their product; a vector has the average of each element."""
    n, buffers = math.prod(shape), rule.buffers
    if len(shape) < 2:
        return _BUFFERS["square"] * n if "rows" in buffers else 0
    rows, columns = shape[0], n // shape[0]
    # A square and a mean, then the average; of rows their mean and the quotient by it.
    count = sum(2 * n + 3 * some for name, some in (("rows", rows), ("columns", columns)) if name in buffers)
    return count + (2 * rows + n if "factored_rms" in rule.needs else 0)


def _turning(shape: Sequence[int], turns: int) -> StepCost:
    """Averages of products of rows and of columns with their eigenvectors, among which a matrix is turned so often.

    Eigenvectors, in each tenth step, are about nine times the cube of a side. Source: Golub and Van Loan 2013, "Matrix
    Computations", section 8.3.
    """
    sides = [state_shape(name, shape)[0] for name in ("left", "right")]
    products = sum((1 + turns) * 2 * n * math.prod(shape) + math.ceil(9 * n**3 / 10) for n in sides)
    return StepCost(sum(3 * n * n for n in sides), products)


def _step(rule: Rule) -> int:
    """The sum of the terms, what is done to it, and the move."""
    terms = sum(term.flops for term in rule.declared()) + sum(weight != 1 for _, weight in rule.terms)
    # A mask is a product, a comparison, a mean, a quotient and a product; a trust ratio two norms and a product.
    return terms + len(rule.terms) - 1 + 5 * rule.cautious + 5 * rule.trust_ratio + 2


def _newton_schulz(shape: Sequence[int], n_steps: int) -> StepCost:
    """Of a matrix with its first dimension as rows; see ``evokit_optimizers.rules.kernels.orthogonal``."""
    m, n = sorted((shape[0], math.prod(shape[1:])))
    # The norm and the quotient by it, the sums of two matrices of each step, the stretch.
    elementwise = 3 * m * n + n_steps * (3 * m * m + 2 * m * n) + m * n
    return StepCost(elementwise, n_steps * (4 * m * m * n + 2 * m**3))

"""The cost of a step, counted by hand."""

from dataclasses import replace

import pytest

from evokit_optimizers.rules.cost import StepCost, step_cost
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.terms import Term

GRAD = (("GRAD", 1.0),)


@pytest.mark.parametrize(
    ("rule", "each"),
    [
        (Rule(GRAD), 2),  # lr g, p - .
        (Rule((("GRAD", 0.5), ("SIGN_GRAD", 1.0))), 5),  # and 0.5 g, sign, sum
        (Rule((("GRAD", -1.0),)), 3),
        (Rule((("MOMENTUM", 1.0),), bias_correction=False), 3 + 2),
        (Rule((("ADAM_TERM", 1.0),)), 3 + 4 + 1 + 3 + 1 + 2),  # m, v, corrected m, corrected root + eps, ratio, move
        (Rule((("ADAM_TERM", 1.0),), bias_correction=False), 3 + 4 + 2 + 1 + 2),
        (Rule((("NADAM_TERM", 1.0),)), 3 + 4 + 1 + 3 + 4 + 2),  # as before with a mix, of three operations
        (Rule((("AMSGRAD", 1.0),)), 3 + 4 + 1 + 1 + 3 + 1 + 2),
        (Rule((("ADAM_TERM", 1.0), ("AMSGRAD", 1.0))), 3 + 4 + 1 + 1 + 2 * 3 + 2 * 1 + 1 + 2),  # a root of each
        (Rule((("LONG_ADAM_TERM", 1.0),)), 3 + 4 + 3 + 1 + 2),  # n is not corrected
        (Rule((("SIGN_MOMENTUM", 1.0),)), 3 + 4 + 2),
        (Rule((("GRAD_DIFFERENCE", 1.0),)), 1 + 2),
        (Rule((("NORM_GRAD", 1.0),)), 3 + 2),
        (Rule(GRAD, weight_decay=0.1), 1 + 2),
        (Rule(GRAD, weight_decay=0.1, decoupled=False), 2 + 2),
        (Rule(GRAD, clipping="value"), 2 + 2),
        (Rule(GRAD, clipping="norm"), 2 + 1 + 2),
        (Rule(GRAD, centralised=True), 2 + 2),
        (Rule(GRAD, cautious=True), 5 + 2),
        (Rule(GRAD, trust_ratio=True, weight_decay=0.1), 2 + 5 + 2),
        (Rule(GRAD, averaging=0.5), 3 + 2),
        (Rule(()), 0),
        (Rule((), trust_ratio=True, weight_decay=0.1), 1),  # without a step there is nothing to bring to a length
    ],
)
def test_each_element_of_a_matrix_costs_what_its_formula_says(rule, each):
    assert step_cost(rule, [(5, 3)]) == StepCost(15 * each, 0)


def test_vectors_are_not_centralised():
    assert step_cost(Rule(GRAD, centralised=True), [(7,)]) == StepCost(7 * 2, 0)


def test_orthogonal_steps_have_matrix_products_for_matrices_alone():
    rule = Rule((("ORTHOGONAL_MOMENTUM", 1.0),), bias_correction=False)
    assert step_cost(rule, [(7,)]) == StepCost(7 * 5, 0)
    # Five times 2 x 2 x 2 x 6, 2 x 2 x 2 x 2 and 2 x 2 x 2 x 6; both ways round, and kernels likewise.
    products = 5 * (48 + 16 + 48)
    elementwise = 12 * 5 + 12 * 4 + 5 * (3 * 4 + 2 * 12)
    for shape in ((2, 6), (6, 2), (2, 3, 2)):
        assert step_cost(rule, [shape]) == StepCost(elementwise, products)
    assert step_cost(rule, [(2, 6)]).total == elementwise + products
    assert step_cost(replace(rule, ns_steps=3), [(2, 6)]).products == 3 * (48 + 16 + 48)
    two = Rule((*rule.terms, ("ORTHOGONAL_NESTEROV", 1.0)), bias_correction=False)
    assert step_cost(two, [(2, 6)]).products == 2 * products


def test_parts_cost_what_their_own_parameters_do():
    shapes = [(4, 3), (4,)]
    whole = step_cost(KNOWN["muon"], shapes, ["hidden", "vectors"])
    assert whole.products == 5 * (4 * 9 * 4 + 2 * 27)
    # Beside the hidden matrix (moment, mix, move; Newton and Schulz) the vector costs 14 an element, Adam's.
    assert whole.elementwise == 12 * (3 + 3 + 2) + 12 * 4 + 5 * (3 * 9 + 2 * 12) + 4 * 14
    assert step_cost(KNOWN["muon"], shapes[::-1], ["vectors", "hidden"]) == whole


def test_the_norm_of_a_part_is_that_over_all_parameters():
    shapes, one = [(2, 2), (3,)], Rule(GRAD, clipping="norm")
    assert step_cost(one, shapes).elementwise == 2 * 7 + 7 * 3
    rule = with_parts(Rule(GRAD), {"hidden": one})
    assert step_cost(rule, shapes, ["hidden", "vectors"]).elementwise == 2 * 7 + 4 * 3 + 3 * 2
    both = with_parts(one, {"hidden": one})  # found once
    assert step_cost(both, shapes, ["hidden", "vectors"]) == step_cost(one, shapes)


def test_groups_must_be_told():
    with pytest.raises(ValueError, match="a rule with parts needs that of all 2 parameters, got 0"):
        step_cost(KNOWN["muon"], [(4, 3), (4,)])


def test_a_term_of_a_third_party_says_its_own_cost():
    rule = Rule((("MINE", 1.0),), vocabulary={"MINE": Term("mine", ("gradient",), lambda out, g: None, flops=7)})
    assert step_cost(rule, [(2,)]) == StepCost(2 * 9, 0)

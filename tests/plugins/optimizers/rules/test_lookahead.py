"""Slow weights that look ahead, in the search and in an export."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit_optimizers.options import OptimizerGenome
from evokit_optimizers.plain_genome import Rules
from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.cost import step_cost
from evokit_optimizers.rules.engine import FlatUpdate
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.rule_json import rule_from_json, rule_to_json
from evokit_optimizers.rules.search_space import Bounds, Rates
from evokit_optimizers.rules.show import show_rule
from tests.plugins.optimizers.rules.random_rules import (
    GROUPS_OF_SHAPES,
    SHAPES,
    assert_an_export_follows,
    recorded,
    replayed,
)

SIZES = [15, 7, 12, 1]
PLAIN = replace(KNOWN["adamw"], lr=0.01, weight_decay=0.1)
AHEAD = replace(PLAIN, lookahead=3, lookahead_step=0.8)
PARTLY = with_parts(PLAIN, {"hidden": AHEAD})
OFFERING = Rules(OptimizerGenome(bounds=Bounds(lookahead=(2, 20)), rates=Rates(flag=1, weakest=1)))


def looking_ahead(start, gradients, k, alpha):
    """Around torch's AdamW, which keeps its state.

    Source: Zhang et al. 2019, "Lookahead Optimizer: k steps forward, 1 step back", algorithm 1.
    """
    fast, slow, path = torch.nn.Parameter(start.clone()), start.clone(), []
    optimizer = torch.optim.AdamW([fast], lr=0.01, weight_decay=0.1)
    for i, gradient in enumerate(gradients, start=1):
        fast.grad = gradient.clone()
        optimizer.step()
        if i % k == 0:
            slow = slow + alpha * (fast.detach() - slow)
            fast.data = slow.clone()
        path.append(fast.detach().clone())
    return torch.stack(path)


def test_adamw_that_looks_ahead_is_the_published_algorithm():
    start, gradients = recorded(20)
    torch.testing.assert_close(
        replayed(AHEAD, start, gradients), looking_ahead(start, gradients, 3, 0.8), rtol=1e-9, atol=1e-9
    )


def test_groups_may_look_ahead_alone():
    start, gradients = recorded(7)
    plain, partly = replayed(PLAIN, start, gradients)[-1], replayed(PARTLY, start, gradients)[-1]
    differs = [not torch.equal(a, b) for a, b in zip(partly.split(SIZES), plain.split(SIZES), strict=True)]
    assert differs == [group == "hidden" for group in GROUPS_OF_SHAPES]


@pytest.mark.parametrize("rule", [AHEAD, PARTLY], ids=["whole", "partly"])
def test_it_goes_on_from_a_state(rule):
    start, gradients = recorded(10)
    first, second = (FlatUpdate(rule, SHAPES, 10, start.dtype, groups=GROUPS_OF_SHAPES) for _ in range(2))
    parameters = start.clone()
    for t in range(5):
        first.step(parameters, gradients[t], t)
    second.load_state_dict(first.state_dict())
    for t in range(5, 10):
        second.step(parameters, gradients[t], t)
    assert torch.equal(parameters, replayed(rule, start, gradients)[-1])


@pytest.mark.parametrize("rule", [AHEAD, PARTLY], ids=["whole", "partly"])
def test_an_export_goes_the_same_way_and_on_from_its_state(rule):
    assert_an_export_follows(rule, n_steps=10, resumed_at=4)


def test_to_go_all_the_way_is_not_to_look_back():
    assert canonical(replace(AHEAD, lookahead_step=1.0)) == canonical(PLAIN)
    assert canonical(replace(PLAIN, lookahead_step=0.3)) == canonical(PLAIN)
    assert canonical(AHEAD).lookahead == 3


def test_it_is_shown_and_in_json_only_where_it_is():
    line = "after every 3 steps: q = q + 0.8 (p - q), p = q; q begins as p"
    assert show_rule(AHEAD).splitlines()[-2] == line
    assert not {"lookahead", "lookahead_step"} & rule_to_json(PLAIN).keys()
    assert rule_from_json(rule_to_json(AHEAD)) == AHEAD
    with pytest.raises(ValueError, match=r"lookahead: must be a int, got 3\.0"):
        rule_from_json({**rule_to_json(AHEAD), "lookahead": 3.0})


def test_its_average_is_a_share_of_each_step():
    plain = Rule((("GRAD", 1.0),))
    assert step_cost(replace(plain, lookahead=4), [(5, 3)]).total == step_cost(plain, [(5, 3)]).total + 12
    assert step_cost(replace(plain, lookahead=4), [(1,)]).total == step_cost(plain, [(1,)]).total + 1


def test_it_evolves_where_bounds_offer_it(rng):
    rules = [OFFERING.random(rng) for _ in range(60)]
    assert 15 < sum(rule.lookahead > 0 for rule in rules) < 45
    assert all(rule.lookahead in (0, *range(2, 21)) and 0.2 <= rule.lookahead_step <= 0.9 for rule in rules)
    mutants = [OFFERING.mutate(rule, rng) for rule in rules]
    assert all((a.lookahead > 0) != (b.lookahead > 0) for a, b in zip(rules, mutants, strict=True))
    assert all(type(rule.lookahead) is int for rule in (*rules, *mutants))
    plain = Rules(OptimizerGenome())
    assert not any(plain.mutate(plain.random(rng), rng).lookahead for _ in range(30))


def test_both_of_its_numbers_go_to_the_same_child(rng):
    other = replace(PLAIN, lookahead=7, lookahead_step=0.4)
    found = {(one.lookahead, one.lookahead_step) for _ in range(20) for one in OFFERING.crossover(AHEAD, other, rng)}
    assert found == {(3, 0.8), (7, 0.4)}


def test_encodings_tell_it_only_where_it_is_offered():
    assert len({OFFERING.encode(rule).tobytes() for rule in (PLAIN, AHEAD, replace(AHEAD, lookahead=9))}) == 3
    plain = Rules(OptimizerGenome())
    assert np.array_equal(plain.encode(PLAIN), plain.encode(AHEAD))


def test_whole_numbers_move_by_one_at_least_and_stay_in_their_bounds(rng):
    bounds = Bounds(lookahead=(2, 4))
    moves = {(value, bounds.moved("lookahead", value, 1e-9, rng)) for value in (2, 3, 4) for _ in range(40)}
    assert moves == {(2, 3), (3, 2), (3, 4), (4, 3)}
    drawn = [bounds.draw("lookahead", rng) for _ in range(300)]
    assert {drawn.count(value) > 60 for value in (2, 3, 4)} == {True}

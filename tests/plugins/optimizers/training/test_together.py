"""Networks of several optimizers trained at once."""

from dataclasses import replace

import pytest
import torch

from evokit.streams import Streams
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.tasks.options import Network
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.together import advance_together
from evokit_optimizers.training.training import Training
from tests.plugins.optimizers.tasks.test_language import DOCUMENTS
from tests.plugins.optimizers.tasks.test_language import OPTIONS as LANGUAGE
from tests.plugins.optimizers.tiny_tasks import OPTIONS, fitness_of

TOGETHER = replace(OPTIONS, together=3, model=Network(channels=(2, 3), hidden=8, dropout=0.3))
EXPLODING = Rule((("GRAD", 1.0),), lr=1e30)
RULES = [KNOWN["adam"], Rule((("GRAD", 1.0),), lr=0.3), EXPLODING, KNOWN["lion"], KNOWN["rmsprop"]]


def fitness(**changes):
    return fitness_of(replace(TOGETHER, **changes))


def trainings(rules, task):
    return [Training(task, Evolved(rule), Streams(0), 12, check_every=4) for rule in rules]


def evaluated(one, rules=RULES, budget=24):
    return list(one.evaluate(rules, budget))


def test_a_value_does_not_depend_on_company_order_or_number():
    alone = [evaluated(fitness(), [rule])[0] for rule in RULES]
    assert [one.outcome for one in alone] == ["ok", "ok", "diverged", "ok", "ok"]
    assert evaluated(fitness()) == alone
    assert evaluated(fitness(together=5), RULES[::-1]) == alone[::-1]


def test_a_value_is_the_same_after_a_lower_budget_that_others_did_not_have():
    direct, one = evaluated(fitness()), fitness()
    evaluated(one, RULES[:2], budget=10)
    assert evaluated(one) == direct


@pytest.mark.parametrize("size", [1, 2, 5])
def test_parameters_have_the_same_bits_in_groups_of_any_size(size):
    (task,) = fitness().tasks
    alone, group = trainings(RULES[:1], task), trainings(RULES[:size], task)
    assert advance_together(alone, 9) == [True]
    advance_together(group, 9)
    assert torch.equal(alone[0].parameters, group[0].parameters)


def test_it_does_what_each_does_alone_to_within_rounding(float64):
    (task,) = fitness().tasks
    (together, _), (alone,) = trainings(RULES[:2], task), trainings(RULES[:1], task)
    group = [together, trainings(RULES[1:2], task)[0]]
    assert all(advance_together(group, 6))
    assert alone.advance(6)
    torch.testing.assert_close(group[0].parameters, alone.parameters)


def test_the_diverged_end_at_the_next_check_and_the_others_go_on():
    (task,) = fitness().tasks
    group = trainings([EXPLODING, KNOWN["adam"]], task)
    assert advance_together(group, 12) == [False, True]
    assert [one.step for one in group] == [4, 12]


def test_whether_networks_are_trained_together_is_part_of_the_context_but_not_how_many():
    assert fitness(together=1).context != fitness().context == fitness(together=8).context


def test_networks_that_cannot_are_refused():
    with pytest.raises(ValueError, match="together: the network of photo_tiles is trained alone; write 1"):
        fitness(tasks=())
    with pytest.raises(ValueError, match="together: the network of text is trained alone; write 1"):
        fitness_of(replace(LANGUAGE, together=2), train=DOCUMENTS, validation=DOCUMENTS)

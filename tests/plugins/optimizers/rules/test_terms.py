import sys
from subprocess import run

import pytest
import torch

from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.terms import QUANTITIES, TERMS, Term
from tests.plugins.optimizers.rules.random_rules import N_PARAMETERS, recorded, replayed


@pytest.mark.parametrize("name", TERMS)
def test_every_term_has_a_value_of_its_own(name):
    start, gradients = recorded(4)
    paths = [replayed(Rule(((term, 1.0),), beta2=0.9), start, gradients)[-1] for term in TERMS]
    mine = paths[list(TERMS).index(name)]
    assert torch.isfinite(mine).all()
    assert sum(torch.equal(mine, other) for other in paths) == 1


def test_a_need_without_a_quantity_is_refused():
    with pytest.raises(ValueError, match="no quantity is called 'hessian'; there are gradient"):
        Term("h", ("hessian",), "nowhere:nothing")


def test_every_quantity_serves_a_value():
    def keep_everything(out, *given):
        assert len(given) == len(QUANTITIES)
        assert all(value is not None for value in given)
        torch._foreach_copy_(out, given[0])

    rule = Rule((("ALL", 1.0),), lr=1.0, vocabulary={"ALL": Term("all", tuple(QUANTITIES), keep_everything)})
    path = replayed(rule, torch.zeros(N_PARAMETERS), torch.ones(1, N_PARAMETERS))
    assert torch.equal(path[0], -torch.ones(N_PARAMETERS))


def test_the_genome_is_declared_without_torch():
    code = "import sys, evokit_optimizers.genome; sys.exit('torch' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0

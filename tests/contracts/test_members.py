from types import SimpleNamespace

import numpy as np
import pytest

from evokit.contracts.blame import ContractError
from evokit.contracts.members import refuse_misfit


def test_a_fitness_of_numpy_budgets_is_fine():
    refuse_misfit(
        "fitness",
        SimpleNamespace(
            objectives={"a": "min"},
            budgets=np.array([1, 2]),
            context="",
            takes=frozenset({"bits"}),
            slots={},
            evaluate=len,
        ),
    )


def test_budgets_that_repeat_are_refused():
    fitness = SimpleNamespace(
        objectives={"a": "min"}, budgets=(1, 1), context="", takes={"bits"}, slots={}, evaluate=len
    )
    with pytest.raises(ContractError, match="ascending whole numbers above 0"):
        refuse_misfit("fitness", fitness)

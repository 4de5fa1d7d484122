import functools
from types import SimpleNamespace

import numpy as np
import pytest

from evokit.contracts.blame import ContractError, blamed, culprit, raised
from evokit.contracts.members import refuse_misfit
from evokit.errors import RunFailed, UserError


class Thing:
    def method(self):
        return 1 / 0


def test_a_culprit_is_named_by_class_member_plugin_file_and_line():
    line = Thing.method.__code__.co_firstlineno
    assert culprit(Thing(), "method").startswith("Thing.method (plugin tests, ")
    assert culprit(Thing().method).endswith(f"test_contracts.py:{line})")
    assert culprit(functools.partial(Thing().method)) == culprit(Thing(), "method")
    assert culprit(Thing(), "missing").startswith("Thing.missing (plugin tests, ")


def test_an_error_is_told_with_its_last_line_in_the_code_of_the_accused():
    with pytest.raises(np.linalg.LinAlgError) as caught:
        np.linalg.inv(np.zeros((2, 3)))
    assert raised(caught.value, Thing()).endswith(f"test_contracts.py:{caught.tb.tb_lineno})")


def test_what_is_blamed_on_a_part_is_neither_the_users_nor_ctrl_c():
    for passed in (UserError("x"), RunFailed("x"), KeyboardInterrupt()):
        with pytest.raises(type(passed)) as caught, blamed(Thing(), "method"):
            raise passed
        assert type(caught.value) is type(passed)
    for other in (ValueError("x"), SystemExit(0), MemoryError()):
        with pytest.raises(ContractError, match=r"Thing\.method .* raised"), blamed(Thing(), "method"):
            raise other


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

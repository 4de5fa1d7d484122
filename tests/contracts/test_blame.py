import functools

import numpy as np
import pytest

from evokit.contracts.blame import ContractError, blamed, culprit, raised
from evokit.errors import RunFailed, UserError


class Thing:
    def method(self):
        return 1 / 0


def test_a_culprit_is_named_by_class_member_plugin_file_and_line():
    line = Thing.method.__code__.co_firstlineno
    assert culprit(Thing(), "method").startswith("Thing.method (plugin tests, ")
    assert culprit(Thing().method).endswith(f"test_blame.py:{line})")
    assert culprit(functools.partial(Thing().method)) == culprit(Thing(), "method")
    assert culprit(Thing(), "missing").startswith("Thing.missing (plugin tests, ")


def test_an_object_in_the_place_of_a_function_is_named_by_the_function():
    thing = Thing()
    thing.__wrapped__ = somebodys
    assert culprit(thing, "method").startswith("somebodys (plugin tests, ")
    assert "plugin" not in culprit(in_a_script())


def somebodys():
    """Somebody's function."""


def in_a_script():
    names = {"__name__": "__main__"}
    exec("def cost(x): return x", names)
    return names["cost"]


def test_an_error_is_told_with_its_last_line_in_the_code_of_the_accused():
    with pytest.raises(np.linalg.LinAlgError) as caught:
        np.linalg.inv(np.zeros((2, 3)))
    assert raised(caught.value, Thing()).endswith(f"test_blame.py:{caught.tb.tb_lineno})")


def test_what_is_blamed_on_a_part_is_neither_the_users_nor_ctrl_c():
    for passed in (UserError("x"), RunFailed("x"), KeyboardInterrupt()):
        with pytest.raises(type(passed)) as caught, blamed(Thing(), "method"):
            raise passed
        assert type(caught.value) is type(passed)
    for other in (ValueError("x"), SystemExit(0), MemoryError()):
        with pytest.raises(ContractError, match=r"Thing\.method .* raised"), blamed(Thing(), "method"):
            raise other

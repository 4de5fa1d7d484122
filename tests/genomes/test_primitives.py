import itertools

import numpy as np
import pytest

from evokit.genomes import primitives
from evokit.genomes.primitives import NUMBERS, TRUTHS, Arithmetic, Boolean, Conditional, Elementary


def test_protected_functions_are_defined_everywhere():
    assert primitives.protected_div(np.array([6.0, 5.0, 0.0]), np.array([2.0, 0.0, 0.0])).tolist() == [3, 1, 1]
    assert primitives.protected_log(np.array([np.e, -np.e, 0.0])) == pytest.approx([1, 1, 0])
    assert primitives.protected_sqrt(np.array([4.0, -9.0])).tolist() == [2, 3]
    assert primitives.protected_div(1.0, 0.0) == 1


@pytest.mark.parametrize("name", NUMBERS)
def test_functions_of_numbers_take_columns_and_constants(name):
    function, arity = NUMBERS[name]
    column = np.array([-1.5, 0.0, 2.0])
    for inputs in itertools.product([column, 0.5], repeat=arity):
        value = np.broadcast_to(function(*inputs), 3)
        alone = [function(*(np.broadcast_to(one, 3)[place] for one in inputs)) for place in range(3)]
        assert np.isfinite(value).all()
        assert value == pytest.approx(np.array(alone))


def test_functions_of_truth_values_are_python_s():
    python = {
        "and": lambda a, b: a and b, "or": lambda a, b: a or b, "not": lambda a: not a, "xor": lambda a, b: a != b,
        "nand": lambda a, b: not (a and b), "nor": lambda a, b: not (a or b), "if": lambda a, b, c: b if a else c,
    }  # fmt: skip
    assert python.keys() == TRUTHS.keys()
    for name, (function, arity) in TRUTHS.items():
        rows = list(itertools.product([False, True], repeat=arity))
        assert function(*np.array(rows).T).tolist() == [python[name](*row) for row in rows]


@pytest.mark.parametrize("options", [Arithmetic(), Elementary(), Boolean(), Conditional(), Arithmetic(("add", "add"))])
def test_a_set_is_made_anew_with_as_many_arguments(options):
    first, second = options.primitive_set(3), options.primitive_set(2)
    assert (len(first.arguments), len(second.arguments)) == (3, 2)
    assert set(options.functions) <= first.mapping.keys()

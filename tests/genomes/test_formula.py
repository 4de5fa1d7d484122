import pytest

from evokit.genomes.formula import infix

ARITIES = {"add": 2, "sub": 2, "mul": 2, "div": 2, "sin": 1, "neg": 1, "and": 2, "or": 2, "not": 1, "if": 3, "lt": 2}


@pytest.mark.parametrize(
    ("nodes", "formula"),
    [
        ("x", "x"),
        ("add x mul y z", "x + y * z"),
        ("mul add x y z", "(x + y) * z"),
        ("sub x sub y z", "x - (y - z)"),
        ("sub sub x y z", "x - y - z"),
        ("div x mul y z", "x / (y * z)"),
        ("sin add x y", "sin(x + y)"),
        ("mul neg x neg add x y", "-x * -(x + y)"),
        ("or and x not y z", "x and not y or z"),
        ("and or x y z", "(x or y) and z"),
        ("if lt x y x neg y", "if(x < y, x, -y)"),
        ("not not x", "not (not x)"),
    ],
)
def test_a_tree_is_written_as_people_do(nodes, formula):
    names = nodes.split()
    assert infix(names, [ARITIES.get(name, 0) for name in names]) == formula


def test_constants_have_all_their_digits_and_their_sign_in_brackets():
    assert infix(["add", "x", 0.1234567890123], [2, 0, 0]) == "x + 0.1234567890123"
    assert infix(["mul", -2.0, "x"], [2, 0, 0]) == "(-2.0) * x"
    assert infix([-2.0], [0]) == "-2.0"

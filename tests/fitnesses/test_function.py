"""How a Python function is called: with its budget, its parameters by their names, and its constraints."""

import pytest

import evokit
from evokit import UserError

BOX = {"low": -1, "high": 1, "dimensions": 2}


@pytest.mark.parametrize(
    "function",
    [
        lambda x, epochs=50: x + 1 / epochs,  # by name, and the name says what is counted
        lambda x, budget=50: x + 1 / budget,
        lambda x, **more: x + 1 / more["budget"],
        lambda params, epochs: params["x"] + 1 / epochs,
        lambda params, *, budget=50: params["x"] + 1 / budget,
    ],
)
def test_a_function_hears_its_budget_however_it_is_called(function):
    run = evokit.minimize(function, {"x": evokit.Float(0, 1)}, budgets=(1, 4), work_unit="epochs", work=40, seed=1)
    assert run.best_value == pytest.approx(run.best["x"] + 1 / 4)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda x, epochs=50: x, 'none for them; call one budget, .* such as work_unit="epochs"'),
        (lambda params: params["x"], "the function has no second argument, which would say how much to spend"),
    ],
)
def test_a_function_that_cannot_hear_its_budget_is_refused(function, said):
    with pytest.raises(UserError, match=said):
        evokit.minimize(function, {"x": evokit.Float(0, 1)}, budgets=(1, 4), work=40)
    with pytest.raises(UserError, match="none for them"):  # what the space says is no budget
        evokit.minimize(lambda budget: budget, {"budget": evokit.Float(0, 1)}, budgets=(1, 4), work=40)


def test_a_function_that_takes_some_parameters_by_their_names_and_not_all_is_refused():
    def error(kernel, C=1.0, gamma=0.1):
        return C

    space = {"kernel": evokit.Choice(["a", "b"]), "C": evokit.Float(0.1, 10), "gama": evokit.Float(0, 1)}
    with pytest.raises(
        UserError, match="takes C, gamma, kernel, and the space has 'gama' as well; did you mean 'gamma'"
    ):
        evokit.minimize(error, space, work=9)


def test_constraints_are_called_as_the_function_is():
    space = {"x": evokit.Float(0, 2), "y": evokit.Float(0, 2)}
    by_name = evokit.minimize(lambda x, y: x + y, space, constraints=[lambda x: 0.5 - x], work=200)
    by_mapping = evokit.minimize(lambda x, y: x + y, space, constraints=[lambda p: 0.5 - p["x"]], work=200)
    assert by_name.best == by_mapping.best
    assert by_name.best["x"] >= 0.5


@pytest.mark.parametrize("constraints", [[lambda x: x[0] > 0.5], 1])
def test_whether_a_constraint_is_kept_to_is_no_number(constraints):
    def cost(x):
        return (x[0], [x[0] > 0.5]) if constraints == 1 else x[0]

    with pytest.raises(UserError, match=r"a constraint returned (True|False); it returns a number, not above 0"):
        evokit.minimize(cost, **BOX, constraints=constraints, work=9)

"""The field's searches on named parameters of several kinds, each as its own documentation shows it.

Each takes a record of a ``Spaced`` problem, which ends the run by raising ``Over``, and a seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.searches.problems import Record
from benchmarks.searches.spaces import Parameter, Spaced, exists

TRIALS = 4  # for each evaluation: a repeat is free, and who makes them alone ends


def optuna_tpe(record: Record, seed: int) -> None:
    """Optuna's default sampler; what does not exist is not asked for. Repeats are free, and it may make many."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    problem = _of(record)

    def objective(trial: Any) -> float:
        values: dict[str, Any] = {}
        for name, one in problem.parameters.items():
            if exists(one, values):
                values[name] = _suggested(trial, name, one)
        return record(problem.point(values))

    study.optimize(objective, n_trials=TRIALS * record.budget)


def _suggested(trial: Any, name: str, one: Parameter) -> Any:
    log = one.get("log", False)
    if "float" in one:
        return trial.suggest_float(name, *one["float"], log=log)
    if "int" in one:
        return trial.suggest_int(name, *one["int"], log=log)
    if one.get("ordered"):
        return one["choice"][trial.suggest_int(name, 0, len(one["choice"]) - 1)]
    return trial.suggest_categorical(name, one["choice"])


def nevergrad_ngopt(record: Record, seed: int) -> None:
    """Nevergrad's NGOpt, told its budget; it has no conditions, so what does not exist is asked for and not used."""
    import nevergrad

    problem = _of(record)
    space = nevergrad.p.Dict(**{name: _parametrised(nevergrad.p, one) for name, one in problem.parameters.items()})
    space.random_state.seed(seed)
    optimizer = nevergrad.optimizers.NGOpt(parametrization=space, budget=record.budget)
    while True:
        asked = optimizer.ask()
        optimizer.tell(asked, record(problem.point(asked.value)))


def _parametrised(p: Any, one: Parameter) -> Any:
    if "choice" in one:
        return (p.TransitionChoice if one.get("ordered") else p.Choice)(one["choice"])
    low, high = one.get("float") or one["int"]
    number = p.Log(lower=low, upper=high) if one.get("log") else p.Scalar(lower=low, upper=high)
    return number.set_integer_casting() if "int" in one else number


def pymoo_mixed(record: Record, seed: int) -> None:
    """pymoo's ``MixedVariableGA`` as its page on mixed variables has it; logarithms are its numbers."""
    from pymoo.core.mixed import MixedVariableGA
    from pymoo.core.problem import ElementwiseProblem
    from pymoo.core.variable import Choice, Integer, Real
    from pymoo.optimize import minimize

    problem = _of(record)

    def variable(one: Parameter) -> Any:
        if "choice" in one:
            ordered = one.get("ordered")
            return Integer(bounds=(0, len(one["choice"]) - 1)) if ordered else Choice(options=one["choice"])
        low, high = one.get("float") or one["int"]
        if one.get("log"):
            return Real(bounds=(np.log(low), np.log(high)))
        return Real(bounds=(low, high)) if "float" in one else Integer(bounds=(low, high))

    def meant(one: Parameter, value: Any) -> Any:
        if "choice" in one:
            return one["choice"][value] if one.get("ordered") else value
        value = np.exp(value) if one.get("log") else value
        ends = one.get("float") or one["int"]
        return np.clip(round(value) if "int" in one else value, *ends)

    class Mixed(ElementwiseProblem):  # type: ignore[misc] # of a package without types
        def __init__(self) -> None:
            super().__init__(vars={name: variable(one) for name, one in problem.parameters.items()}, n_obj=1)

        def _evaluate(self, x: Mapping[str, Any], out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
            values = {name: meant(one, x[name]) for name, one in problem.parameters.items()}
            out["F"] = record(problem.point(values))

    minimize(Mixed(), MixedVariableGA(pop_size=10), ("n_gen", record.budget), seed=seed)


def _of(record: Record) -> Spaced:
    assert isinstance(record.problem, Spaced)
    return record.problem

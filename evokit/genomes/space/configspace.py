"""Spaces from and to the JSON of ConfigSpace, without the package.

Its format is read and written here, and the package itself is not used: it takes longer to import than evokit as a
whole, knows no subsets, orders, lists and steps, and hands out NumPy's numbers and texts.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evokit.genomes.space.conditions import INFINITE, Test
from evokit.genomes.space.layout import DOT, Combination, Layout, Leaf
from evokit.genomes.space.parameters import Choice, Float, Int, Parameter

FORMAT = 0.4  # of ConfigSpace 1
MOST = 1000  # values of a whole number that a forbidden range may hold

Alternatives = list[dict[str, Any]]  # of which one is enough


def from_configspace(source: Any) -> tuple[dict[str, Any], tuple[dict[str, Any], ...]]:
    """Parameters and forbidden combinations, as a recipe writes them, of a space of ConfigSpace.

    Names with dots become those of groups. Default values have no counterpart.

    Args:
        source: A file, what is in it, or a ``ConfigurationSpace``.

    Raises:
        ValueError: It is no such file, or holds what a space cannot say: a distribution that is not uniform, weights,
            a forbidden relation of two parameters.
    """
    data = _data(source)
    parameters: dict[str, Any] = {}
    when = _whens(data.get("conditions", ()))
    for one in data["hyperparameters"]:
        *groups, name = one["name"].split(DOT)
        group = parameters
        for above in groups:
            group = group.setdefault(above, {})
        if not isinstance(group, dict) or name in group:
            raise ValueError(f"{one['name']}: its name is that of a group as well")
        group[name] = _written(one, when.get(one["name"]))
    return parameters, tuple(_forbidden(one) for one in data.get("forbiddens", ()))


def to_configspace(layout: Layout, name: str = "") -> dict[str, Any]:
    """The JSON values of ConfigSpace's file; names in groups get dots.

    Steps become ordinal values, and defaults are in the middle.

    Raises:
        ValueError: It has what ConfigSpace does not know: a subset, an order, a list, a range that ends at a number.
    """
    leaves = layout.leaves
    for leaf in leaves:
        kind = "list" if leaf.parameter.length is not None else leaf.parameter.kind
        if kind not in ("float", "int", "choice"):
            raise ValueError(f"{leaf.name}: ConfigSpace knows nothing like a parameter of kind {kind}")
    return {
        "name": name or None,
        "hyperparameters": [_hyperparameter(leaf) for leaf in leaves],
        "conditions": [one for leaf in leaves if (one := _condition(leaf, leaves)) is not None],
        "forbiddens": [_clauses(combination, leaves) for combination in layout.forbidden],
        "python_module_version": "1.2.0",
        "format_version": FORMAT,
    }


def _data(source: Any) -> Mapping[str, Any]:
    if isinstance(source, str | Path):
        try:
            source = json.loads(Path(source).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{source}: cannot be read as JSON: {error}") from error
    elif hasattr(source, "to_serialized_dict"):
        source = json.loads(json.dumps(source.to_serialized_dict()))
    if not isinstance(source, Mapping) or not isinstance(source.get("hyperparameters"), list):
        raise ValueError("is not a ConfigSpace file: there is no list of hyperparameters")
    return source


def _written(one: Mapping[str, Any], when: Alternatives | None) -> Any:
    kind, name = one["type"], one["name"]
    condition = {} if when is None else {"when": when[0] if len(when) == 1 else when}
    if one.get("weights"):
        raise ValueError(f"{name}: a space has no weights of choices; write it without")
    if kind in ("uniform_float", "uniform_int"):
        what = kind.removeprefix("uniform_")
        return {what: [one["lower"], one["upper"]], **({"log": True} if one.get("log") else {}), **condition}
    if kind == "categorical":
        return {"choice": list(one["choices"]), **condition}
    if kind == "ordinal":
        return {"choice": list(one["sequence"]), "ordered": True, **condition}
    if kind == "constant":
        return {"choice": [one["value"]], **condition}
    raise ValueError(f"{name}: a space knows nothing like {kind!r}; write it as uniform")


def _whens(conditions: Sequence[Mapping[str, Any]]) -> dict[str, Alternatives]:
    """By child; of several conditions of one all must hold."""
    found: dict[str, Alternatives] = {}
    for one in conditions:
        child = one["child"]
        found[child] = _all([found.get(child, [{}]), _alternatives(one)], child)
    return found


def _alternatives(one: Mapping[str, Any]) -> Alternatives:
    kind, child = one["type"], one.get("child", "")
    if kind == "AND":
        return _all([_alternatives(below) for below in one["conditions"]], child)
    if kind == "OR":
        return [way for below in one["conditions"] for way in _alternatives(below)]
    tests = {"NEQ": "not", "GT": "above", "LT": "below"}
    if kind in ("EQ", "IN"):
        return [{one["parent"]: [one["value"]] if kind == "EQ" else list(one["values"])}]
    if kind not in tests:
        raise ValueError(f"{child}: a space knows no condition like {kind!r}")
    return [{one["parent"]: {tests[kind]: one["value"]}}]


def _all(parts: Sequence[Alternatives], child: str) -> Alternatives:
    """Each way to have one of each."""
    ways = []
    for chosen in itertools.product(*parts):
        way: dict[str, Any] = {}
        for name, told in (item for one in chosen for item in one.items()):
            if name in way:
                told = _both(way[name], told, child, name)
            way[name] = told
        ways.append(way)
    return ways


def _both(a: Any, b: Any, child: str, name: str) -> Any:
    if isinstance(a, list) and isinstance(b, list):
        return [value for value in a if value in b]
    if isinstance(a, Mapping) and isinstance(b, Mapping) and not set(a) & set(b):
        return {**a, **b}
    raise ValueError(f"{child}: two conditions on {name} that cannot be said as one")


def _forbidden(one: Mapping[str, Any]) -> dict[str, Any]:
    kind = one["type"]
    if kind == "AND":
        return {name: told for clause in one["clauses"] for name, told in _forbidden(clause).items()}
    if kind in ("EQUALS", "IN"):
        return {one["name"]: [one["value"]] if kind == "EQUALS" else list(one["values"])}
    raise ValueError(f"forbidden: a space knows no combination like {kind!r}")


def _hyperparameter(leaf: Leaf) -> dict[str, Any]:
    parameter, head = leaf.parameter, {"name": leaf.name, "meta": None}
    values = _row(parameter)
    if values is not None:
        return {"type": "ordinal", **head, "sequence": values, "default_value": values[len(values) // 2]}
    if isinstance(parameter, Float | Int):
        middle = (parameter.low * parameter.high) ** 0.5 if parameter.log else (parameter.low + parameter.high) / 2
        default = middle if isinstance(parameter, Float) else round(middle)
        ends = {"lower": parameter.low, "upper": parameter.high, "log": parameter.log}
        return {"type": f"uniform_{parameter.kind}", **head, **ends, "default_value": default}
    assert isinstance(parameter, Choice)
    if len(parameter.options) == 1:
        return {"type": "constant", **head, "value": parameter.options[0]}
    options = list(parameter.options)
    return {"type": "categorical", **head, "choices": options, "weights": None, "default_value": options[0]}


def _row(parameter: Parameter) -> list[Any] | None:
    """What is an ordinal there: ordered options, and numbers in steps."""
    from evokit.genomes.space.kinds import Grid, kind_of

    kind = kind_of(parameter)
    if not isinstance(kind, Grid) or (isinstance(parameter, Int) and parameter.step is None):
        return None
    return [kind.express(kind.numbered(number)) for number in range(kind.n)]


def _condition(leaf: Leaf, leaves: Sequence[Leaf]) -> dict[str, Any] | None:
    return _joined("AND", leaf.name, [_joined("OR", leaf.name, [
        _joined("AND", leaf.name, [one for test in way for one in _tests(test, leaf.name, leaves)]) for way in among
    ]) for among in leaf.conditions]) if leaf.conditions else None  # fmt: skip


def _joined(how: str, child: str, parts: Sequence[Any]) -> Any:
    return parts[0] if len(parts) == 1 else {"type": how, "child": child, "conditions": list(parts)}


def _tests(test: Test, child: str, leaves: Sequence[Leaf]) -> Iterator[dict[str, Any]]:
    parent = leaves[test.leaf]
    head = {"child": child, "parent": parent.name}
    if test.among is not None:
        values = [_value(parent.parameter, gene) for gene in test.among]
        yield {"type": "IN", **head, "values": values} if len(values) != 1 else {
            "type": "EQ", **head, "value": values[0]
        }  # fmt: skip
        return
    for kind, end, none, inside in (
        ("GT", test.above, -INFINITE, 0),
        ("GT", test.least, -INFINITE, -1),
        ("LT", test.below, INFINITE, 0),
        ("LT", test.most, INFINITE, 1),
    ):
        if end == none:
            continue
        if inside and not (isinstance(parent.parameter, Int) and parent.parameter.step is None):
            raise ValueError(f"{child}: ConfigSpace knows above and below, not at_least and at_most of {parent.name}")
        yield {"type": kind, **head, "value": end + inside}
    yield from ({"type": "NEQ", **head, "value": value} for value in test.other)


def _clauses(combination: Combination, leaves: Sequence[Leaf]) -> dict[str, Any]:
    clauses = []
    for test in combination:
        leaf = leaves[test.leaf]
        values = [_value(leaf.parameter, gene) for gene in _genes(test, leaf)]
        clauses.append({"type": "IN", "name": leaf.name, "values": values})
    return clauses[0] if len(clauses) == 1 else {"type": "AND", "clauses": clauses}


def _genes(test: Test, leaf: Leaf) -> Sequence[Any]:
    parameter = leaf.parameter
    if test.among is not None:
        return test.among
    if isinstance(parameter, Int) and (parameter.high - parameter.low) / (parameter.step or 1) < MOST:
        every = range(parameter.low, parameter.high + 1, parameter.step or 1)
        return [value for value in every if test.holds(value)]
    raise ValueError(f"forbidden: ConfigSpace can forbid values of {leaf.name}, not a range")


def _value(parameter: Parameter, gene: Any) -> Any:
    return parameter.options[gene] if isinstance(parameter, Choice) else gene

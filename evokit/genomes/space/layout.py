"""The parameters of a space in their places, and which exist when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from evokit.common.names import did_you_mean, listed
from evokit.genomes.space.conditions import Test, test_of
from evokit.genomes.space.parameters import Parameter, Path, SpaceError, read_entry

WHEN = "when"  # beside the parameters of a group: when the whole group exists
DOT = "."  # between the names of groups and parameters

Combination = tuple[Test, ...]  # which hold all together


@dataclass(frozen=True)
class Leaf:
    """A parameter in its place.

    Attributes:
        path: The names of its groups and its own.
        parameter: What it may be.
        conditions: Of each at least one combination must hold, else the parameter does not exist.
    """

    path: tuple[str, ...]
    parameter: Parameter
    conditions: tuple[tuple[Combination, ...], ...] = ()

    @property
    def name(self) -> str:
        return DOT.join(self.path)

    def exists(self, genes: Sequence[Any]) -> bool:
        """Whether it does beside one gene for each parameter, None for those that do not exist."""
        for among in self.conditions:  # loops, as this is asked of each parameter of each child
            for one in among:
                if holds(one, genes):
                    break
            else:
                return False
        return True


@dataclass(frozen=True)
class Layout:
    """All parameters of a space.

    Attributes:
        leaves: In the order in which they are told.
        order: Their places, each after those that its conditions ask for.
        forbidden: Combinations that nobody may have.
    """

    leaves: tuple[Leaf, ...]
    order: tuple[int, ...]
    forbidden: tuple[Combination, ...] = ()


def holds(combination: Combination, genes: Sequence[Any]) -> bool:
    return all(test.holds(genes[test.leaf]) for test in combination)


def written(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as a recipe writes them, JSON values, of what ``layout_of`` has found right."""
    found = {}
    for name, value in parameters.items():
        entry = value if name == WHEN else read_entry(value, (name,), [])
        found[name] = entry.written() if isinstance(entry, Parameter) else _written_entry(name, entry)
    return found


def _written_entry(name: str, entry: Any) -> Any:
    return entry if name == WHEN else written(entry)


def layout_of(parameters: Mapping[str, Any], forbidden: Sequence[Mapping[str, Any]] = ()) -> Layout:
    """The places of parameters.

    Args:
        parameters: Name to parameter, or to more of them by name; see ``read_entry``.
        forbidden: Combinations, each a mapping of names to values as of a condition.

    Raises:
        SpaceError: All that is wrong, each with its place below ``parameters`` or ``forbidden``.
    """
    if not isinstance(parameters, Mapping):
        got = type(parameters).__name__
        raise SpaceError([(("parameters",), f"must be a mapping of names to parameters, got a {got}")])
    if isinstance(forbidden, str | Mapping) or not isinstance(forbidden, Sequence):
        raise SpaceError([(("forbidden",), f"must be a list of mappings, got a {type(forbidden).__name__}")])
    problems: list[tuple[Path, str]] = []
    found = list(_entries(parameters, ("parameters",), (), problems))
    if problems:
        raise SpaceError(problems)
    paths = [path for path, _, _ in found]
    parts = [parameter for _, parameter, _ in found]
    leaves = []
    for path, parameter, told in found:
        conditions = tuple(
            _alternatives(when, place, scope, paths, parts, problems) for when, place, scope in told if when is not None
        )
        leaves.append(Leaf(path, parameter, conditions))
    if not found:
        problems.append((("parameters",), "there is none"))
    combinations = []
    for place, one in enumerate(forbidden):
        combinations.append(_combination(one, ("forbidden", place), (), paths, parts, problems))
    order = _order(leaves, problems)
    if problems:
        raise SpaceError(problems)
    return Layout(tuple(leaves), order, tuple(combinations))


Told = tuple[Any, Path, tuple[str, ...]]  # a condition, its place, and the group where its names are looked up first


def _entries(
    group: Any, place: Path, path: tuple[str, ...], problems: list[tuple[Path, str]], above: tuple[Told, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Parameter, tuple[Told, ...]]]:
    """Each parameter with its path and what its groups and itself say of when it exists."""
    if WHEN in group:
        above = (*above, (group[WHEN], (*place, WHEN), path[:-1]))
    if path and not set(group) - {WHEN}:
        problems.append((place, "has no parameters"))
    for name, value in group.items():
        here = (*place, name)
        if name == WHEN:
            if not path:
                problems.append((here, "cannot be the name of a parameter"))
            continue
        if not isinstance(name, str) or not name or DOT in name:
            problems.append((here, "a name must be text without a dot"))
            continue
        entry = read_entry(value, here, problems)
        if isinstance(entry, Parameter):
            yield (*path, name), entry, (*above, (entry.when, (*here, WHEN), path))
        elif entry is not None:
            yield from _entries(entry, here, (*path, name), problems, above)


def _alternatives(
    when: Any,
    place: Path,
    scope: tuple[str, ...],
    paths: Sequence[tuple[str, ...]],
    parts: Sequence[Parameter],
    problems: list[tuple[Path, str]],
) -> tuple[Combination, ...]:
    """A condition: a combination, or several of which one is enough."""
    several = isinstance(when, list | tuple)
    ones = [(one, (*place, number)) for number, one in enumerate(when)] if several else [(when, place)]
    return tuple(_combination(one, where, scope, paths, parts, problems) for one, where in ones)


def _combination(
    told: Any,
    place: Path,
    scope: tuple[str, ...],
    paths: Sequence[tuple[str, ...]],
    parts: Sequence[Parameter],
    problems: list[tuple[Path, str]],
) -> Combination:
    if not isinstance(told, Mapping) or not told:
        problems.append((place, f"must be a mapping of names to values such as {{optimizer: sgd}}, got {told!r:.60}"))
        return ()
    tests = []
    for name, value in told.items():
        leaf = _found(str(name), scope, paths)
        if leaf is None:
            known = [DOT.join(path) for path in paths]
            message = f"there is no parameter {name!r}{did_you_mean(str(name), known)} (known: {listed(known)})"
            problems.append(((*place, name), message))
            continue
        try:
            tests.append(test_of(leaf, parts[leaf], value))
        except ValueError as error:
            problems.append(((*place, name), str(error)))
    return tuple(tests)


def _found(name: str, scope: tuple[str, ...], paths: Sequence[tuple[str, ...]]) -> int | None:
    """The place of a parameter by a name that is looked up in a group, then in those around it."""
    for depth in range(len(scope), -1, -1):
        path = (*scope[:depth], *name.split(DOT))
        if path in paths:
            return paths.index(path)
    return None


def _order(leaves: Sequence[Leaf], problems: list[tuple[Path, str]]) -> tuple[int, ...]:
    needs = {
        place: [test.leaf for among in leaf.conditions for one in among for test in one]
        for place, leaf in enumerate(leaves)
    }
    try:
        return tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        round_ = " needs ".join(leaves[place].name for place in reversed(error.args[1]))
        problems.append((("parameters",), f"conditions go round in a circle: {round_}"))
        return ()

"""The parameters of a space, and how a recipe writes them."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from evokit.common.names import did_you_mean, listed
from evokit.errors import UserError

When = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Path = tuple[str | int, ...]
EXACT = 2**53  # as far as floats tell each whole number from the next


@dataclass(frozen=True, kw_only=True)
class Parameter(ABC):
    """What parameters have in common.

    Args:
        length: Makes a list of so many of them; None for one alone.
        when: The values of others at which it exists, such as ``{"optimizer": "sgd"}``; see ``conditions``.
    """

    length: int | None = None
    when: When | None = None
    kind: ClassVar[str]  # the key by which a recipe says it
    main: ClassVar[tuple[str, ...]]  # the fields that this key holds

    def __post_init__(self) -> None:
        try:
            if self.length is not None and not (_whole(self.length) and self.length >= 1):
                raise ValueError(f"length: must be a whole number of at least 1, got {self.length!r}")
            self._check()
        except ValueError as error:
            raise SpaceError([((type(self).__name__,), str(error))]) from None

    @abstractmethod
    def _check(self) -> None:
        """Settle the fields; raises ``ValueError`` that begins with the name of one."""

    def _settle(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def written(self) -> dict[str, Any]:
        """As in a recipe, JSON values.

        >>> Float(1, 10, log=True).written()
        {'float': [1.0, 10.0], 'log': True}
        """
        values = [getattr(self, name) for name in self.main]
        said: dict[str, Any] = {self.kind: values if len(values) > 1 else _json(values[0])}
        for one in fields(self):
            if one.name not in self.main and getattr(self, one.name) != one.default:
                said[one.name] = _json(getattr(self, one.name))
        return said


@dataclass(frozen=True)
class Float(Parameter):
    """A real number from ``low`` to ``high``.

    Args:
        low: The lowest value.
        high: The highest value; with a step the last one that steps from ``low`` reach.
        log: Whether factors count and not differences: between 0.01 and 0.1 lies as much as between 0.1 and 1.
        step: The distance of values; None for all numbers.

    Raises:
        SpaceError: A bound is not finite, ``low`` is not below ``high``, or is not above 0 with ``log``.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    kind: ClassVar[str] = "float"
    main: ClassVar[tuple[str, ...]] = ("low", "high")

    def _check(self) -> None:
        for name in ("low", "high", *(("step",) if self.step is not None else ())):
            value = _plain(getattr(self, name))
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ValueError(f"{name}: must be a finite number, got {value!r}")
            self._settle(name, float(value))
        _check_range(self)


@dataclass(frozen=True)
class Int(Parameter):
    """A whole number from ``low`` to ``high``, both included.

    Args:
        low: The lowest value.
        high: The highest value; with a step the last one that steps from ``low`` reach.
        log: Whether factors count and not differences.
        step: The distance of values; None for 1.

    Raises:
        SpaceError: As for ``Float``, or a number is not whole or beyond 2**53.
    """

    low: int
    high: int
    log: bool = False
    step: int | None = None
    kind: ClassVar[str] = "int"
    main: ClassVar[tuple[str, ...]] = ("low", "high")

    def _check(self) -> None:
        for name in ("low", "high", *(("step",) if self.step is not None else ())):
            value = _plain(getattr(self, name))
            if not _whole(value):
                raise ValueError(f"{name}: must be a whole number, got {value!r}")
            if abs(value) > EXACT:
                raise ValueError(f"{name}: must be within 2**53 of 0, where steps of one are exact, got {value!r}")
            self._settle(name, value)
        _check_range(self)


@dataclass(frozen=True)
class Choice(Parameter):
    """One of several options.

    Args:
        options: JSON values, each once.
        ordered: Whether neighbours in their order are alike, as of small, medium and large.

    Raises:
        SpaceError: There is none, one is there twice or no JSON value.
    """

    options: Sequence[Any]
    ordered: bool = False
    kind: ClassVar[str] = "choice"
    main: ClassVar[tuple[str, ...]] = ("options",)

    def _check(self) -> None:
        self._settle("options", _options(self.options))
        _check_flag("ordered", self.ordered)


@dataclass(frozen=True)
class Subset(Parameter):
    """Some of several options, in the order in which they are told.

    Args:
        options: JSON values, each once.
        at_most: How many at most; None for all.
        at_least: How many at least.

    Raises:
        SpaceError: As for ``Choice``, or the limits allow nothing.
    """

    options: Sequence[Any]
    at_most: int | None = None
    at_least: int = 0
    kind: ClassVar[str] = "subset"
    main: ClassVar[tuple[str, ...]] = ("options",)

    def _check(self) -> None:
        self._settle("options", _options(self.options))
        most = len(self.options) if self.at_most is None else self.at_most
        for name, value in (("at_most", most), ("at_least", self.at_least)):
            if not _whole(value) or not 0 <= value <= len(self.options):
                raise ValueError(f"{name}: must be a whole number from 0 to {len(self.options)}, got {value!r}")
        if self.at_least > most:
            raise ValueError(f"at_least ({self.at_least}): must not be above at_most ({most})")


@dataclass(frozen=True)
class Order(Parameter):
    """All of several options in any order: a permutation.

    Args:
        options: JSON values, each once, two or more.

    Raises:
        SpaceError: As for ``Choice``, or there is one alone.
    """

    options: Sequence[Any]
    kind: ClassVar[str] = "order"
    main: ClassVar[tuple[str, ...]] = ("options",)

    def _check(self) -> None:
        self._settle("options", _options(self.options))
        if len(self.options) < 2:
            raise ValueError("options: must be two or more, as one has no order")


KINDS: Mapping[str, type[Parameter]] = {one.kind: one for one in (Float, Int, Choice, Subset, Order)}
EXAMPLE = "must be a parameter such as {float: [0, 1]} or {choice: [a, b]}, or several by name"


class SpaceError(UserError, ValueError):
    """What is wrong with a space, or with a parameter that Python makes.

    Args:
        problems: The place of each, below the space, or the kind of the parameter, and a sentence.
    """

    def __init__(self, problems: Sequence[tuple[Path, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{'.'.join(map(str, place))}: {text}" for place, text in problems))


def read_entry(value: Any, place: Path, problems: list[tuple[Path, str]]) -> Parameter | dict[str, Any] | None:
    """A parameter, or several by name, of what a recipe or Python says; None if it is neither.

    Args:
        value: A parameter, a mapping, or a constant.
        place: Of it in the space.
        problems: Gets what is wrong.
    """
    value = _plain(value)
    if isinstance(value, Parameter):
        return value
    if isinstance(value, bool | int | float | str):
        return Choice((value,))
    if not isinstance(value, Mapping):
        got = "nothing" if value is None else f"a {type(value).__name__}"
        near = did_you_mean(str(place[-1]), KINDS) if isinstance(value, list | tuple) else ""
        problems.append((place, f"{EXAMPLE}, got {got}{near}"))
        return None
    named = [kind for kind in KINDS if kind in value and not isinstance(value[kind], Mapping | Parameter)]
    if not named:
        return dict(value)
    if len(named) > 1:
        problems.append((place, f"must be one kind of parameter, got {' and '.join(named)}"))
        return None
    return _read_parameter(KINDS[named[0]], value, place, problems)


def _read_parameter(
    kind: type[Parameter], value: Mapping[str, Any], place: Path, problems: list[tuple[Path, str]]
) -> Parameter | None:
    known = [one.name for one in fields(kind) if one.name not in kind.main]
    unknown = [key for key in value if key not in (*known, kind.kind)]
    for key in unknown:
        problems.append(((*place, key), f"unknown key{did_you_mean(str(key), known)} (known: {listed(known)})"))
    if unknown:
        return None
    said = value[kind.kind]
    if not isinstance(said, list | tuple):
        problems.append(((*place, kind.kind), f"must be a list, got {said!r:.60}"))
        return None
    if len(kind.main) > 1:
        if len(said) != len(kind.main):
            problems.append(((*place, kind.kind), f"must be [{', '.join(kind.main)}], got {len(said)} values"))
            return None
        main = dict(zip(kind.main, said, strict=True))
    else:
        main = {kind.main[0]: said}
    try:
        return kind(**main, **{key: value[key] for key in known if key in value})
    except SpaceError as error:
        [(_, text)] = error.problems
        name = text.partition(":")[0].partition(" ")[0]
        problems.append(((*place, name if name in value else kind.kind), text))
        return None


def same(a: Any, b: Any) -> bool:
    """Whether two options are the same; 1 is 1.0 and not true.

    >>> same(1, 1.0), same(1, True), same((1, 2), [1, 2])
    (True, False, True)
    """
    if isinstance(a, bool) or isinstance(b, bool) or not (isinstance(a, int | float) and isinstance(b, int | float)):
        return text_of(a) == text_of(b)
    return a == b


def text_of(value: Any) -> str:
    """An option as JSON text."""
    return json.dumps(value, sort_keys=True)


def _check_range(one: Float | Int) -> None:
    _check_flag("log", one.log)
    if not one.low < one.high:
        raise ValueError(f"low ({one.low:g}): must be below high ({one.high:g})")
    if one.log and one.low <= 0:
        raise ValueError(f"low ({one.low:g}): must be above 0 with log")
    if one.step is None:
        return
    if one.log:
        raise ValueError("step: has no meaning with log; leave one of them out")
    if not 0 < one.step <= one.high - one.low:
        raise ValueError(f"step ({one.step:g}): must be above 0 and at most {one.high - one.low:g}, high less low")


def _check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name}: must be true or false, got {value!r}")


def _options(options: Any) -> tuple[Any, ...]:
    options = _plain(options)
    if isinstance(options, str | Mapping) or not isinstance(options, Sequence):
        raise ValueError(f"options: must be a list, got {options!r:.60}")
    if not options:
        raise ValueError("options: there is none")
    found = tuple(map(_plain, options))
    seen: dict[str, Any] = {}
    for one in found:
        try:
            text = json.dumps(one, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError):
            raise ValueError(
                f"options: must be numbers, text, true, false, null or lists of these, got {one!r:.60}; give things"
                " of other types names"
            ) from None
        if _json(one) != one:
            raise ValueError(f"options: {one!r:.60} has a tuple, which would come back as a list; give a list")
        if text in seen:
            raise ValueError(f"options: {one!r:.60} is there twice")
        seen[text] = one
    return found


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's."""
    return value.tolist() if hasattr(value, "tolist") else value


def _json(value: Any) -> Any:
    """Tuples as lists, at any depth."""
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, list | tuple) else _plain(value)

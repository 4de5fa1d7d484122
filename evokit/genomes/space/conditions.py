"""What values of a parameter a condition or a forbidden combination speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evokit.common.names import did_you_mean, listed
from evokit.genomes.space.parameters import Choice, Float, Int, Parameter, Subset, same

WORDS = ("above", "at_least", "at_most", "below", "not")  # of a test that is a mapping
HAS = "has"  # the word of one of a subset
INFINITE = float("inf")


@dataclass(frozen=True)
class Test:
    """Which genes of one parameter are meant; none of a parameter that does not exist.

    Attributes:
        leaf: The parameter's place among those of the space.
        among: The genes; None for a range.
        least, most: The ends of a range, both in it.
        above, below: Ends that are not in it.
        other: Genes that are not meant.
        has: Members of a subset, of which one is enough.
    """

    leaf: int
    among: tuple[Any, ...] | None = None
    least: float = -INFINITE
    most: float = INFINITE
    above: float = -INFINITE
    below: float = INFINITE
    other: tuple[Any, ...] = ()
    has: tuple[int, ...] = ()

    __test__ = False  # pytest looks for classes of this name

    def holds(self, gene: Any) -> bool:
        if gene is None:
            return False
        if self.has:
            return any(place in gene for place in self.has)
        if self.among is not None:
            return gene in self.among
        return self.least <= gene <= self.most and self.above < gene < self.below and gene not in self.other


def test_of(leaf: int, parameter: Parameter, told: Any) -> Test:
    """The test that a recipe means: a value, a list of values, or a mapping of ``WORDS`` to values.

    Of a subset it is ``{has: a}``, or ``{has: [a, b]}`` for at least one of them.
    Options are compared by their places, so that ``above`` means later in the order.

    Raises:
        ValueError: The parameter never has such a value, or has no order.
    """
    if isinstance(parameter, Choice) and parameter.length is None:
        among = tuple(place for place, one in enumerate(parameter.options) if _meant(parameter, told, place, one))
        return Test(leaf, among)
    if isinstance(parameter, Subset) and parameter.length is None:
        return Test(leaf, has=_members(parameter, told))
    if not isinstance(parameter, Float | Int) or parameter.length is not None:
        what = "a list" if parameter.length is not None else f"of kind {parameter.kind}"
        raise ValueError(f"must be a single number, choice or subset, and this is {what}")
    if not isinstance(told, Mapping):
        values = tuple(told) if isinstance(told, list | tuple) else (told,)
        return Test(leaf, tuple(_number(parameter, value) for value in values))
    _check_words(told)
    other = told.get("not", ())
    other = tuple(other) if isinstance(other, list | tuple) else (other,)
    ends = {word: _number(parameter, value, inside=False) for word, value in told.items() if word != "not"}
    return Test(
        leaf,
        least=ends.get("at_least", -INFINITE),
        most=ends.get("at_most", INFINITE),
        above=ends.get("above", -INFINITE),
        below=ends.get("below", INFINITE),
        other=tuple(_number(parameter, value) for value in other),
    )


test_of.__test__ = False  # type: ignore[attr-defined]


def _meant(parameter: Choice, told: Any, place: int, option: Any) -> bool:
    """Whether an option at its place is meant."""
    if not isinstance(told, Mapping) or any(same(told, one) for one in parameter.options):
        return place in _places(parameter, told)
    _check_words(told)
    if set(told) != {"not"} and not parameter.ordered:
        raise ValueError("has no order: write ordered: true beside its choice, or list the options that are meant")
    tests = {
        "above": lambda end: place > end,
        "at_least": lambda end: place >= end,
        "at_most": lambda end: place <= end,
        "below": lambda end: place < end,
    }
    return all(
        place not in _places(parameter, value) if word == "not" else tests[word](_places(parameter, value)[0])
        for word, value in told.items()
    )


def _members(parameter: Subset, told: Any) -> tuple[int, ...]:
    """Where the options stand of which a subset must have one."""
    if not isinstance(told, Mapping) or set(told) != {HAS}:
        raise ValueError(f"of a subset must say what it has, such as {{has: {parameter.options[0]}}}, got {told!r:.60}")
    if not (members := tuple(_places(parameter, told[HAS]))):
        raise ValueError("has: there is none")
    return members


def _places(parameter: Choice | Subset, told: Any) -> list[int]:
    """Where an option stands, or each of several."""
    here = [place for place, one in enumerate(parameter.options) if same(told, one)]
    if here or not isinstance(told, list | tuple):
        if not here:
            names = [str(one) for one in parameter.options]
            raise ValueError(f"is never {told!r}{did_you_mean(str(told), names)} (its options: {listed(names)})")
        return here
    return [place for one in told for place in _places(parameter, one)]


def _check_words(told: Mapping[str, Any]) -> None:
    for word in told:
        if word not in WORDS:
            raise ValueError(f"unknown word {word!r}{did_you_mean(str(word), WORDS)} (known: {listed(WORDS)})")
    if not told:
        raise ValueError("must be a value, a list of values or a mapping such as {above: 2}, got an empty one")


def _number(parameter: Float | Int, value: Any, inside: bool = True) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be compared with a number, got {value!r}")
    whole = isinstance(parameter, Float) or float(value).is_integer()
    if inside and not (parameter.low <= value <= parameter.high and whole):
        raise ValueError(f"is never {value:g}, it goes from {parameter.low:g} to {parameter.high:g}")
    return value

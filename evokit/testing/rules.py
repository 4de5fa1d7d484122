"""Rules of a kit: what is checked, who broke one, and how that is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from evokit.contracts.blame import PASSED, culprit, raised, wrote_to_readonly
from evokit.contracts.global_generators import other_world

C = TypeVar("C")  # a case: what a kit checks, with what is around it

Finding = tuple[str, str]  # a method, empty of a function, and what it did

ANSWERS = "every method answers"
UNCHANGED = "what is given stays unchanged"
NO_GLOBALS = "no global generator is touched"


class Broken(Exception):  # noqa: N818 - a rule is, which is what a check is for
    """A rule of a kit that does not hold, the method to blame and what it did. Without a rule it is the one asked."""

    def __init__(self, rule: str, method: str, did: str) -> None:
        super().__init__(rule, method, did)
        self.rule, self.method, self.did = rule, method, did


@dataclass(frozen=True)
class Rule(Generic[C]):
    """``check`` returns what is wrong, None if nothing is; what it raises is wrong too."""

    name: str
    remedy: str
    check: Callable[[C], Finding | None]

    def broken(self, case: C) -> Broken | None:
        try:
            found = self.check(case)
        except Broken as broken:
            broken.rule = broken.rule or self.name
            return broken
        return None if found is None else Broken(self.name, *found)


def refuse_broken(case: C, rules: Sequence[Rule[C]], thing: Any, name: str = "") -> None:
    """Hold a case against rules in their order: the first that does not hold explains those after it.

    Args:
        case: What is checked.
        rules: Each may rely on those before it.
        thing: Whose methods are to blame.
        name: What it is called; its class if that is not said.

    Raises:
        AssertionError: Names the rule, the method, what it did, its place and the remedy.
    """
    broken = next(filter(None, (rule.broken(case) for rule in rules)), None)
    if broken is None:
        return
    remedy = next(rule.remedy for rule in rules if rule.name == broken.rule)
    method = f"{broken.method} " if broken.method else ""
    raise AssertionError(
        f"{name or type(thing).__name__} breaks a rule\n{broken.rule}: {method}{broken.did}\n"
        f"  where: {culprit(thing, broken.method)}\n  remedy: {remedy}"
    ) from broken.__cause__


def asked(thing: Any, method: str, *arguments: Any, rule: str = ANSWERS) -> Any:
    """What a method, or a function if it is empty, answers.

    Raises:
        Broken: It raised; the rule is ``UNCHANGED`` where it tried to write to an array that is shared.
    """
    try:
        function = getattr(thing, method) if method else thing
        return function(*arguments)
    except PASSED:
        raise
    except BaseException as error:
        broken = UNCHANGED if wrote_to_readonly(error) else rule
        raise Broken(broken, method, f"raised {raised(error, thing)}") from error


def twice(make: Callable[[], Any]) -> tuple[Any, Any, list[str]]:
    """What something gives with the global generators in two states, and those that it touched the second time.

    The first time may import a module that draws.
    """
    with other_world(1):
        first = make()
    with other_world(2) as touched:
        second = make()
    return first, second, touched

"""The contract of data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from evokit.contracts.global_generators import other_world
from evokit.data.vault import unit_keys
from evokit.interfaces import Context, Data
from evokit.recipe.schema import Section
from evokit.streams import Streams
from evokit.testing.rules import NO_GLOBALS, Finding, Rule, refuse_broken
from evokit.testing.setting import Candidate, Surroundings, built, candidate, checked_options

SPLITS = ("train", "validation", "test", "vault")


def data_conformance(data: str | object, /, *, recipe: Surroundings = None, **options: Any) -> Callable[[], None]:
    """A test that pytest collects: ``test_points = data_conformance("points", n=40)``.

    It checks what a run relies on: an origin, a digest and sizes; the same splits each time, and another digest of
    other ones; no unit in two splits; no global generator touched; with the option ``vault``, a part of the test units
    that is in no other split.

    Args:
        data: Name under which a plugin offers it, or an instance of its options.
        recipe: A recipe's file, or a mapping, whose options of the data are taken.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with what is to
        blame, its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe is refused for.
    """

    def test_data() -> None:
        check_data(candidate("data", data, recipe, options))

    return test_data


def check_data(one: Candidate) -> None:
    """What the test does. Raises as it does."""
    options = checked_options(one.registry, one.component, one.options)
    case = _Case(Section("data", one.component, options))
    refuse_broken(case, RULES, case.section.maker or options, one.component.name)


@dataclass(frozen=True)
class _Case:
    section: Section

    def made(self, seed: int = 0) -> Data:
        made: Data = built(self.section, Context(Streams(seed)))
        return made

    @cached_property
    def data(self) -> Data:
        return self.made()


def _units(split: Any) -> set[str] | None:
    """The digests of a split's units; None where they cannot be told apart."""
    try:
        return set(unit_keys(split))
    except (TypeError, AttributeError):
        return None


def _content(data: Data) -> list[list[str] | None]:
    found = [_units(getattr(data, name)) for name in SPLITS]
    return [None if one is None else sorted(one) for one in found]


def _tells(case: _Case) -> Finding | None:
    data = case.data
    for name in ("name", "origin", "digest"):
        if not isinstance(value := getattr(data, name), str) or not value:
            return "", f"builds data whose {name} is {value!r:.40}"
    if not data.sizes or not all(isinstance(n, int) and n >= 0 for n in data.sizes.values()):
        return "", f"builds data whose sizes are {data.sizes!r:.80}"
    for name in SPLITS[:3]:
        if getattr(data, name) is None:
            return "", f"builds data without a {name} split"
    return None


def _no_globals(case: _Case) -> Finding | None:
    case.made()  # may import a module that draws
    with other_world(2) as touched:
        case.made()
    return ("", f"used the global generator of {' and '.join(touched)}") if touched else None


def _same_data(case: _Case) -> Finding | None:
    with other_world(1):
        again = case.made()
    if again.digest != case.data.digest:
        return "", f"builds data with digest {case.data.digest:.16} and then {again.digest:.16}"
    if _content(again) != _content(case.data):
        return "", "builds other splits of the same seed"
    return None


def _digests(case: _Case) -> Finding | None:
    other = case.made(1)
    if _content(other) != _content(case.data) and other.digest == case.data.digest:
        return "", "builds other splits of another seed, with the same digest"
    return None


def _apart(case: _Case) -> Finding | None:
    units = {name: found for name in SPLITS if (found := _units(getattr(case.data, name)))}
    for i, one in enumerate(units):
        for other in list(units)[i + 1 :]:
            if both := len(units[one] & units[other]):
                return "", f"puts {both} unit{'s' if both > 1 else ''} into {one} and {other}"
    return None


def _vault(case: _Case) -> Finding | None:
    options = case.section.options
    if not hasattr(options, "vault"):
        return None
    cut = built(replace(case.section, options=replace(options, vault=0.5)), Context(Streams(0)))
    if cut.vault is None:
        return "", "has the option vault and keeps none"
    vault, test = _units(cut.vault), _units(cut.test)
    if vault is not None and test is not None and vault & test:
        return "", "leaves units of the vault in the test split"
    return None


RULES = (
    Rule(
        "the data say what they are",
        "build evokit.Data(name, origin, digest, sizes, train, validation, test)",
        _tells,
    ),
    Rule(NO_GLOBALS, "draw from context.streams.at(name).numpy()", _no_globals),
    Rule("the same data each time", "let options, files and context.streams alone decide what build makes", _same_data),
    Rule("other data, another digest", "let the digest be of the content: evokit.digest(rows.tolist())", _digests),
    Rule("no unit in two splits", "remove doubles before the units are dealt out", _apart),
    Rule("a vault is kept", "let evokit.cut_vault(test, self.vault) cut it off the test split", _vault),
)

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Interval, Le, MinLen

from evokit.cli.wording import option_rows, spoken
from evokit.options import rest
from evokit.recipe import Nested


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "integer"),
        (bool, "true or false"),
        (str | None, "text or null"),
        (Path, "path"),
        (Annotated[float, Ge(0), Le(1)], "number, at least 0, at most 1"),
        (Annotated[float, Interval(gt=0, le=1)], "number, more than 0, at most 1"),
        (Annotated[int, Gt(1)] | None, "integer, more than 1, or null"),
        (Literal["fill", "paper"], "fill | paper"),
        (tuple[int, ...], "list of integer"),
        (tuple[Annotated[int, Ge(1)], ...], "list of (integer, at least 1)"),
        (tuple[int, str], "list: integer, then text"),
        (Annotated[tuple[str, ...], MinLen(1)], "list of text, not empty"),
        (Mapping[str, int], "mapping of names to integer"),
        (Annotated[Mapping[str, Any], Nested("surrogate")], "a surrogate: {name: ...}"),
        (Annotated[Mapping[str, Any], Nested("primitives", or_name=True)], "primitives: {name: ...} or the name alone"),
    ],
)
def test_types_are_said_in_the_words_of_a_recipe(hint, words):
    assert spoken(hint) == words


@dataclass(frozen=True)
class Inner:
    depth: int = 2


@dataclass(frozen=True)
class Options:
    needed: int
    inner: Inner = Inner()
    flag: bool = False
    names: tuple[str, ...] = field(default_factory=lambda: ("a",))
    limit: float | None = None


def test_options_come_with_their_defaults_and_mappings_with_theirs():
    assert list(option_rows(Options)) == [
        ("needed", "integer", "required"),
        ("inner", "mapping", ""),
        ("inner.depth", "integer", "2"),
        ("flag", "true or false", "false"),
        ("names", "list of text", '["a"]'),
        ("limit", "number or null", "null"),
    ]


@dataclass(frozen=True)
class Holders:
    either: tuple[Annotated[int, Ge(1)] | Inner, ...] = ()
    table: Mapping[str, tuple[Inner, ...]] = field(default_factory=dict)
    perhaps: Annotated[tuple[Inner, ...], MinLen(1)] | None = None


def test_keys_of_mappings_in_lists_and_tables_are_told():
    assert [name for name, *_ in option_rows(Holders)] == [
        *("either", "either.N.depth", "table", "table.NAME.N.depth", "perhaps", "perhaps.N.depth"),
    ]


@dataclass(frozen=True)
class Foreign:
    function: str
    arguments: Mapping[str, int] = rest()


def test_options_that_nobody_can_list_are_told_as_such():
    assert list(option_rows(Foreign)) == [("function", "text", "required"), ("any other", "integer", "")]

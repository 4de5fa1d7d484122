from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Lt, MinLen, MultipleOf
from pydantic import TypeAdapter, ValidationError

from evokit.components.nested import Nested
from evokit.errors import UserError
from evokit.interfaces import Component
from evokit.options import rest
from evokit.recipe.options import Scope, adapter, validate
from evokit.recipe.schema import Section, as_json

from .fake_plugin import SurrogateScreen


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Part:
    size: Annotated[int, Ge(1)] = 1
    flag: bool = False


@dataclass(frozen=True)
class Other:
    size: str = ""


@dataclass(frozen=True)
class Many:
    count: int = 0
    number: float = 0.0
    text: str = ""
    path: Path = Path("here")
    colour: Colour = Colour.RED
    names: frozenset[str] = frozenset({"b", "a"})
    numbers: Annotated[tuple[float, ...], MinLen(1)] = (1,)
    pair: tuple[int, str] = (1, "a")
    part: Part = field(default_factory=Part)
    parts: tuple[Part, ...] = ()
    table: dict[str, Part] = field(default_factory=dict)
    layers: Annotated[int, Ge(1)] | Annotated[tuple[Annotated[int, Ge(1)], ...], MinLen(1)] = 1
    either: Part | Literal["none"] = "none"
    even: Annotated[int, MultipleOf(2), Lt(10)] | None = None
    seeds: tuple[Literal["sgd", "adam"] | Literal["muon"], ...] | Literal["known"] = ()
    stride: Literal[1, "auto"] = 1
    made: int = field(default=7, init=False)


def messages(options, data, scope=None):
    with pytest.raises(ValidationError) as caught:
        validate(options, data, scope)
    return {".".join(map(str, error["loc"])): error["msg"] for error in caught.value.errors()}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"count": "50"}, "must be an integer, got '50'"),
        ({"count": 3.0}, "must be an integer, got 3.0"),
        ({"count": True}, "must be an integer, got true"),
        ({"number": "1"}, "must be a number, got '1'"),
        ({"text": 5}, "must be a string, got 5"),
        ({"text": None}, "must be a string, got nothing"),
        ({"names": "abc"}, "must be a list, got 'abc'"),
        ({"numbers": []}, "must have 1 or more entries, got a list of 0"),
        ({"layers": []}, "must have 1 or more entries, got a list of 0"),
        ({"layers": [0]}, "must be at least 1, got 0"),
        ({"layers": "x"}, "must be an integer or a list, got 'x'"),
        ({"part": 3}, "must be a mapping, got 3"),
        ({"colour": "blue"}, "must be 'red', got 'blue'"),
        ({"even": 3}, "must be a multiple of 2, got 3"),
        ({"even": 10}, "must be less than 10, got 10"),
        ({"either": "some"}, "must be a mapping or 'none', got 'some'"),
        ({"seeds": ["adm"]}, "must be 'sgd', 'adam' or 'muon', got 'adm'; did you mean 'adam'?"),
        ({"stride": "aut"}, "must be 1 or 'auto', got 'aut'; did you mean 'auto'?"),
        ({"pair": [1]}, "entry 1 is missing"),
        ({"part": {"sise": 1}}, "unknown key; did you mean 'size'? (known: flag, size)"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_the_words_of_a_recipe(data, message):
    (told,) = messages(Many, data).values()
    assert told == message


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"part": {"siz": 2}}, "part.siz"),
        ({"parts": [{}, {"siz": 2}]}, "parts.1.siz"),
        ({"table": {"a": {"siz": 2}}}, "table.a.siz"),
    ],
)
def test_unknown_keys_are_found_at_any_depth(data, place):
    assert messages(Many, data) == {place: "unknown key; did you mean 'size'? (known: flag, size)"}


def test_all_faults_of_a_section_are_told():
    data = {"count": "x", "parts": [{"size": 0, "flag": 1}], "nothing": 1}
    assert set(messages(Many, data)) == {"count", "parts.0.size", "parts.0.flag", "nothing"}


def test_an_integer_is_a_number():
    assert validate(Many, {"number": 3}).number == 3.0


def test_defaults_take_the_types_of_their_fields():
    numbers = validate(Many, {}).numbers
    assert [type(number) for number in numbers] == [float]


def test_options_as_json_read_back_equal():
    options = validate(Many, {"parts": [{"size": 2}], "names": ["x"], "path": "a/b"})
    assert validate(Many, as_json(options)) == options


def test_a_default_outside_its_own_bounds_is_told():
    @dataclass(frozen=True)
    class Wrong:
        size: Annotated[int, Ge(1)] = 0

    assert messages(Wrong, {}) == {"size": "must be at least 1, got 0"}


def test_options_of_a_class_that_cannot_be_checked_are_its_plugins_fault(registry):
    @dataclass(frozen=True)
    class Strange:
        thing: Scope | None = None
        other: "Nowhere" = None  # noqa: F821

    with pytest.raises(UserError, match=r"^genome 'strange': its options cannot be read: name 'Nowhere'"):
        Scope(registry).options(Component("genome", "strange", Strange), {})


def test_a_nested_section_becomes_a_section(registry):
    section = Scope(registry).section("screen", {"name": "surrogate", "model": {"name": "ridge", "alpha": 3}})
    model = section.options.model
    assert isinstance(model, Section)
    assert (model.kind, model.name, model.options.alpha) == ("surrogate", "ridge", 3.0)


def test_a_nested_section_left_out_is_the_default(registry):
    model = Scope(registry).section("screen", {"name": "surrogate"}).options.model
    assert (model.name, model.options.alpha) == ("ridge", 1.0)


def test_nested_sections_may_be_listed_or_absent(registry):
    data = {"name": "surrogate", "others": [{"name": "ridge"}, {"name": "kriging"}], "spare": None}
    options = Scope(registry).section("screen", data).options
    assert [model.name for model in options.others] == ["ridge", "kriging"]
    assert options.spare is None


def test_faults_in_nested_sections_are_placed_and_worded(registry):
    data = {
        "model": {"name": "rigde"},
        "others": [{"name": "ridge", "alpha": -1, "alpa": 1}, 4, {}, {"name": 3}],
        "spare": {"name": "kriging", "sigma": "x"},
    }
    assert messages(SurrogateScreen, data, Scope(registry)) == {
        "model.name": "unknown surrogate 'rigde'; did you mean 'ridge'? (available: kriging, ridge)",
        "others.0.alpha": "must be at least 0, got -1",
        "others.0.alpa": "unknown key; did you mean 'alpha'? (known: alpha)",
        "others.1": "must be a mapping like {name: ...}, got 4",
        "others.2": "name is missing (available: kriging, ridge)",
        "others.3": "name must be a string, got 3 (available: kriging, ridge)",
        "spare.sigma": "must be a number, got 'x'",
    }


def test_without_a_scope_a_nested_section_stays_a_mapping():
    data: dict[str, Any] = {"model": {"name": "anything"}}
    assert TypeAdapter(SurrogateScreen).validate_python(data).model == {"name": "anything"}


@dataclass(frozen=True)
class Foreign:
    function: str
    prob: float = 1.0
    arguments: Mapping[str, Any] = rest()

    def __post_init__(self) -> None:
        if "wrong" in self.arguments:
            raise ValueError("function has no argument wrong")


@dataclass(frozen=True)
class Numbers:
    values: Mapping[str, Annotated[int, Ge(1)]] = rest()


def test_keys_that_are_no_options_are_held_for_what_knows_them():
    given = {"function": "f", "alpha": [1, 2.5], "arguments": {"deep": None}}
    options = validate(Foreign, given)
    assert options == Foreign("f", 1.0, {"alpha": [1, 2.5], "arguments": {"deep": None}})
    assert as_json(options) == {**given, "prob": 1.0}
    assert validate(Foreign, as_json(options)) == options


def test_what_is_wrong_with_them_is_told_where_they_stand():
    assert messages(Foreign, {"function": "f", "wrong": 1}) == {"": "function has no argument wrong"}
    assert messages(Foreign, {"wrong": 1}) == {"": "function is missing"}
    assert messages(Foreign, {"function": 3, "other": 1}) == {"function": "must be a string, got 3"}
    assert messages(Numbers, {"a": 1, "b": 0}) == {"b": "must be at least 1, got 0"}


@dataclass(frozen=True)
class Short:
    model: Annotated[Mapping[str, Any], Nested("surrogate", or_name=True)] = field(default_factory=lambda: "ridge")


def test_a_name_alone_may_say_a_nested_section(registry):
    by_name, by_section = (
        Scope(registry).options(Component("screen", "short", Short), {"model": model}).options.model
        for model in ("ridge", {"name": "ridge"})
    )
    assert by_name.options == by_section.options
    assert "did you mean 'ridge'?" in str(messages(Short, {"model": "rigde"}, Scope(registry)))
    assert adapter(Short).json_schema()["properties"]["model"]["anyOf"][0] == {"type": "string"}

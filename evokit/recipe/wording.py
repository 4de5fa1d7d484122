"""What is wrong with a section, in the words of the recipe rather than of the validator."""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from evokit.common.names import did_you_mean, listed
from evokit.options import REST
from evokit.recipe.schema import key_of_field
from evokit.recipe.yaml_source import KeyPath, describe

WORDED = "recipe"  # type of errors whose message is final

_EXPECTED = {
    "int_type": "must be an integer",
    "float_type": "must be a number",
    "string_type": "must be a string",
    "path_type": "must be a path",
    "bool_type": "must be true or false",
    "none_required": "must be null",
    "dataclass_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "finite_number": "must be finite",
}
LENGTHS = ("too_short", "too_long")
QUOTE = "'"
_BOUNDS = {
    "greater_than_equal": ("ge", "must be at least {}"),
    "greater_than": ("gt", "must be more than {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "less_than": ("lt", "must be less than {}"),
    "multiple_of": ("multiple_of", "must be a multiple of {}"),
    "literal_error": ("expected", "must be {}"),
    "enum": ("expected", "must be {}"),
    "too_short": ("min_length", "must have {} or more entries"),
    "too_long": ("max_length", "must have {} or fewer entries"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "string_pattern_mismatch": ("pattern", "must match {}"),
}


def worded(problems: Sequence[tuple[KeyPath, str]]) -> ValidationError:
    """A validation error with final messages; raised inside a validator it takes on the place of the value."""
    lines = [
        InitErrorDetails(type=PydanticCustomError(WORDED, "{message}", {"message": message}), loc=path, input=None)
        for path, message in problems
    ]
    return ValidationError.from_exception_data(WORDED, lines)


def explain(error: ValidationError, options: type, data: Any) -> list[tuple[KeyPath, str]]:
    """Path below the section and message, one per place: the members of a union are told together.

    Args:
        error: What validating ``data`` as ``options`` raised.
        options: The dataclass, for its keys.
        data: JSON values; tells keys of the recipe from the validator's own names in a path.
    """
    places: dict[KeyPath, list[ErrorDetails]] = {}
    known: list[tuple[KeyPath, str]] = []  # problems of whose places the options themselves tell
    for details in error.errors(include_url=False):
        place = _place(details, data)
        if problems := getattr(details.get("ctx", {}).get("error"), "problems", ()):
            known += [((*place, *path), text) for path, text in problems]
        else:
            places.setdefault(place, []).append(details)
    deeper = [path for path in places if path]
    told = [
        (path, _message(path, errors, options))
        for path, errors in places.items()
        if not (_of_kind_or_length(errors) and any(other[: len(path)] == path != other for other in deeper))
    ]
    return [*known, *told]


def _of_kind_or_length(errors: Sequence[ErrorDetails]) -> bool:
    """Whether all say that the value is of another kind, as members of a union do that were not meant, or too short.

    Where something inside it is wrong, that is what is to be told: pydantic does not count such entries.
    """
    return all(
        one["type"] in (*_EXPECTED, *LENGTHS)
        or (one["type"] == "literal_error" and isinstance(one["input"], list | tuple | dict))
        for one in errors
    )


def known_keys(hint: Any, path: KeyPath) -> list[str]:
    """The keys that a value at ``path`` below a type may have."""
    found = (
        field
        for kind in _dataclasses_at(hint, path)
        for field in fields(kind)
        if field.init and REST not in field.metadata
    )
    return sorted({key_of_field(field.name) for field in found})


def unknown_key(key: str, known: Sequence[str]) -> str:
    return f"unknown key{did_you_mean(key, known)} (known: {listed(known)})"


def _place(details: ErrorDetails, data: Any) -> KeyPath:
    path: list[str | int] = []
    for key in details["loc"]:
        if (isinstance(data, dict) and key in data) or (isinstance(data, list) and key in range(len(data))):
            path.append(key)
            data = data[key]  # type: ignore[index]
    return tuple(path)  # what is not in the data is the name of a union's member, or what is missing


def _message(path: KeyPath, errors: Sequence[ErrorDetails], options: type) -> str:
    final = [text for text in map(_final, errors) if text]
    if final:
        return "; ".join(dict.fromkeys(final))
    first = errors[0]
    if first["type"] == "unexpected_keyword_argument":
        return unknown_key(str(path[-1]), known_keys(options, path[:-1]))
    if isinstance(first["input"], str) and all(one["type"] == "literal_error" for one in errors):
        return _unknown_name(first["input"], [one["ctx"]["expected"] for one in errors])
    near = [one for one in errors if one["type"] in LENGTHS] or errors  # the kind that was meant
    expected = " or ".join(dict.fromkeys(map(_expectation, near))).replace(" or must be ", " or ")
    given = first["input"]
    n = f" of {len(given)}" if near is not errors and isinstance(given, list | tuple) else ""
    return f"{expected}, got {describe(given)}{n}"


def _unknown_name(name: str, expected: Sequence[str]) -> str:
    """Of a literal; pydantic lists what it may be, names in quotes, the last after an "or"."""
    told = ", ".join(expected).replace(" or ", ", ")
    known = list(dict.fromkeys(told.split(", ")))
    names = " or ".join([", ".join(known[:-1]), known[-1]] if known[1:] else known)
    return f"must be {names}, got {describe(name)}{did_you_mean(name, [one.strip(QUOTE) for one in known])}"


def _final(details: ErrorDetails) -> str:
    if details["type"] in ("value_error", "assertion_error"):
        return str(details["ctx"]["error"]) or "is not valid"
    if details["type"] == "missing":
        key = details["loc"][-1]
        return f"entry {key} is missing" if isinstance(key, int) else f"{key} is missing"
    return details["msg"] if details["type"] == WORDED else ""


def _expectation(details: ErrorDetails) -> str:
    kind = details["type"]
    if kind in _BOUNDS:
        key, text = _BOUNDS[kind]
        return text.format(_number(details["ctx"][key]))
    return _EXPECTED.get(kind) or details["msg"][:1].lower() + details["msg"][1:]


def _number(bound: Any) -> Any:
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _dataclasses_at(hint: Any, path: KeyPath) -> Iterator[type]:
    origin = get_origin(hint)
    if origin is Annotated:
        yield from _dataclasses_at(get_args(hint)[0], path)
    elif origin in (Union, types.UnionType):
        for member in get_args(hint):
            yield from _dataclasses_at(member, path)
    elif is_dataclass(hint) and isinstance(hint, type):
        if not path:
            yield hint
        elif path[0] in (hints := get_type_hints(hint, include_extras=True)):
            yield from _dataclasses_at(hints[str(path[0])], path[1:])
    elif path:
        for argument in get_args(hint):
            yield from _dataclasses_at(argument, path[1:])

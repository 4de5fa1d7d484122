"""Types that recipe options share. The loader checks them, with file and line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

Probability = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(1)]
NonNegative = Annotated[float, Ge(0)]
Positive = Annotated[float, Gt(0)]


# What pydantic is told is made when it asks: it takes longer to import than all options together.
@dataclass(frozen=True)
class Matching:
    """Marks text that must match a regular expression."""

    pattern: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return {**handler(source), "pattern": self.pattern}


class _FirstThatFits:
    """Marks a union of whose types the first that fits is taken."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return {**handler(source), "mode": "left_to_right"}


Label = Annotated[str, Matching(r"^[\w.-]*$")]
"""A baseline's name in the results, in place of its component's; it becomes part of a phase's name."""


def refuse_twice(name: str, values: Sequence[str]) -> None:
    """Raises ``ValueError`` if the list that an option is says something twice."""
    if len(set(values)) < len(values):
        raise ValueError(f"{name}: must be each once, got {list(values)}")


ADDED = "added"  # in the metadata of a field


def added(default: Any) -> Any:
    """A field that recipes of before do not have: at its default it is no part of a recipe's identity."""
    return field(default=default, metadata={ADDED: True})


REST = "rest"  # in the metadata of a field


def rest() -> Any:
    """A field, a mapping, that holds all keys of a section that are no other field's: the options of something foreign.

    The class checks them in ``__post_init__``, as nobody else knows them.
    """
    return field(default_factory=dict, metadata={REST: True})


def rest_of(options: type) -> str:
    """The name of the field that ``rest`` made; empty if there is none."""
    return next((one.name for one in fields(options) if REST in one.metadata), "")


class HubName(str):
    """The name of a data set on Hugging Face's hub, ``name`` or ``owner/name``."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        text = core_schema.str_schema(pattern=r"^\w[\w.-]*(/\w[\w.-]*)?$")
        return core_schema.no_info_after_validator_function(cls, text)


FolderOrName = Annotated[HubName | Path, _FirstThatFits()]
"""A folder, or the name of a data set on the hub. What could be both is a folder if there is one beside the recipe."""

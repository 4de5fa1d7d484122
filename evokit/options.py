"""Types that recipe options share. The loader checks them, with file and line."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le
from pydantic import Field, StringConstraints

Probability = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(1)]
NonNegative = Annotated[float, Ge(0)]
Positive = Annotated[float, Gt(0)]
Label = Annotated[str, StringConstraints(pattern=r"^[\w.-]*$")]
"""A baseline's name in the results, in place of its component's; it becomes part of a phase's name."""


ADDED = "added"  # in the metadata of a field


def added(default: Any) -> Any:
    """A field that recipes of before do not have: at its default it is no part of a recipe's identity."""
    return field(default=default, metadata={ADDED: True})


class HubName(str):
    """The name of a data set on Hugging Face's hub, ``name`` or ``owner/name``."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        text = core_schema.str_schema(pattern=r"^\w[\w.-]*(/\w[\w.-]*)?$")
        return core_schema.no_info_after_validator_function(cls, text)


FolderOrName = Annotated[HubName | Path, Field(union_mode="left_to_right")]
"""A folder, or the name of a data set on the hub. What could be both is a folder if there is one beside the recipe."""

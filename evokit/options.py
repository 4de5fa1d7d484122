"""Ranges that recipe options share. The loader checks them, with file and line."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Ge, Gt, Le
from pydantic import StringConstraints

Probability = Annotated[float, Ge(0), Le(1)]
Count = Annotated[int, Ge(1)]
NonNegative = Annotated[float, Ge(0)]
Positive = Annotated[float, Gt(0)]
Label = Annotated[str, StringConstraints(pattern=r"^[\w.-]*$")]
"""A baseline's name in the results, in place of its component's; it becomes part of a phase's name."""

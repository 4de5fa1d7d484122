"""The recipe's own search over another genome: the control that shows what a part of the genome is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from evokit.components.nested import Nested
from evokit.interfaces import Context
from evokit.options import Label

if TYPE_CHECKING:
    from evokit.runs.assembly import Parts


@dataclass(frozen=True)
class SameSearch:
    """The search of the recipe, its operators and screens included, over another ``genome``.

    As a baseline it ends with its horizon or with the generation in which it has spent the search's measured work, and
    its champion is confirmed and finished like the recipe's. ``label`` is its name in the results.
    """

    genome: Annotated[Mapping[str, Any], Nested("genome")]
    label: Label = ""

    def build(self, context: Context) -> Parts:
        assert context.vary is not None
        parts: Parts = context.vary(genome=self.genome, init=None)
        return parts

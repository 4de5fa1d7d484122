"""The recipe's own search over another genome: the control that shows what a part of the genome is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from evokit.components.nested import Nested
from evokit.interfaces import Context
from evokit.options import Label


@dataclass(frozen=True)
class SameSearch:
    """The search of the recipe, its operators and screens included, over another ``genome``.

    As a baseline it ends with its horizon or with the generation in which it has spent the search's measured work, and
    its champion is confirmed and finished like the recipe's. ``label`` is its name in the results.
    """

    genome: Annotated[Mapping[str, Any], Nested("genome")]
    label: Label = ""

    def build(self, context: Context) -> Any:
        assert context.vary is not None
        return context.vary(genome=self.genome, init=None)

"""Another search at equal work: the control that shows what the recipe's own search is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from evokit.components.nested import Nested
from evokit.interfaces import Context
from evokit.options import Label


@dataclass(frozen=True)
class OtherSearch:
    """Another ``search`` with the measured work of the recipe's, over its genome or another ``genome``.

    ``selection``, ``crossover``, ``mutation`` and ``screens`` are those given here; what is not, and what the search
    reads, is the recipe's, or else a tournament and the genome's own operators. What the search does not read of the
    recipe is left out: a search that reads no screens measures everything at full budget. It begins with what the
    recipe's ``init`` brings if it reads that and has the same genome.

    As a baseline it ends with its horizon, if it has one, or with the generation in which it has spent the search's
    measured work, so its generations should be short beside that, those of ``steady_state`` by ``in_flight``. Its
    champion is confirmed and finished like the recipe's. ``label`` is its name in the results.
    """

    search: Annotated[Mapping[str, Any], Nested("search")]
    genome: Annotated[Mapping[str, Any], Nested("genome")] | None = None
    selection: Annotated[Mapping[str, Any], Nested("selection")] | None = None
    crossover: Annotated[Mapping[str, Any], Nested("crossover")] | None = None
    mutation: Annotated[Mapping[str, Any], Nested("mutation")] | None = None
    screens: tuple[Annotated[Mapping[str, Any], Nested("screen")], ...] | None = None
    label: Label = ""

    def build(self, context: Context) -> Any:
        assert context.vary is not None
        sections = {name: value for name, value in vars(self).items() if name != "label" and value is not None}
        return context.vary(**sections, **({} if self.genome is None else {"init": None}))

"""Several mutations, of which the more successful make more children."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import MinLen

from evokit.components.adaptive import Adaptive, Rule, adaptive
from evokit.components.nested import Nested
from evokit.interfaces import Context


@dataclass(frozen=True, kw_only=True)
class AdaptiveMutation(Rule):
    """Several mutations, of which one is drawn for each child, the oftener the more its children beat their parents.

    For when nobody knows which mutation fits, or how strong it should be: name one with several strengths. It costs the
    children that the worse ones make. A child beats its parents if it is better than the better one (with several
    objectives, if it dominates one and neither is as good or dominates it). The logbook has each one's chance, the
    lineage which made a child. Children are made one by one.

    ``operators`` are mutations, two or more; a second one of a name is called ``gaussian-2``. After each generation the
    quality of each follows, by ``alpha``, the share of its children that beat their parents. ``allocation: pursuit``
    gives the best one ever more of the chances, by ``beta`` a generation, and all others ``least``; ``matching`` gives
    each in proportion to its quality. ``least`` is half of equal chances if not given.

    Source: Thierens 2005, "An Adaptive Pursuit Strategy for Allocating Operator Probabilities".

    Raises:
        ValueError: In ``build``: one of them changes with time by itself, or ``least`` is too much for so many.
    """

    operators: Annotated[tuple[Annotated[Mapping[str, Any], Nested("mutation")], ...], MinLen(2)]
    genes: ClassVar[frozenset[str]] = frozenset()  # what the operators work on

    def build(self, context: Context) -> Adaptive:
        return adaptive(self.operators, self, context)

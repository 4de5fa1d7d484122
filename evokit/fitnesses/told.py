"""A fitness that somebody tells: a laboratory, a simulator, a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evokit.common.keys import digest
from evokit.contracts.blame import ContractError
from evokit.contracts.members import ANY_KIND
from evokit.fitnesses.function import BATCH
from evokit.interfaces import Context, Evaluation, Goal

ABSENT = (
    "the fitness told is measured by somebody: evokit ask RECIPE prints what to measure, and evokit tell RUN RESULTS"
    " takes what it was; in Python evokit.search does both"
)


@dataclass(frozen=True)
class Told:
    """Somebody else measures, and tells a number for each of ``objectives`` and of ``constraints``.

    ``evokit ask`` prints what to measure, ``evokit tell`` takes a table of what it was. A constraint is kept to where
    its number is not above 0.

    Raises:
        ValueError: There is no objective.
    """

    objectives: Mapping[str, Goal] = field(default_factory=lambda: {"value": "min"})
    constraints: tuple[str, ...] = ()
    held: Any = field(default=None, init=False, repr=False, compare=False)  # who asks, where somebody does

    def __post_init__(self) -> None:
        if not self.objectives:
            raise ValueError("objectives: there must be at least one, such as {yield: max}")

    def build(self, context: Context) -> ToldFitness:
        return ToldFitness(self)


class ToldFitness:
    """What ``Told`` builds; its objectives and constraints are those of the options."""

    takes = ANY_KIND
    slots: Mapping[str, Any] = {}
    budgets = (1,)
    batch = BATCH  # all of a generation are asked for at once
    by_hand = True
    keyed = True  # it is handed phenotypes with their keys

    def __init__(self, options: Told) -> None:
        self.objectives, self.constraints, self._asker = options.objectives, options.constraints, options.held
        self.context = digest(["told", list(options.objectives), list(options.constraints)])

    @property
    def absent(self) -> str:
        """What to say where nobody is there to answer; empty where somebody is."""
        return "" if self._asker else ABSENT

    def evaluate(self, batch: Sequence[Any], budget: int) -> list[Evaluation]:
        if self._asker is None:
            raise ContractError(ABSENT)
        evaluations: list[Evaluation] = self._asker(batch)
        return evaluations

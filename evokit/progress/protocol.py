"""What a run tells whoever shows its progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from evokit.interfaces import Goal
from evokit.progress.wording import energy


@dataclass(frozen=True)
class Totals:
    """Sums over the run so far. ``estimated_j`` are the joules that were not read from a counter (C7)."""

    measured: int
    cached: int
    predicted: int
    joules: float
    estimated_j: float
    seconds_left: float | None = None

    @property
    def energy(self) -> str:
        """The joules for people."""
        return energy(self.joules, self.estimated_j)


class Progress(Protocol):
    """Told by the run what happens. Displays only: nothing that decides reads it, and its clock is its own."""

    def phase(self, name: str) -> None:
        """A part of the run begins: search, baselines, final."""

    def generation(self, index: int, total: int | None) -> None:
        """Generation ``index`` (from 1) begins; ``total`` is the horizon, if there is one."""

    def evaluated(self, done: int, total: int, measured: int, cached: int, seconds_left: float | None) -> None:
        """So much of the present batch is done, of it ``measured`` and ``cached``."""

    def pace(self, work_per_s: float, busy: float, unit: str) -> None:
        """Of the present batch: counted work a second, what it counts, and how many workers were at it on average."""

    def best(self, value: float | None, objective: str, goal: Goal) -> None:
        """The best value measured so far; None if nothing valid was measured yet."""

    def beside(self, names: Sequence[str]) -> None:
        """What is made meanwhile, beside the present phase; nothing any more if empty."""

    def totals(self, sums: Totals) -> None:
        """Sums over the run so far."""

    def note(self, text: str, *, keep: bool = False) -> None:
        """A line for people. ``keep``: it matters beyond the moment, so it is not replaced by the next."""

    def close(self) -> None:
        """Give the terminal back; may be called twice, and after an interrupt."""

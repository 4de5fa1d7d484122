"""Random selection."""

from __future__ import annotations

from dataclasses import dataclass

from evokit.interfaces import Context
from evokit.selection.picking import Picking


@dataclass(frozen=True)
class Random:
    """Any member, each as likely: for searches whose survivors alone are chosen by fitness, such as ``elites``."""

    def build(self, context: Context) -> Picking:
        return Picking(lambda scores, n, rng: rng.integers(len(scores), size=n))

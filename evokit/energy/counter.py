"""What a source of energy readings offers to a meter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Clock = Callable[[], float]


class Counter(Protocol):
    """A source of energy readings."""

    name: str
    step_s: float  # blocks shorter than this cannot be read from it
    poll_s: float  # must be read at least this often while a block is open

    def joules(self) -> float:
        """Joules since a fixed moment. Raises ``OSError`` if the source has gone."""

    def watts(self) -> float | None:
        """Power now; None if the source cannot tell. Raises ``OSError``."""

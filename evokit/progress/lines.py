"""Progress as plain lines."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from evokit.interfaces import Goal
from evokit.progress.protocol import Totals
from evokit.progress.wording import left, number, of

LINE_EVERY_S = 10.0


class LineProgress:
    """Plain lines, each flushed, for logs and pipes.

    Args:
        stream: Where the lines go.
        clock: Seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._evaluated_at = -math.inf
        self._last_totals = ""
        self._in_generations = False
        self._beside: list[str] = []

    def phase(self, name: str) -> None:
        self._in_generations = False
        self._line(f"Phase: {name}")

    def generation(self, index: int, total: int | None) -> None:
        self._in_generations = True
        self._line(f"Generation {of(index, total)}")

    def evaluated(self, done: int, total: int, measured: int, cached: int, seconds_left: float | None) -> None:
        now = self._clock()
        if now - self._evaluated_at < LINE_EVERY_S:
            return
        self._evaluated_at = now
        self._line(f"Evaluated {done}/{total} ({measured} measured, {cached} cached){left(seconds_left, ', ')}")

    def pace(self, work_per_s: float, busy: float, unit: str) -> None:
        """Nothing: the lines of a log are few."""

    def best(self, value: float | None, objective: str, goal: Goal) -> None:
        what = "fitness" if self._in_generations else objective
        self._line(f"Best {what}: {number(value)}")

    def beside(self, names: Sequence[str]) -> None:
        if names and list(names) != self._beside:
            self._line(f"Meanwhile: {', '.join(names)}")
        self._beside = list(names)

    def totals(self, sums: Totals) -> None:
        counts = f"{sums.measured} measured, {sums.cached} cached, {sums.predicted} predicted"
        self._last_totals = f"In all {counts}, {sums.energy}"

    def note(self, text: str, *, keep: bool = False) -> None:
        self._line(text)

    def close(self) -> None:
        if self._last_totals:
            self._line(self._last_totals)
        self._last_totals = ""

    def _line(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()

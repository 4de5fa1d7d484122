"""Joules of tasks that run side by side on one machine, whose counters see them all at once (C7)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from evokit.energy import Meter, Reading, share


class SharedJoules:
    """Reads counters whenever a task ends and gives it its part of what has come together since.

    What one does not get is left for the others, so the parts add up to what the counters counted while at least one
    task ran. Others are weighed by their seconds so far, since their CPU seconds are known only when they end.

    Args:
        meter: Reads the machine's counters.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._open: ExitStack | None = None
        self._reading = Reading()
        self._joules = self._estimated_j = 0.0

    def begin(self) -> None:
        """A task begins."""
        if self._open is None:
            self._open = ExitStack()
            self._reading = self._open.enter_context(self._meter.measure())

    def end(self, cpu_s: float, others_s: Sequence[float]) -> tuple[float, float]:
        """A task ends: its joules, and those of them that were not read from a counter.

        Args:
            cpu_s: What it used.
            others_s: Seconds for which each of those that go on has run.
        """
        self._read()
        seconds = [cpu_s, *others_s]
        mine, estimated_j = share(self._joules, seconds)[0], share(self._estimated_j, seconds)[0]
        self._joules -= mine
        self._estimated_j -= estimated_j
        if others_s:
            self.begin()
        return mine, estimated_j

    def _read(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None
            self._joules += self._reading.joules
            self._estimated_j += self._reading.estimated_j

"""How fast measurements go, for the display."""

from __future__ import annotations

from collections.abc import Iterable

from evokit.interfaces import Evaluation


class Pace:
    """Counted work a second and how many workers are at it, both on average since measuring began."""

    def __init__(self) -> None:
        self._work, self._busy_s = 0, 0.0

    def after(self, evaluations: Iterable[Evaluation], elapsed_s: float) -> tuple[float, float]:
        """With these, which were measured now.

        Args:
            evaluations: Of the same work.
            elapsed_s: Since measuring began, by the clock: what a search does between its generations counts too.

        >>> pace = Pace()
        >>> pace.after([Evaluation(work=6, wall_s=3.0), Evaluation(work=2, wall_s=1.0)], 2.0)
        (4.0, 2.0)
        >>> pace.after([], 4.0)
        (2.0, 1.0)
        """
        for one in evaluations:
            self._work, self._busy_s = self._work + one.work, self._busy_s + one.wall_s
        elapsed_s = max(elapsed_s, 1e-9)  # clocks may stand still
        return self._work / elapsed_s, self._busy_s / elapsed_s

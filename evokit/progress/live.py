"""Progress as a live display in a terminal."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from evokit.interfaces import Goal
from evokit.progress.protocol import Totals
from evokit.progress.wording import left, number, of, rounded, sparkline, stopwatch

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.progress_bar import ProgressBar

_ROOM_FOR_BARS = 64  # columns
_DIRECTION = {"min": "lower is better", "max": "higher is better"}


@dataclass(slots=True)
class _Shown:
    """What the live display shows."""

    phase: str = ""
    generation: tuple[int, int | None] | None = None
    batch: tuple[int, int, int, int] | None = None  # done, total, measured, cached
    batch_left_s: float | None = None
    pace: tuple[float, float, str] | None = None  # work a second, workers at it, what work counts
    best: float | None = None
    objective: str = ""
    goal: Goal = "min"
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=32))
    totals: Totals | None = None
    run_left_s: float | None = None
    beside: Sequence[str] = ()
    note: str = ""
    closed: bool = False


class LiveProgress:
    """One panel that stays in place; kept notes scroll by above it.

    Args:
        stream: A terminal.
        clock: Seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.console import Console

        self._clock = clock
        self._start_s = clock()
        self._shown = _Shown()
        self._lock = threading.RLock()
        self._console = Console(file=stream, force_terminal=True)
        self._live = self._screen()
        self._live.start()

    def _screen(self) -> Any:
        """What shows the panel: it has ``start``, ``stop`` and ``transient``."""
        from rich.live import Live

        return Live(console=self._console, get_renderable=self._panel, refresh_per_second=4)

    def phase(self, name: str) -> None:
        with self._lock:
            self._shown.phase = name
            self._shown.generation = self._shown.batch = self._shown.pace = self._shown.run_left_s = None
            self._shown.recent.clear()
            self._shown.best, self._shown.objective = None, ""  # that of the phase before is not this one's
            self._shown.note = ""

    def generation(self, index: int, total: int | None) -> None:
        with self._lock:
            self._shown.generation = (index, total)
            self._shown.batch = None

    def evaluated(self, done: int, total: int, measured: int, cached: int, seconds_left: float | None) -> None:
        with self._lock:
            self._shown.batch = (done, total, measured, cached)
            self._shown.batch_left_s = seconds_left

    def pace(self, work_per_s: float, busy: float, unit: str) -> None:
        with self._lock:
            self._shown.pace = (work_per_s, busy, unit)

    def best(self, value: float | None, objective: str, goal: Goal) -> None:
        with self._lock:
            if objective != self._shown.objective:
                self._shown.recent.clear()
            self._shown.best, self._shown.objective, self._shown.goal = value, objective, goal
            if value is not None:
                self._shown.recent.append(value)

    def beside(self, names: Sequence[str]) -> None:
        with self._lock:
            self._shown.beside = list(names)

    def totals(self, sums: Totals) -> None:
        with self._lock:
            self._shown.totals, self._shown.run_left_s = sums, sums.seconds_left

    def note(self, text: str, *, keep: bool = False) -> None:
        if keep:
            self._console.print(text, style="yellow", markup=False, highlight=False)
            return
        with self._lock:
            self._shown.note = text

    def close(self) -> None:
        with self._lock:
            self._live.transient = self._shown == _Shown()  # nothing was told, so nothing need stay
            self._shown.closed = True
        self._live.stop()

    def _panel(self) -> RenderableType:
        from rich.panel import Panel
        from rich.text import Text

        with self._lock:
            shown = self._shown
            title = Text.assemble(("evokit", "bold"), f" · {shown.phase}" if shown.phase else "")
            time_left = "" if shown.closed else left(shown.run_left_s, " · about ")
            stop = "" if shown.closed else " · Ctrl-C saves and stops"
            return Panel(
                self._rows(),
                title=title,
                title_align="left",
                subtitle=Text(f"{stopwatch(self._clock() - self._start_s)}{time_left}{stop}", style="dim"),
                subtitle_align="right",
                border_style="dim" if shown.closed else "cyan",
                width=min(self._console.width, 80),
                padding=(0, 1),
            )

    def _rows(self) -> Group:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        shown = self._shown
        rows = Table.grid(padding=(0, 2), expand=True)
        rows.add_column(style="dim", no_wrap=True, min_width=10)
        rows.add_column(no_wrap=True, min_width=9)
        if wide := self._console.width >= _ROOM_FOR_BARS:
            rows.add_column(ratio=1)
        rows.add_column(
            justify="right",
            no_wrap=True,
            overflow="ellipsis",
            max_width=34 if wide else None,
            ratio=None if wide else 1,
        )
        for label, value, bar, remark in self._cells():
            rows.add_row(label, value, *([bar] if wide else []), remark)
        parts: list[RenderableType] = [rows]
        if sums := shown.totals:
            counts = f"{sums.measured} measured · {sums.cached} cached · {sums.predicted} predicted · {sums.energy}"
            parts.append(Text(counts, no_wrap=True, overflow="ellipsis"))
        if shown.beside and not shown.closed:
            parts.append(Text(f"meanwhile: {', '.join(shown.beside)}", no_wrap=True, overflow="ellipsis"))
        if shown.note and not shown.closed:
            parts.append(Text(shown.note, style="italic", no_wrap=True, overflow="ellipsis"))
        return Group(*parts)

    def _cells(self) -> Iterator[tuple[RenderableType, RenderableType, RenderableType, RenderableType]]:
        """Label, value, bar and remark of each row."""
        from rich.text import Text

        shown = self._shown
        if shown.generation:
            index, total = shown.generation
            yield "generation", of(index, total), _bar(index - (not shown.closed), total), ""
        if shown.batch:
            done, total, measured, cached = shown.batch
            time_left = "" if shown.closed else left(shown.batch_left_s, "")
            counts = f"{measured} new, {cached} cached"
            yield "evaluated", f"{done}/{total}", _bar(done, total), time_left or counts
        if shown.pace and not shown.closed:
            per_s, busy, unit = shown.pace
            yield (
                "work",
                f"{rounded(per_s)}/s",
                Text(unit, style="dim", overflow="ellipsis"),
                f"{busy:.1f} workers busy",
            )
        if shown.objective:
            yield (
                "best",
                Text(number(shown.best), style="bold green" if shown.best is not None else "dim"),
                Text(self._curve(), style="green", no_wrap=True, overflow="crop"),
                Text(f"{shown.objective}, {_DIRECTION[shown.goal]}", style="dim", overflow="ellipsis"),
            )

    def _curve(self) -> str:
        return sparkline(self._shown.recent) if self._console.encoding.startswith("utf") else ""


def _bar(done: int, total: int | None) -> ProgressBar | str:
    if total is None:
        return ""
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=max(total, 1), completed=done, complete_style="cyan", finished_style="green")

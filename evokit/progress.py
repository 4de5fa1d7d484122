"""What a person sees during a run: a live display in a terminal, plain lines elsewhere."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TextIO

from evokit.interfaces import Goal

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.progress_bar import ProgressBar

LINE_EVERY_S = 10.0
_ROOM_FOR_BARS = 64  # columns
_BLOCKS = "▁▂▃▄▅▆▇█"
_DIRECTION = {"min": "lower is better", "max": "higher is better"}
_ESTIMATE = "estimate"


class Progress(Protocol):
    """Told by the run what happens. Displays only: nothing that decides reads it, and its clock is its own."""

    def phase(self, name: str) -> None:
        """A part of the run begins: search, baselines, final."""

    def generation(self, index: int, total: int | None) -> None:
        """Generation ``index`` (from 1) begins; ``total`` is the horizon, if there is one."""

    def evaluated(self, done: int, total: int, measured: int, cached: int, seconds_left: float | None) -> None:
        """So much of the present batch is done, of it ``measured`` and ``cached``."""

    def best(self, value: float | None, objective: str, goal: Goal) -> None:
        """The best value measured so far; None if nothing valid was measured yet."""

    def totals(
        self,
        measured: int,
        cached: int,
        predicted: int,
        joules: float,
        seconds_left: float | None,
        *,
        energy_method: str = _ESTIMATE,
    ) -> None:
        """Sums over the run so far. Joules are shown as an estimate if ``Meter.method`` says so (C7)."""

    def note(self, text: str, *, keep: bool = False) -> None:
        """A line for people. ``keep``: it matters beyond the moment, so it is not replaced by the next."""

    def close(self) -> None:
        """Give the terminal back; may be called twice, and after an interrupt."""


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

    def phase(self, name: str) -> None:
        self._in_generations = False
        self._line(f"Phase: {name}")

    def generation(self, index: int, total: int | None) -> None:
        self._in_generations = True
        self._line(f"Generation {_of(index, total)}")

    def evaluated(self, done: int, total: int, measured: int, cached: int, seconds_left: float | None) -> None:
        now = self._clock()
        if now - self._evaluated_at < LINE_EVERY_S:
            return
        self._evaluated_at = now
        self._line(f"Evaluated {done}/{total} ({measured} measured, {cached} cached){_left(seconds_left, ', ')}")

    def best(self, value: float | None, objective: str, goal: Goal) -> None:
        what = "fitness" if self._in_generations else objective
        self._line(f"Best {what}: {number(value)}")

    def totals(
        self,
        measured: int,
        cached: int,
        predicted: int,
        joules: float,
        seconds_left: float | None,
        *,
        energy_method: str = _ESTIMATE,
    ) -> None:
        self._last_totals = f"In all {measured} measured, {cached} cached, {predicted} predicted, " + energy(
            joules, energy_method
        )

    def note(self, text: str, *, keep: bool = False) -> None:
        self._line(text)

    def close(self) -> None:
        if self._last_totals:
            self._line(self._last_totals)
        self._last_totals = ""

    def _line(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


@dataclass(slots=True)
class _Shown:
    """What the live display shows."""

    phase: str = ""
    generation: tuple[int, int | None] | None = None
    batch: tuple[int, int, int, int] | None = None  # done, total, measured, cached
    batch_left_s: float | None = None
    best: float | None = None
    objective: str = ""
    goal: Goal = "min"
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=32))
    counts: tuple[int, int, int] = (0, 0, 0)  # measured, cached, predicted
    energy: str = ""
    run_left_s: float | None = None
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
        from rich.live import Live

        self._clock = clock
        self._start_s = clock()
        self._shown = _Shown()
        self._lock = threading.RLock()
        self._console = Console(file=stream, force_terminal=True)
        self._live = Live(console=self._console, get_renderable=self._panel, refresh_per_second=4)
        self._live.start()

    def phase(self, name: str) -> None:
        with self._lock:
            self._shown.phase = name
            self._shown.generation = self._shown.batch = self._shown.run_left_s = None
            self._shown.recent.clear()
            self._shown.note = ""

    def generation(self, index: int, total: int | None) -> None:
        with self._lock:
            self._shown.generation = (index, total)
            self._shown.batch = None

    def evaluated(self, done: int, total: int, measured: int, cached: int, seconds_left: float | None) -> None:
        with self._lock:
            self._shown.batch = (done, total, measured, cached)
            self._shown.batch_left_s = seconds_left

    def best(self, value: float | None, objective: str, goal: Goal) -> None:
        with self._lock:
            if objective != self._shown.objective:
                self._shown.recent.clear()
            self._shown.best, self._shown.objective, self._shown.goal = value, objective, goal
            if value is not None:
                self._shown.recent.append(value)

    def totals(
        self,
        measured: int,
        cached: int,
        predicted: int,
        joules: float,
        seconds_left: float | None,
        *,
        energy_method: str = _ESTIMATE,
    ) -> None:
        with self._lock:
            self._shown.counts = (measured, cached, predicted)
            self._shown.energy = energy(joules, energy_method)
            self._shown.run_left_s = seconds_left

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
            left = "" if shown.closed else _left(shown.run_left_s, " · about ")
            stop = "" if shown.closed else " · Ctrl-C saves and stops"
            return Panel(
                self._rows(),
                title=title,
                title_align="left",
                subtitle=Text(f"{_stopwatch(self._clock() - self._start_s)}{left}{stop}", style="dim"),
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
        if shown.energy:
            measured, cached, predicted = shown.counts
            counts = f"{measured} measured · {cached} cached · {predicted} predicted · {shown.energy}"
            parts.append(Text(counts, no_wrap=True, overflow="ellipsis"))
        if shown.note and not shown.closed:
            parts.append(Text(shown.note, style="italic", no_wrap=True, overflow="ellipsis"))
        return Group(*parts)

    def _cells(self) -> Iterator[tuple[RenderableType, RenderableType, RenderableType, RenderableType]]:
        """Label, value, bar and remark of each row."""
        from rich.text import Text

        shown = self._shown
        if shown.generation:
            index, total = shown.generation
            yield "generation", _of(index, total), _bar(index - (not shown.closed), total), ""
        if shown.batch:
            done, total, measured, cached = shown.batch
            left = "" if shown.closed else _left(shown.batch_left_s, "")
            counts = f"{measured} new, {cached} cached"
            yield "evaluated", f"{done}/{total}", _bar(done, total), left or counts
        if shown.objective:
            yield (
                "best",
                Text(number(shown.best), style="bold green" if shown.best is not None else "dim"),
                Text(self._curve(), style="green", no_wrap=True, overflow="crop"),
                Text(f"{shown.objective}, {_DIRECTION[shown.goal]}", style="dim", overflow="ellipsis"),
            )

    def _curve(self) -> str:
        return sparkline(self._shown.recent) if self._console.encoding.startswith("utf") else ""


def make_progress(
    stream: TextIO, live: bool | None = None, *, clock: Callable[[], float] = time.monotonic
) -> LiveProgress | LineProgress:
    """The display that fits the stream. Close it at the end, as ``contextlib.closing`` does.

    Args:
        stream: Where a person looks.
        live: Force the live display or the lines; None asks the stream whether it is a terminal.
        clock: Seconds.
    """
    if live is None:
        live = stream.isatty() and os.environ.get("TERM") != "dumb"
    return LiveProgress(stream, clock) if live else LineProgress(stream, clock)


class ProgressHandler(logging.Handler):
    """Shows log records as notes; warnings and worse are kept."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if record.levelno >= logging.WARNING:
                self._progress.note(f"{record.levelname.capitalize()}: {text}", keep=True)
            else:
                self._progress.note(text)
        except Exception:
            self.handleError(record)


@contextmanager
def logs_as_notes(progress: Progress, name: str = "evokit", level: int = logging.INFO) -> Iterator[None]:
    """Show what is logged under ``name`` as notes while the block runs."""
    logger = logging.getLogger(name)
    handler, before = ProgressHandler(progress), logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def number(value: float | None) -> str:
    """A value for people.

    >>> number(5.80123), number(32.0), number(0.000123456), number(None)
    ('5.8012', '32', '0.0001235', 'none yet')
    """
    if value is None:
        return "none yet"
    if math.isfinite(value) and value == int(value) and abs(value) < 1e6:
        return str(int(value))
    return f"{value:.4f}" if 0.1 <= abs(value) < 1e6 else f"{value:.4g}"


def energy(joules: float, method: str) -> str:
    """Joules for people, labelled if they are estimated.

    >>> energy(1234.0, "rapl"), energy(0.5, "nvml+estimate")
    ('1.23 kJ', '0.5 J (estimate)')
    """
    scale, unit = next(((s, u) for s, u in ((1e6, "MJ"), (1e3, "kJ")) if joules >= s), (1.0, "J"))
    return f"{joules / scale:.3g} {unit}" + (" (estimate)" if _ESTIMATE in method else "")


def duration(seconds: float) -> str:
    """A span for people.

    >>> duration(41.3), duration(200), duration(7500)
    ('41 s', '3 min', '2 h 05 min')
    """
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"


def sparkline(values: Sequence[float]) -> str:
    """One block per value, lowest to highest; values that are not finite are left out.

    >>> sparkline([3, 2, 1, 1])
    '█▅▁▁'
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return ""
    low, span = min(finite), max(finite) - min(finite)
    if span == 0 or not math.isfinite(span):
        return _BLOCKS[0] * len(finite)
    return "".join(_BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1))] for value in finite)


def _of(index: int, total: int | None) -> str:
    return str(index) if total is None else f"{index}/{total}"


def _left(seconds: float | None, before: str) -> str:
    return "" if seconds is None or not math.isfinite(seconds) else f"{before}{duration(max(0.0, seconds))} left"


def _stopwatch(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _bar(done: int, total: int | None) -> ProgressBar | str:
    if total is None:
        return ""
    from rich.progress_bar import ProgressBar

    return ProgressBar(total=max(total, 1), completed=done, complete_style="cyan", finished_style="green")

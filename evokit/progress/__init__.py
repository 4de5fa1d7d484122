"""What a person sees during a run: a live display in a terminal or a notebook, plain lines elsewhere.

Imports the interfaces and ``common``. Runs, results and the command line tell it what happens.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

from evokit.common.nowhere import outlasting
from evokit.progress.lines import LineProgress
from evokit.progress.live import LiveProgress
from evokit.progress.logs import ProgressHandler, logs_as_notes
from evokit.progress.notebook import NotebookProgress, in_notebook
from evokit.progress.protocol import Progress, Totals
from evokit.progress.wording import duration, energy, number

__all__ = [
    "LineProgress",
    "LiveProgress",
    "NotebookProgress",
    "Progress",
    "ProgressHandler",
    "Totals",
    "duration",
    "energy",
    "logs_as_notes",
    "make_progress",
    "number",
]


def make_progress(
    stream: TextIO | None, live: bool | None = None, *, clock: Callable[[], float] = time.monotonic
) -> LiveProgress | LineProgress:
    """The display that fits the stream. Close it at the end, as ``contextlib.closing`` does.

    Args:
        stream: Where a person looks; one who leaves, as ``head`` does, ends nothing.
        live: Force the live display or the lines; None asks whether this is a notebook or the stream a terminal.
        clock: Seconds.
    """
    shown_here, stream = stream is sys.stdout, outlasting(stream)
    if live is None and shown_here and in_notebook():
        return NotebookProgress(stream, clock)
    if live is None:
        live = stream.isatty() and os.environ.get("TERM") != "dumb"
    return LiveProgress(stream, clock) if live else LineProgress(stream, clock)

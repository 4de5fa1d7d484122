"""Signals that end a command as Ctrl-C does: what was measured is saved first."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from evokit.common.nowhere import to_nowhere

NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # of which no system has all
SAME_S = 0.5  # a shell and the system, or a scheduler twice, send one stop as two signals


class Stopped(KeyboardInterrupt):
    """A signal asked this process to end.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


def exit_code(stop: KeyboardInterrupt) -> int:
    """What shells and schedulers expect of a process that a signal ended: 128 and the signal's number.

    >>> exit_code(KeyboardInterrupt()), exit_code(Stopped(signal.SIGTERM))
    (130, 143)
    """
    return int(getattr(stop, "exit_code", 128 + signal.SIGINT))


@contextmanager
def stops() -> Iterator[None]:
    """Let the first signal of ``NAMES`` raise ``Stopped``, and the next one end the process at once.

    A signal that is ignored, as SIGHUP is under ``nohup``, stays so. Signals are the main thread's: elsewhere nothing
    changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    terminals = [stream.fileno() for stream in (sys.__stdout__, sys.__stderr__) if stream and stream.isatty()]
    first_s: float | None = None

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal first_s
        if first_s is None:
            first_s = time.monotonic()
            _leave(terminals)
            raise Stopped(number)
        if time.monotonic() - first_s > SAME_S:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    heard = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for number in heard:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in heard:
            signal.signal(number, before[number])


def _leave(terminals: list[int]) -> None:
    """Write to nowhere instead of to terminals that were closed, where a write is an error."""
    gone = [descriptor for descriptor in terminals if not os.isatty(descriptor)]
    if gone:
        to_nowhere(gone)

"""Progress as the output of a notebook's cell."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any, TextIO

from evokit.progress.live import LiveProgress

EVERY_S = 0.5


def in_notebook() -> bool:
    """Whether a notebook shows what is printed here."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


class NotebookProgress(LiveProgress):
    """The panel of a terminal, which stays in its place in the output of a cell."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(stream, clock)
        self._console.width = 80

    def _screen(self) -> Any:
        return _Output(self._panel)


class _Output:
    """An output that is shown anew every half second."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.transient = False
        self._make, self._over = make, threading.Event()

    def start(self) -> None:
        from IPython.display import display

        self._shown = display(self._make(), display_id=True)
        self._thread = threading.Thread(target=self._refresh, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()
        self._shown.update(self._make())

    def _refresh(self) -> None:
        while not self._over.wait(EVERY_S):
            self._shown.update(self._make())

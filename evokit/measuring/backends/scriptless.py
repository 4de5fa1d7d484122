"""Processes that do not run the script that started the run, as nothing in it is needed there.

So a script needs no ``if __name__ == "__main__"``, whoever starts the process: pebble puts another in the place of one
that died.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from multiprocessing import context
from types import ModuleType
from typing import Any


@contextlib.contextmanager
def _without_main() -> Iterator[None]:
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class _Scriptless:
    def _Popen(self, process_obj: Any) -> Any:  # noqa: N802  # multiprocessing calls it so
        with _without_main():
            return super()._Popen(process_obj)  # type: ignore[misc] # of the process that it is mixed into


class SpawnedProcess(_Scriptless, context.SpawnProcess):
    """One that begins anew."""


class SpawnContext(context.SpawnContext):
    """Where these come from."""

    Process = SpawnedProcess


if sys.platform == "linux":

    class ForkedProcess(_Scriptless, context.ForkServerProcess):
        """One that is a copy of a process made ready for that."""

    class ForkServerContext(context.ForkServerContext):
        """Where those come from."""

        Process = ForkedProcess


def scriptless() -> context.BaseContext:
    """Where processes come from: on Linux as copies, elsewhere anew."""
    return ForkServerContext() if sys.platform == "linux" else SpawnContext()

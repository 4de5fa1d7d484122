"""``evokit`` that checkpoints and commits often, and that may kill itself at a chosen point of its work.

``python -m tests.faults.driver POINT N EVERY run RECIPE ...``: SIGKILL at the N-th time that POINT is passed. EVERY is
the time between commits in seconds.
"""

from __future__ import annotations

import itertools
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from evokit.cli import main
from evokit.measuring import ledger
from evokit.measuring.ledger import Ledger
from evokit.runs import run

CHECKPOINT_EVERY_S = 0.0  # after each generation
COMMIT_S = 0.002  # about what a commit takes


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_a_write(descriptor: int, number: int) -> None:
    """Half of the file is there."""
    os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
    die()


def die_soon(number: int) -> None:
    """From another thread, while this one goes on into the call."""
    delay = number % 8 / 8 * COMMIT_S
    threading.Thread(target=lambda: (time.sleep(delay), die()), daemon=True).start()


def at(owner: Any, name: str, number: int, before: Callable[..., None], after: Callable[..., None]) -> None:
    """Wrap a function so that its ``number``-th call meets ``before`` and ``after``."""
    original, calls = getattr(owner, name), itertools.count(1)

    def wrapped(*arguments: Any) -> Any:
        chosen = next(calls) == number
        if chosen:
            before(*arguments)
        answer = original(*arguments)
        if chosen:
            after(*arguments)
        return answer

    setattr(owner, name, wrapped)


def nothing(*_: Any) -> None:
    pass


POINTS: dict[str, Callable[[int], None]] = {
    "never": lambda n: None,
    "in a file": lambda n: at(os, "fsync", n, lambda file: die_in_a_write(file, n), nothing),
    "before a rename": lambda n: at(Path, "replace", n, lambda *_: die(), nothing),
    "after a rename": lambda n: at(Path, "replace", n, nothing, lambda *_: die()),
    "before a row": lambda n: at(Ledger, "add", n, lambda *_: die(), nothing),
    "after a row": lambda n: at(Ledger, "add", n, nothing, lambda *_: die()),
    "in a commit": lambda n: at(Ledger, "flush", n, lambda *_: die_soon(n), nothing),
}


if __name__ == "__main__":
    point, number, commit_every = sys.argv[1:4]
    run.CHECKPOINT_EVERY_S, run.CHECKPOINT_SHARE = CHECKPOINT_EVERY_S, math.inf
    ledger.COMMIT_EVERY_S = float(commit_every)
    POINTS[point](int(number))
    del sys.argv[1:4]
    main()

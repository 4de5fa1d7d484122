"""Bits of which some misbehave as the recipe says: those whose number of ones is a multiple of five."""

import ctypes
import logging
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from evokit import Component, Context, Evaluation, hookimpl


@dataclass(frozen=True)
class Faulty:
    """Counts ones.

    ``how`` is what bad individuals do, ``tries`` how often each does it before it behaves (0: always), ``folder``
    where pids and tries are written.
    """

    how: str = "invalid"
    tries: int = 0
    folder: str = ""
    sleep_s: float = 0.0
    objectives: ClassVar = {"ones": "max"}
    budgets: ClassVar = (1, 4)
    context: ClassVar = "faulty"
    slots: ClassVar = {}
    takes: ClassVar = frozenset({"bits"})

    def build(self, context: Context) -> "Faulty":
        return self

    def fresh(self) -> "Faulty":
        return self

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[Evaluation]:
        return [self.measure(bits, budget) for bits in batch]

    def measure(self, bits: np.ndarray, budget: int) -> Evaluation:
        if self.folder:
            mine = Path(self.folder) / f"worker-{os.getpid()}"
            if not mine.exists():
                mine.touch()
        time.sleep(self.sleep_s)
        if bits.sum() % 5 == 0 and not self.tired(bits):
            outcome = self.misbehave(budget)
            if outcome is not None:
                return outcome
        value = float(bits.sum()) + (self.how == "late" and self.is_late())
        return Evaluation((value,), work=budget)

    def is_late(self) -> bool:
        """Whether this is a worker, and not the first one."""
        first = min(Path(self.folder).glob("worker-*"), key=lambda path: path.stat().st_mtime_ns)
        return "pytest" not in sys.modules and first.name != f"worker-{os.getpid()}"

    def tired(self, bits: np.ndarray) -> bool:
        if not self.tries:
            return False
        path = Path(self.folder) / f"tried-{''.join(map(str, bits.astype(int)))}"
        before = len(path.read_text()) if path.exists() else 0
        path.write_text("x" * (before + 1))
        return before >= self.tries

    def misbehave(self, budget: int) -> Evaluation | None:
        if self.how == "invalid":
            return Evaluation(outcome="raised", work=budget, message="as planned")
        if self.how in ("nan", "inf"):
            return Evaluation((float(self.how),), work=budget)
        if self.how == "raise":
            raise ArithmeticError("a multiple of five")
        if self.how == "hang":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            (Path(self.folder) / f"child-{child.pid}").touch()
            time.sleep(600)
        if self.how == "hold":  # in C, where no signal handler of Python runs
            ctypes.PyDLL(None).sleep(600)
        if self.how.startswith("exit"):
            os._exit(int(self.how[4:]))
        if self.how == "segfault":
            ctypes.string_at(0)
        if self.how == "hog":
            held = []
            while True:
                held.append(np.ones(10**7))
        if self.how == "log":
            logging.getLogger("evokit").warning("five of them")
        if self.how == "says" and multiprocessing.parent_process() is not None:
            (Path(self.folder) / "said").write_text(os.environ["EVOKIT_SAID"])
        return None


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "faulty", Faulty)]

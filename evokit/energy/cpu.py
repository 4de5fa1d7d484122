"""CPU seconds of a process and all its descendants."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

try:
    import resource
except ImportError:  # Windows, which does not tell of children that ended
    resource = None  # type: ignore[assignment]


class CpuSeconds:
    """CPU seconds from now on: of this process, of children it waited for and of living descendants."""

    def __init__(self) -> None:
        self._children = _children_cpu_s()
        self._own = time.process_time()

    def elapsed(self) -> float:
        own = time.process_time() - self._own
        # Clock ticks of the living become microseconds once they are waited for: the sum may step back a little.
        return own + max(0.0, _children_cpu_s() - self._children)


def process_cpu_s(pid: int) -> float:
    """CPU seconds of another process, of children it waited for and of its living descendants; 0 if it is gone."""
    if sys.platform == "linux":
        return sum(_process_cpu_s(one) for one in (pid, *_descendants(pid)))
    import psutil

    try:
        return _told_cpu_s(psutil.Process(pid)) + _living_cpu_s(pid)
    except psutil.Error:
        return 0.0


def _children_cpu_s() -> float:
    waited = 0.0 if resource is None else _waited_cpu_s()  # first, or else one that ends meanwhile is counted twice
    return waited + (_living_cpu_s(os.getpid()) if _has_children() else 0.0)


def _has_children() -> bool:
    """Whether there is any to look at, which takes much longer than to ask. Source: waitid(2)."""
    if sys.platform != "linux":
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)  # whoever ended stays there to be waited for
    except ChildProcessError:
        return False
    return True


def _waited_cpu_s() -> float:
    waited = resource.getrusage(resource.RUSAGE_CHILDREN)
    return waited.ru_utime + waited.ru_stime


def _living_cpu_s(pid: int) -> float:
    """Of living descendants. Linux tells whose child a process is; elsewhere all of the machine's are looked at."""
    if sys.platform == "linux":
        return sum(map(_process_cpu_s, _descendants(pid)))
    import psutil

    spent = 0.0
    for child in psutil.Process(pid).children(recursive=True):
        with suppress(psutil.Error):  # it has just ended
            spent += _told_cpu_s(child)
    return spent


def _told_cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _descendants(pid: int) -> Iterator[int]:
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return  # it has just ended
    for task in tasks:
        try:
            children = Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        except OSError:
            continue  # the thread has just ended
        for child in map(int, children):
            yield child
            yield from _descendants(child)


def _process_cpu_s(pid: int) -> float:
    """Of a process and of the children it waited for. Source: proc_pid_stat(5), fields 14 to 17, in clock ticks."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it has just ended
    return sum(int(ticks) for ticks in after_name[11:15]) / os.sysconf("SC_CLK_TCK")

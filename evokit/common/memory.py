"""Peak resident memory of this process during a block of work."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

PROC = Path("/proc/self")
BEGINNING = 2048  # bytes of the status, which hold the mark; one unbuffered read is a third of the work

# The kernel keeps one mark per process. A block that resets it must first hand it to the blocks around it.
_open_blocks: list[PeakMemory] = []
_lock = threading.RLock()


@dataclass(eq=False, slots=True)
class PeakMemory:
    """Resident memory of this process; ``peak_bytes`` is filled when the block ends."""

    peak_bytes: int = 0
    exact: bool = True  # False: the peak since the process started, as nothing better can be had here


@contextmanager
def peak_memory(proc: Path = PROC) -> Iterator[PeakMemory]:
    """Measure the peak resident memory of the block; blocks may nest. Child processes are not counted.

    On Linux the high-water mark is reset first (``5`` written to ``clear_refs``) and read at the end. Where that is
    impossible the peak is that of the whole life of the process and ``exact`` is False.

    Args:
        proc: This process below ``/proc``.

    Source: proc_pid_clear_refs(5), proc_pid_status(5).
    """
    block = PeakMemory()
    with _lock:
        block.exact = _restart_mark(proc)
        _open_blocks.append(block)
    try:
        yield block
    finally:
        with _lock:
            _open_blocks.remove(block)
            mark = _mark_bytes(proc)
            block.exact = block.exact and mark is not None
            block.peak_bytes = max(block.peak_bytes, mark or 0) if block.exact else _lifetime_peak()


def _restart_mark(proc: Path) -> bool:
    if _open_blocks:
        mark = _mark_bytes(proc)
        if mark is None:
            return False
        for block in _open_blocks:
            block.peak_bytes = max(block.peak_bytes, mark)
    try:
        with open(proc / "clear_refs", "wb", buffering=0) as file:
            file.write(b"5")
    except OSError:
        return False
    return True


def _mark_bytes(proc: Path) -> int | None:
    try:
        with open(proc / "status", "rb", buffering=0) as file:
            status = file.read(BEGINNING)
    except OSError:
        return None
    line = re.search(rb"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(line[1]) * 1024 if line else None


def _lifetime_peak() -> int:
    if resource is None:
        memory = psutil.Process().memory_info()
        return int(getattr(memory, "peak_wset", memory.rss))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

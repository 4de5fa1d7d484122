"""What a worker process does: leads a process group, builds a workplace of its own, then performs task after task."""

from __future__ import annotations

import logging
import os
import pickle
import re
import signal
import sys
from collections.abc import Mapping
from functools import cache
from logging.handlers import QueueHandler
from multiprocessing import parent_process
from pathlib import Path
from queue import SimpleQueue

from evokit.assembly.directory import RunDirectory
from evokit.assembly.jobs import SEARCH
from evokit.assembly.workplace import Workplace
from evokit.energy import Meter
from evokit.errors import RunFailed
from evokit.measuring.execution import perform
from evokit.recipe import load_recipe

try:
    import fcntl
    import resource
except ImportError:  # Windows
    fcntl = resource = None  # type: ignore[assignment]

MIB = 2**20
ENDED_BY = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def lead_group(environ: Mapping[str, str]) -> int:
    """Lead a process group, where there are such, which Ctrl-C does not reach and which ends with the run; its id.

    Args:
        environ: The run's own; the process of which this one is a copy may have begun with another.
    """
    os.environ.clear()
    os.environ.update(environ)
    if hasattr(os, "setsid"):
        os.setsid()
    ending = {getattr(signal, name) for name in ENDED_BY}
    for one in ending:  # pebble's handler would wait for whatever holds the interpreter
        signal.signal(one, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ending)
    parent = parent_process()
    if sys.platform == "linux" and parent is not None:
        # The run holds the other end of this pipe and writes nothing more to it. When the run is gone, killed perhaps,
        # the kernel sends the signal to the whole group, also to those that hang in C.
        # Elsewhere a worker ends when it wants to answer.
        pipe = parent.sentinel
        fcntl.fcntl(pipe, fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)
    return os.getpid()


def get_ready(folder: Path, digest: str, memory_mb: int | None, log_level: int) -> list[logging.LogRecord]:
    """Build what tasks need; what was logged meanwhile.

    Args:
        folder: The run directory.
        digest: Of the run's recipe; what is found on disk must have it too.
        memory_mb: Limit of the process's data, in MiB.
        log_level: Of the run's logger.
    """
    logger = logging.getLogger("evokit")
    logger.setLevel(log_level)
    logger.propagate = False
    logger.addHandler(QueueHandler(records()))
    workplace(folder, digest)
    if memory_mb is not None:
        limit_memory(memory_mb)
    return taken(records())


def answer(folder: Path, digest: str, message: bytes) -> bytes:
    """Perform a pickled task; pickled evaluations and what was logged meanwhile."""
    # Plain pickle: torch teaches multiprocessing's own to share tensors by means that end with the worker.
    place = workplace(folder, digest)
    # Only CPU seconds are this process's own. Counters of the machine are read, and shared out, by the run.
    meter = Meter([], [], place.recipe.execution.watts_per_core)
    return pickle.dumps((perform(place, pickle.loads(message), meter), taken(records())))


@cache
def records() -> SimpleQueue[logging.LogRecord]:
    """What was logged in this process and has not been taken yet."""
    return SimpleQueue()


def taken(queue: SimpleQueue[logging.LogRecord]) -> list[logging.LogRecord]:
    return [queue.get() for _ in range(queue.qsize())]


@cache
def workplace(folder: Path, digest: str) -> Workplace:
    """The workplace of the run in ``folder``, ready to search; one in a process.

    Raises:
        RunFailed: What is on disk is not the recipe that the run began with.
    """
    directory = RunDirectory(folder)
    recipe = load_recipe(directory.recipe)
    if recipe.digest != digest:
        raise RunFailed(f"{directory.recipe} or a local plugin was changed while the run was at work")
    place = Workplace(recipe, directory)
    place.job(SEARCH)
    return place


def limit_memory(memory_mb: int) -> None:
    """Let allocations beyond ``memory_mb`` MiB fail, which Python can catch.

    Raises:
        RunFailed: The process holds more already, or the system has no such limit.

    Source: setrlimit(2), RLIMIT_DATA: private writable memory, since Linux 4.7 that of mmap too.
    """
    if sys.platform != "linux":
        raise RunFailed("execution.memory_mb needs Linux, other systems do not limit a process so; leave it out")
    held = data_bytes() // MIB
    if held >= memory_mb:
        raise RunFailed(
            f"a worker holds {held} MiB before its first individual; execution.memory_mb is {memory_mb}: raise it"
        )
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * MIB, hard))


def data_bytes(status: Path = Path("/proc/self/status")) -> int:
    """What RLIMIT_DATA counts of this process; 0 where the kernel does not tell."""
    if not status.exists():
        return 0
    found = re.search(r"^VmData:\s*(\d+) kB$", status.read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0

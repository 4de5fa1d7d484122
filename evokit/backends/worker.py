"""What a worker process does: builds a workplace of its own, then evaluates one task after the other."""

from __future__ import annotations

import logging
import pickle
import re
import resource
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from evokit.energy import Meter
from evokit.errors import RunFailed, UserError
from evokit.execution import SEARCH, perform
from evokit.recipe import load_recipe
from evokit.rundir import RunDirectory
from evokit.workplace import Workplace

Kind = Literal["ready", "answer", "note", "broken"]
MIB = 2**20


class Line:
    """The worker's end of the connection. Threads may share it."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._lock = connection, threading.Lock()

    def send(self, kind: Kind, content: Any = None) -> None:
        # Plain pickle: torch teaches multiprocessing's own to share tensors by means that end with the worker.
        message = pickle.dumps((kind, content))
        with self._lock:
            self._connection.send_bytes(message)

    def receive(self) -> Any:
        return pickle.loads(self._connection.recv_bytes())


class Notes(logging.Handler):
    """Hands what components log to the run, which shows it."""

    def __init__(self, line: Line) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        self._line.send("note", (record.levelno, self.format(record)))


def main(fd: int, folder: str, digest: str, memory_mb: int | None, log_level: int) -> None:
    """Serve until the connection ends.

    Args:
        fd: Of the connection to the run.
        folder: The run directory.
        digest: Of the run's recipe; what is found on disk must have it too.
        memory_mb: Limit of the process's data, in MiB.
        log_level: Of the run's logger.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides what Ctrl-C means
    line = Line(Connection(fd))
    logger = logging.getLogger("evokit")
    logger.addHandler(Notes(line))
    logger.setLevel(log_level)
    logger.propagate = False
    try:
        workplace = build(Path(folder), digest)
        if memory_mb is not None:
            limit_memory(memory_mb)
        line.send("ready")
        serve(line, workplace)
    except (EOFError, ConnectionError):
        pass  # the run has ended
    except (UserError, RunFailed) as error:
        line.send("broken", str(error))
    except Exception:
        line.send("broken", traceback.format_exc())


def build(folder: Path, digest: str) -> Workplace:
    """The workplace of the run in ``folder``, ready to search.

    Raises:
        RunFailed: What is on disk is not the recipe that the run began with.
    """
    directory = RunDirectory(folder)
    recipe = load_recipe(directory.recipe)
    if recipe.digest != digest:
        raise RunFailed(f"{directory.recipe} or a local plugin was changed while the run was at work")
    workplace = Workplace(recipe, directory)
    workplace.job(SEARCH)
    return workplace


def serve(line: Line, workplace: Workplace) -> None:
    """Answer tasks; raises ``EOFError`` when the run has ended."""
    # Only CPU seconds are this process's own. Counters of the machine are read, and shared out, by the run.
    meter = Meter([], [], workplace.recipe.execution.watts_per_core)
    while True:
        line.send("answer", perform(workplace, line.receive(), meter))


def limit_memory(memory_mb: int) -> None:
    """Let allocations beyond ``memory_mb`` MiB fail, which Python can catch.

    Raises:
        RunFailed: The process holds more already.

    Source: setrlimit(2), RLIMIT_DATA: private writable memory, since Linux 4.7 that of mmap too.
    """
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

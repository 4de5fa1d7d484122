"""Evaluation in worker processes, which can be killed and are replaced when they die.

Every worker is a fresh interpreter that leads a process group of its own and has a pipe of its own, so one that dies
or is killed at any instant takes nothing with it. The standard library's pools hang or break when a worker dies, and
so do others where a worker exits with code 0 or dies between tasks; none ends what an evaluation started.
"""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Any, Literal

from evokit.backends import guard
from evokit.backends.joules import SharedJoules
from evokit.energy import Meter
from evokit.errors import RunFailed
from evokit.execution import Probe, Task, lost
from evokit.interfaces import Evaluation, Outcome
from evokit.workplace import Workplace

log = logging.getLogger("evokit")

STARTS = 3  # workers that may die in a row before one is ready
LOOK_S = 0.2  # between looks at who is alive: a worker's children can hold its end of the pipe open
GRACE_S = 1.0  # for workers to end by themselves
START = (
    "import sys, json; words = json.loads(sys.argv[1]); sys.path[:] = words.pop('sys_path');"
    " from evokit.backends.worker import main; main(**words)"
)

Ended = list[tuple[int, list[Evaluation]]]
Stage = Literal["building", "probing", "idle", "working"]


@dataclass(frozen=True, slots=True)
class Order:
    """A task on its way through a worker."""

    ticket: int
    task: Task
    limit_s: float | None


class Worker:
    """The run's side of one worker process.

    Args:
        words: Arguments of the worker's ``main``, but for its connection.
    """

    def __init__(self, words: Mapping[str, Any]) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            command = [sys.executable, "-c", START, json.dumps({**words, "fd": theirs.fileno(), "sys_path": sys.path})]
            # A session of its own makes it the leader of a process group, which Ctrl-C does not reach.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], start_new_session=True
            )
        self.stage: Stage = "building"
        self.order: Order | None = None  # what it works on, or will when it is ready
        self.since = 0.0  # when it was given its task
        self._limit_s: float | None = None

    def give(self, task: Task, limit_s: float | None, stage: Stage) -> None:
        """Send a task and start its clock.

        Raises:
            OSError: The worker has gone.
            RunFailed: The genes cannot be sent.
        """
        try:
            message = pickle.dumps(task)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise RunFailed(
                f"these genes cannot be sent to a worker, write execution.backend: inline: {error}"
            ) from error
        self.connection.send_bytes(message)
        self.stage, self.since, self._limit_s = stage, time.monotonic(), limit_s

    @property
    def spent_s(self) -> float:
        """Seconds since it was given its task."""
        return time.monotonic() - self.since

    @property
    def left_s(self) -> float:
        """Seconds until its time is up."""
        return math.inf if self._limit_s is None or self.stage in ("building", "idle") else self._limit_s - self.spent_s

    @property
    def dead(self) -> bool:
        """Whether it has ended and left nothing to read."""
        return self.process.poll() is not None and not self.connection.poll()

    def kill(self) -> None:
        """End it and everything that it started."""
        self.connection.close()
        # The process may be gone; its group is there as long as one of its children lives.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def epitaph(self) -> str:
        """How it died."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_S)  # it may have closed its connection first
        code = self.process.poll()
        if code is None:
            return "the worker hung up"
        if code >= 0:
            return f"the worker ended itself with exit code {code}"
        return f"the worker was killed by signal {-code} ({signal.Signals(-code).name})"


class Processes:
    """A crew of worker processes on this machine, each started when there is work for it and kept.

    Args:
        workplace: The run's own.
        meter: The run's. Where it reads counters of the machine, tasks share what they count.
    """

    def __init__(self, workplace: Workplace, meter: Meter) -> None:
        execution = workplace.recipe.execution
        self._n_workers = execution.n_workers
        self._probe_limit_s = execution.timeout_s
        self._words = {
            "folder": str(workplace.directory.path.resolve()),
            "digest": workplace.recipe.digest,
            "memory_mb": execution.memory_mb,
            "log_level": log.getEffectiveLevel(),
        }
        self._probe = Probe(workplace)
        self._joules = None if meter.method == "estimate" else SharedJoules(meter)
        self._workers: list[Worker] = []
        self._guard: subprocess.Popen[str] | None = None
        self._stillborn = 0  # in a row

    @property
    def room(self) -> bool:
        return len(self._workers) < self._n_workers or any(one.stage == "idle" for one in self._workers)

    def begin(self, ticket: int, task: Task, limit_s: float | None) -> None:
        self._begin(Order(ticket, task, limit_s))

    def ended(self) -> Ended:
        ended: Ended = []
        while not ended:
            workers = list(self._workers)
            patience_s = min([LOOK_S, *(one.left_s for one in workers)])
            heard = wait([one.connection for one in workers], max(0.0, patience_s))
            for worker in [one for one in workers if one.connection in heard]:
                ended += self._hear(worker)
            for worker in list(self._workers):
                if worker.dead:
                    ended += self._lose(worker, "worker_died", worker.epitaph())
                elif worker.left_s <= 0 and not worker.connection.poll():
                    ended += self._lose(worker, "timed_out", "the time was up")
        return ended

    def stop(self) -> None:
        for worker in [one for one in self._workers if one.stage != "idle"]:
            self._retire(worker)

    def close(self) -> None:
        self.stop()
        for worker in self._workers:
            worker.connection.close()  # an idle worker ends when its connection does
        deadline = time.monotonic() + GRACE_S
        for worker in list(self._workers):
            with contextlib.suppress(subprocess.TimeoutExpired):
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            self._retire(worker)
        if self._guard is not None:
            assert self._guard.stdin is not None
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    def _begin(self, order: Order) -> None:
        """Give an order to an idle worker, or to a new one, which takes it up when it is ready."""
        for worker in [one for one in self._workers if one.stage == "idle"]:
            worker.order = order
            if self._work(worker):
                return
        worker = Worker(self._words)
        self._workers.append(worker)
        self._tell_guard("+", worker)
        worker.order = order

    def _work(self, worker: Worker) -> bool:
        """Let a worker begin its order; False if it is gone, with nothing begun."""
        assert worker.order is not None
        try:
            worker.give(worker.order.task, worker.order.limit_s, "working")
        except OSError:
            self._retire(worker)
            return False
        if self._joules is not None:
            self._joules.begin()
        return True

    def _hear(self, worker: Worker) -> Ended:
        try:
            kind, content = pickle.loads(worker.connection.recv_bytes())
        except (EOFError, OSError):
            return self._lose(worker, "worker_died", worker.epitaph())
        if kind == "note":
            log.log(*content)
            return []
        if kind == "broken":
            raise RunFailed(f"a worker cannot go on: {content}")
        if worker.stage == "working":
            return self._answered(worker, content)
        if worker.stage == "probing":
            self._probe.check(content)
        return self._made_ready(worker)

    def _made_ready(self, worker: Worker) -> Ended:
        """A worker that was built is probed; one that was probed takes up its order."""
        order = worker.order
        assert order is not None
        if worker.stage == "building" and self._probe.needed:
            self._stillborn = 0
            try:
                worker.give(self._probe.task, self._probe_limit_s, "probing")
            except OSError:
                return self._lose(worker, "worker_died", worker.epitaph())
        elif not self._work(worker):
            self._begin(order)
        return []

    def _answered(self, worker: Worker, evaluations: list[Evaluation]) -> Ended:
        order = worker.order
        assert order is not None
        worker.stage, worker.order = "idle", None
        if self._joules is not None:
            others_s = [one.spent_s for one in self._workers if one.stage == "working"]
            joules = self._joules.end(sum(one.cpu_s for one in evaluations), others_s)
            evaluations = [replace(one, energy_j=joules / len(evaluations)) for one in evaluations]
        if any(one.outcome == "out_of_memory" for one in evaluations):
            self._retire(worker)  # what is still held must not be the next one's misfortune
        return [(order.ticket, evaluations)]

    def _lose(self, worker: Worker, outcome: Outcome, why: str) -> Ended:
        """Bury a worker. Only one that was working has cost a task."""
        order, stage, spent_s = worker.order, worker.stage, worker.spent_s
        self._retire(worker)
        if order is None:
            return []
        if stage == "working":
            return [(order.ticket, lost(order.task, outcome, why, spent_s))]
        if stage == "probing":
            self._probe.skip(f"{outcome}: {why}")
        else:
            self._stillborn += 1
            if self._stillborn == STARTS:
                raise RunFailed(f"{STARTS} workers in a row died before they were ready, the last one: {why}")
        self._begin(order)
        return []

    def _retire(self, worker: Worker) -> None:
        worker.kill()
        self._workers.remove(worker)
        self._tell_guard("-", worker)

    def _tell_guard(self, sign: str, worker: Worker) -> None:
        if self._guard is None:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__], stdin=subprocess.PIPE, text=True, start_new_session=True
            )
        assert self._guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a run without a guard is still a run
            self._guard.stdin.write(f"{sign}{worker.process.pid}\n")
            self._guard.stdin.flush()

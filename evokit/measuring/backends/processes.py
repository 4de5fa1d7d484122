"""Evaluation in worker processes, which can be killed and are replaced when they die.

Each worker is a pebble pool of one, given up with its process. In a pool of several, all share two pipes and their
locks, which one that is killed may hold, and nobody can tell which of them has a task.
"""

from __future__ import annotations

import contextlib
import logging
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, replace
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from typing import Any, Literal

import psutil
from pebble import ProcessExpired, ProcessPool

from evokit.assembly.workplace import Workplace
from evokit.contracts.blame import ContractError
from evokit.energy import Meter, process_cpu_s
from evokit.errors import RunFailed, UserError
from evokit.interfaces import Evaluation, Outcome
from evokit.measuring.backends.joules import SharedJoules
from evokit.measuring.backends.scriptless import scriptless
from evokit.measuring.backends.worker import ENDED_BY, answer, get_ready, lead_group
from evokit.measuring.execution import Answer, Probe, Task, lost

log = logging.getLogger("evokit")

STARTS = 3  # workers that may die in a row before one is ready
LOOK_S = 0.2  # between looks at who has vanished
GRACE_S = 0.2  # for pebble to tell how a process died that it knows to be dead
STOP_S = 1.0  # for a signal to reach the run too: who ends a job, as Slurm does, sends it to all its processes
STOPS = [-getattr(signal, name) for name in ENDED_BY]  # as exit codes
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # where linear algebra reads how many

Ended = list[tuple[int, Answer]]
Stage = Literal["starting", "building", "probing", "working"]


@dataclass(frozen=True, slots=True)
class Order:
    """A task on its way through a worker."""

    ticket: int
    task: Task
    limit_s: float | None


class Worker:
    """The run's side of one worker process.

    Args:
        order: What it works on when it is ready.
    """

    def __init__(self, order: Order) -> None:
        self.order: Order | None = order
        self.group: int | None = None  # its process group, when it is known to lead one
        self.before_cpu_s = 0.0  # that it had used when it began to work on its order
        self.pool = ProcessPool(1, context=fresh_processes())
        with deaf_to_ctrl_c():
            self.give("starting", lead_group, dict(os.environ))

    def give(
        self, stage: Stage, function: Callable[..., Any], *arguments: object, limit_s: float | None = None
    ) -> None:
        """Let it call a function.

        Raises:
            RuntimeError: The process is gone already.
        """
        self.future: Future[Any] = self.pool.schedule(function, args=arguments, timeout=limit_s)
        self.stage, self.since = stage, time.monotonic()

    @property
    def spent_s(self) -> float:
        """Seconds since it was given something to do."""
        return time.monotonic() - self.since

    @property
    def vanished(self) -> bool:
        """Whether its process has ended without an answer, and pebble does not tell: so it is with exit code 0."""
        if self.group is None:
            return False
        return not psutil.pid_exists(self.group) and not wait([self.future], GRACE_S).done

    def kill(self) -> None:
        """End it and everything that it started; the pool is to be joined then."""
        started = [] if self.group is None or hasattr(os, "killpg") else descendants(self.group)
        self.pool.stop()  # type: ignore[no-untyped-call] # first, or else it starts another process
        for process in started:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        if self.group is not None and hasattr(os, "killpg"):
            # The process may be gone; its group is there as long as one of its children lives.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.group, signal.SIGKILL)


class Processes:
    """A crew of worker processes on this machine, each started when there is work for it and kept.

    Args:
        workplace: The run's own.
        meter: The run's. Where it reads counters of the machine, tasks share what they count.
    """

    def __init__(self, workplace: Workplace, meter: Meter) -> None:
        recipe, execution = workplace.recipe, workplace.recipe.execution
        self._n_workers = execution.n_workers
        self._probe_limit_s = execution.timeout_s
        self._place = workplace.directory.path.resolve(), recipe.digest
        self._ready = get_ready, *self._place, execution.memory_mb, log.getEffectiveLevel()
        self._probe = Probe(workplace)
        self._joules = None if meter.method == "estimate" else SharedJoules(meter)
        self._workers: list[Worker] = []
        self._stillborn = 0  # in a row

    @property
    def room(self) -> bool:
        return len(self._workers) < self._n_workers or any(one.order is None for one in self._workers)

    def begin(self, ticket: int, task: Task, limit_s: float | None) -> None:
        self._begin(Order(ticket, task, limit_s))

    def ended(self) -> Ended:
        ended: Ended = []
        while not ended:
            busy = [one for one in self._workers if one.order is not None]
            wait([one.future for one in busy], LOOK_S, FIRST_COMPLETED)
            for worker in busy:
                if worker.future.done():
                    ended += self._hear(worker)
                elif worker.vanished:
                    ended += self._lose(worker, "worker_died", "the worker ended itself with exit code 0")
        return ended

    def cpu_s(self, ticket: int) -> float:
        worker = next((one for one in self._workers if one.order and one.order.ticket == ticket), None)
        if worker is None or worker.stage != "working" or worker.group is None:
            return 0.0  # what it takes to start a worker is nobody's fit
        return process_cpu_s(worker.group) - worker.before_cpu_s

    def stop(self, tickets: Collection[int]) -> None:
        self._retire(*(one for one in self._workers if one.order is not None and one.order.ticket in tickets))

    def close(self) -> None:
        self._retire(*self._workers)

    def _begin(self, order: Order) -> None:
        """Give an order to an idle worker, or to a new one, which takes it up when it is ready."""
        idle = next((one for one in self._workers if one.order is None), None)
        if idle is None:
            self._workers.append(Worker(order))
        else:
            idle.order = order
            self._work(idle)

    def _give(self, worker: Worker, stage: Stage, *call: Any, limit_s: float | None = None) -> None:
        """Let a worker go on with its order, or another one if it died while it had nothing to do."""
        try:
            worker.give(stage, *call, limit_s=limit_s)
        except RuntimeError:
            self._replace(worker)

    def _work(self, worker: Worker) -> None:
        order = worker.order
        assert order is not None
        if order.task.fits and worker.group is not None:
            worker.before_cpu_s = process_cpu_s(worker.group)
        self._give(worker, "working", answer, *self._place, sent(order.task), limit_s=order.limit_s)
        if self._joules is not None:
            self._joules.begin()

    def _hear(self, worker: Worker) -> Ended:
        error = worker.future.exception()
        if error is None:
            return self._go_on(worker, worker.future.result())
        if isinstance(error, TimeoutError):
            return self._lose(worker, "timed_out", "the time was up")
        if isinstance(error, BrokenExecutor) and worker.group is not None:  # it died before it had begun
            self._replace(worker)
            return []
        if isinstance(error, ProcessExpired) and error.exitcode in STOPS:
            time.sleep(STOP_S)  # in which the run is stopped, or else this worker alone was
        if isinstance(error, ProcessExpired | BrokenExecutor) or not isinstance(error, Exception):
            return self._lose(worker, "worker_died", epitaph(error))
        if not isinstance(error, ContractError):
            why = error if isinstance(error, UserError | RunFailed) else getattr(error, "traceback", repr(error))
            failed = RunFailed(f"a worker cannot go on: {why}")
            failed.__cause__, error = error, failed
        assert worker.order is not None
        self._retire(worker)
        return [(worker.order.ticket, error)]

    def _go_on(self, worker: Worker, said: Any) -> Ended:
        """What a worker does when it has done something: start, build, perhaps be probed, then its order."""
        if worker.stage == "starting":
            worker.group = said
            self._give(worker, "building", *self._ready)
            return []
        evaluations, records = ([], said) if worker.stage == "building" else pickle.loads(said)
        for record in records:
            log.handle(record)
        if worker.stage == "working":
            return self._answered(worker, evaluations)
        if worker.stage == "building":
            self._stillborn = 0
        else:
            self._probe.check(evaluations)
        if worker.stage == "building" and self._probe.needed:
            probe = sent(self._probe.task)
            self._give(worker, "probing", answer, *self._place, probe, limit_s=self._probe_limit_s)
        else:
            self._work(worker)
        return []

    def _answered(self, worker: Worker, evaluations: list[Evaluation]) -> Ended:
        order = worker.order
        assert order is not None
        worker.order = None
        if self._joules is not None:
            others_s = [one.spent_s for one in self._workers if one.order and one.stage == "working"]
            joules, estimated_j = self._joules.end(sum(one.cpu_s for one in evaluations), others_s)
            n = len(evaluations)
            evaluations = [replace(one, energy_j=joules / n, estimated_j=estimated_j / n) for one in evaluations]
        if any(one.outcome == "out_of_memory" for one in evaluations):
            self._retire(worker)  # what is still held must not be the next one's misfortune
        return [(order.ticket, evaluations)]

    def _lose(self, worker: Worker, outcome: Outcome, why: str) -> Ended:
        """Bury a worker. Only one that was working has cost a task."""
        assert worker.order is not None
        if worker.stage == "working":
            self._retire(worker)
            return [(worker.order.ticket, lost(worker.order.task, outcome, why, worker.spent_s))]
        if worker.stage == "probing":
            self._probe.skip(f"ended as {outcome}: {why}")
        else:
            self._stillborn += 1
            if self._stillborn == STARTS:
                raise RunFailed(f"{STARTS} workers in a row died before they were ready, the last one: {why}")
        self._replace(worker)
        return []

    def _replace(self, worker: Worker) -> None:
        """Let another worker do what this one cannot any more."""
        assert worker.order is not None
        self._retire(worker)
        self._begin(worker.order)

    def _retire(self, *workers: Worker) -> None:
        for worker in workers:
            worker.kill()
        for worker in workers:
            worker.pool.join()
            self._workers.remove(worker)


def fresh_processes() -> BaseContext:
    """How workers are started: on Linux as copies of a process that has imported what they need, elsewhere anew."""
    context = scriptless()
    if sys.platform == "linux":
        context.set_forkserver_preload([get_ready.__module__, scriptless.__module__])
        with alone():
            forkserver.ensure_running()
    return context


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """A process that is started in the block outlives signals to all of a run's, and has no threads of linear algebra.

    With threads it could not be copied. Workers undo the one and get the environment of the run.
    """
    kept = {name: os.environ.get(name) for name in THREADS}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {getattr(signal, name) for name in ENDED_BY})
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """What is started in the block does not hear Ctrl-C: the run decides what it means."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows, where workers hear it until pebble tells them not to
        yield
        return
    resource_tracker.ensure_running()  # which lets SIGINT through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def descendants(pid: int) -> list[psutil.Process]:
    """What a process started, where it leads no group; empty if it is gone."""
    try:
        started: list[psutil.Process] = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return started


def sent(task: Task) -> bytes:
    """A task as it is sent.

    Raises:
        RunFailed: The genes cannot be sent.
    """
    try:
        return pickle.dumps(task)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise RunFailed(f"these genes cannot be sent to a worker, write execution.backend: inline: {error}") from error


def epitaph(error: BaseException) -> str:
    """How a worker died.

    >>> epitaph(ProcessExpired("", -11))
    'the worker was killed by signal 11 (SIGSEGV)'
    """
    if not isinstance(error, ProcessExpired):
        return f"the worker was lost: {error!r}"
    if error.exitcode >= 0:
        return f"the worker ended itself with exit code {error.exitcode}"
    return f"the worker was killed by signal {-error.exitcode} ({signal.Signals(-error.exitcode).name})"

"""Evaluation in actors of a Ray cluster: one that is there, or one on this machine that ends with the run.

Ray places the actors, counts CPUs and parts of GPUs, tells which actor or node was lost, and ends the actors of a run
that was killed and, where its nodes give every worker a process group (Ray 2.60 does), what an actor started.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayActorError

from evokit.assembly.identity import versions
from evokit.assembly.jobs import EVOLVED
from evokit.assembly.workplace import Workplace
from evokit.contracts.blame import ContractError
from evokit.errors import RunFailed
from evokit.interfaces import Evaluation
from evokit.measuring.backends.ray_actor import Actor, Reply, Shipment
from evokit.measuring.execution import Answer, Probe, Task, lost
from evokit.recipe.schema import Execution

log = logging.getLogger("evokit")

STARTS = 3  # workers that may die in a row before one is ready
PATIENCE_S = 30.0  # for Ray to place a worker, before the user is told
KNOCK_S = 5.0  # for a cluster to answer
STORE_BYTES = 256 * 2**20  # of objects on this machine: genes and evaluations are small

Ended = list[tuple[int, Answer]]


class Actors:
    """A crew of actors, each made when there is work for it and kept; those that are lost are replaced.

    Args:
        workplace: The run's own.
    """

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._probe = Probe(workplace)
        self._timeout_s = workplace.recipe.execution.timeout_s
        self._loop = asyncio.new_event_loop()
        self._idle: asyncio.Queue[Any] = asyncio.Queue()  # actors, or an error that ends the run
        self._actors: list[Any] = []  # all, those that wait for a place too
        self._works: dict[asyncio.Task[list[Evaluation]], int] = {}  # with their tickets
        self._hires: set[asyncio.Task[None]] = set()  # a loop itself keeps no task alive
        self._ours = False  # whether Ray was begun here

    @property
    def room(self) -> bool:
        return not self._works or len(self._works) < self._n_workers

    def begin(self, ticket: int, task: Task, limit_s: float | None) -> None:
        self._works[self._loop.create_task(self._work(self._packed(task), limit_s))] = ticket

    def ended(self) -> Ended:
        waiting = asyncio.wait(self._works, return_when=asyncio.FIRST_COMPLETED)
        done, _ = self._loop.run_until_complete(waiting)
        return [(self._works.pop(work), work.result()) for work in done]

    def cpu_s(self, ticket: int) -> float:
        return 0.0

    def stop(self, tickets: Collection[int]) -> None:
        for actor in list(self._actors):
            self._dismiss(actor)
        self._idle = asyncio.Queue()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._works, self._hires = {}, set()

    def close(self) -> None:
        if not self._loop.is_closed():
            self.stop(())
            self._loop.close()
        if self._ours:
            ray.shutdown()
            self._ours = False

    @cached_property
    def _n_workers(self) -> int:
        """How many actors there are; as many as the cluster has places for if the recipe leaves it open."""
        execution = self._workplace.recipe.execution
        self._connect(execution)
        return execution.workers or capacity(execution, ray.cluster_resources())

    @cached_property
    def _class(self) -> Any:
        """What makes actors. They are never detached, so that they end with the run, however it ends."""
        execution = self._workplace.recipe.execution
        return ray.remote(Actor).options(
            num_cpus=execution.num_cpus, num_gpus=execution.num_gpus, max_restarts=0, max_task_retries=0
        )

    @cached_property
    def _shipment(self) -> Any:
        """What actors are built of, stored in the cluster once."""
        directory = self._workplace.directory
        plugins = [(str(path), path.read_bytes()) for path in self._workplace.recipe.plugins]
        folder = str(directory.path.resolve())
        return ray.put(Shipment(directory.recipe.read_bytes(), plugins, folder, versions(), log.getEffectiveLevel()))

    def _connect(self, execution: Execution) -> None:
        if ray.is_initialized():
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": False}
        self._ours = True
        with own_sigterm():
            if execution.address is None:
                n_cpus = math.ceil(execution.n_workers * execution.num_cpus)
                ray.init("local", num_cpus=n_cpus, object_store_memory=STORE_BYTES, include_dashboard=False, **quiet)
                return
            try:
                knock(execution.address)
                ray.init(execution.address, **quiet)
            except (OSError, ValueError, RuntimeError) as error:
                raise RunFailed(f"no Ray cluster answers at execution.address {execution.address}: {error}") from error

    async def _work(self, task: Task, limit_s: float | None) -> list[Evaluation]:
        actor = await self._free()
        began = time.monotonic()
        try:
            evaluations = await self._evaluated(actor, task, limit_s)
        except TimeoutError:
            return lost(task, "timed_out", "the time was up", time.monotonic() - began)
        except OutOfMemoryError:
            self._dismiss(actor)
            message = "Ray ended the worker because its node ran out of memory"
            return lost(task, "out_of_memory", message, time.monotonic() - began)
        except RayActorError as error:
            self._dismiss(actor)
            log.debug("a worker died: %s", error)  # the ledger must not tell nodes and pids: they differ by run
            return lost(task, "worker_died", "the worker died", time.monotonic() - began)
        if any(one.outcome == "out_of_memory" for one in evaluations):
            self._dismiss(actor)  # what is still held must not be the next one's misfortune
        else:
            self._idle.put_nowait(actor)
        return evaluations

    async def _free(self) -> Any:
        """An actor that has nothing to do. One that was lost since is replaced, and costs no task."""
        while True:
            if self._idle.empty() and len(self._actors) < self._n_workers:
                hire = self._loop.create_task(self._hire(self._made()))
                self._hires.add(hire)
                hire.add_done_callback(self._hires.discard)
            actor = await self._idle.get()
            if isinstance(actor, Exception):
                raise actor
            try:
                await actor.ready.remote()
            except RayActorError:
                self._dismiss(actor)
            else:
                return actor

    async def _hire(self, actor: Any) -> None:
        """Build and probe an actor until one is ready for work; what goes wrong is told to who waits for it."""
        try:
            for _ in range(STARTS):
                try:
                    await self._built(actor)
                    await self._compared(actor)
                except (RayActorError, TimeoutError) as error:
                    last = error
                    self._dismiss(actor)
                    actor = self._made()
                else:
                    self._idle.put_nowait(actor)
                    return
            raise RunFailed(f"{STARTS} workers in a row died before they were ready, the last one: {last}")
        except Exception as error:
            self._idle.put_nowait(error)

    async def _built(self, actor: Any) -> None:
        building = asyncio.ensure_future(actor.build.remote(self._shipment))
        done, _ = await asyncio.wait([building], timeout=PATIENCE_S)
        if not done:
            execution = self._workplace.recipe.execution
            wanted = f"{execution.num_cpus:g} CPUs and {execution.num_gpus:g} GPUs"
            log.warning("a worker waits for Ray to find %s; free are %s", wanted, ray.available_resources())
        heard(await building)

    async def _compared(self, actor: Any) -> None:
        """Let an actor evaluate the probe. One that does not survive it costs the probe too."""
        if not self._probe.needed:
            return
        try:
            self._probe.check(await self._evaluated(actor, self._packed(self._probe.task), self._timeout_s))
        except (RayActorError, TimeoutError) as error:
            self._probe.skip("takes too long" if isinstance(error, TimeoutError) else "costs a worker its life")
            raise

    async def _evaluated(self, actor: Any, task: Task, limit_s: float | None) -> list[Evaluation]:
        """Raises ``TimeoutError`` when the time is up; the actor is killed then."""
        answer = asyncio.ensure_future(actor.evaluate.remote(task))
        done, _ = await asyncio.wait([answer], timeout=limit_s)
        if not done:
            self._dismiss(actor)
            with contextlib.suppress(RayActorError):
                await answer  # until Ray knows that it is dead
            raise TimeoutError
        return heard(answer.result())

    def _packed(self, task: Task) -> Task:
        """Genes as JSON values: their classes may be those of a local plugin, which lies elsewhere on another node."""
        if task.job not in EVOLVED:
            return task
        return replace(task, genes=[self._workplace.parts.genome.to_json(genes) for genes in task.genes])

    def _made(self) -> Any:
        actor = self._class.remote()
        self._actors.append(actor)
        return actor

    def _dismiss(self, actor: Any) -> None:
        if actor in self._actors:
            self._actors.remove(actor)
            ray.kill(actor)


def knock(address: str) -> None:
    """See whether anything listens at ``host:port``: Ray itself would try for minutes.

    Raises:
        OSError: Nothing does.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), KNOCK_S).close()


@contextlib.contextmanager
def own_sigterm() -> Iterator[None]:
    """Keep what this process does at SIGTERM: Ray makes it a ``SystemExit``, as if a component had called it."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def heard(reply: Reply) -> list[Evaluation]:
    """The evaluations of a reply; what was logged meanwhile is logged here.

    Raises:
        ContractError: A component did not keep a promise.
        RunFailed: The worker cannot go on, so the run cannot either.
    """
    for level, text in reply.notes:
        log.log(level, "%s", text)
    if reply.broken:
        raise ContractError(reply.problem)
    if reply.problem:
        raise RunFailed(f"a worker cannot go on: {reply.problem}")
    return reply.evaluations


def capacity(execution: Execution, resources: Mapping[str, float]) -> int:
    """How many workers fit into a cluster at once, at least 1.

    >>> capacity(Execution(backend="ray", num_cpus=2, num_gpus=0.25), {"CPU": 16.0, "GPU": 1.0})
    4
    """
    wanted = {"CPU": execution.num_cpus, "GPU": execution.num_gpus}
    return max(1, min((int(resources.get(name, 0.0) / n) for name, n in wanted.items() if n), default=1))

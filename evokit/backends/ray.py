"""Evaluation in actors of a Ray cluster: one that is there, or one on this machine that ends with the run.

Ray places the actors, counts CPUs and parts of GPUs, tells which actor or node was lost, and ends the actors of a run
that was killed and, where its nodes give every worker a process group (Ray 2.60 does), what an actor started.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import os
import signal
import socket
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayActorError

from evokit.backends.worker import limit_memory
from evokit.energy import Meter
from evokit.errors import RunFailed, UserError
from evokit.execution import FRESH, SEARCH, Probe, Task, lost, perform
from evokit.interfaces import Evaluation
from evokit.recipe import load_recipe
from evokit.recipe.schema import Execution, Recipe
from evokit.rundir import RunDirectory, versions
from evokit.workplace import Workplace

log = logging.getLogger("evokit")

STARTS = 3  # workers that may die in a row before one is ready
PATIENCE_S = 30.0  # for Ray to place a worker, before the user is told
KNOCK_S = 5.0  # for a cluster to answer
STORE_BYTES = 256 * 2**20  # of objects on this machine: genes and evaluations are small
EVOLVED = (SEARCH, FRESH)  # jobs whose genes are the genome's; those of all others are JSON values already

Note = tuple[int, str]  # level and text of a log record
Ended = list[tuple[int, list[Evaluation]]]


@dataclass(frozen=True, slots=True)
class Shipment:
    """What an actor builds its workplace of; its node need not see the disk of the run."""

    recipe: bytes  # the run's recipe.yaml
    plugins: Sequence[tuple[str, bytes]]  # path and content of local files
    folder: str  # the run directory
    versions: Mapping[str, str]  # of the packages that decide numbers
    log_level: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What an actor has to say.

    Attributes:
        problem: Why the run cannot go on; empty if it can.
    """

    evaluations: list[Evaluation]
    notes: list[Note]
    problem: str = ""


class Notes(logging.Handler):
    """Keeps what components log until the next reply."""

    def __init__(self) -> None:
        super().__init__()
        self._notes: list[Note] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._notes.append((record.levelno, self.format(record)))

    def taken(self) -> list[Note]:
        taken, self._notes = self._notes, []
        return taken


class Actor:
    """A worker. Problems are told, not raised, so that no exception has to travel."""

    def __init__(self) -> None:
        self._notes = Notes()
        self._workplace: Workplace | None = None
        self._shared = False

    def ready(self) -> None:
        """Answers if it lives."""

    def build(self, shipment: Shipment) -> Reply:
        """Build the workplace; before anything else."""
        logger = logging.getLogger("evokit")
        logger.addHandler(self._notes)
        logger.setLevel(shipment.log_level)
        logger.propagate = False
        return self._told(lambda: self._build(shipment))

    def evaluate(self, task: Task) -> Reply:
        """Evaluate a task whose genes are JSON values."""
        return self._told(lambda: self._evaluate(task))

    def _told(self, work: Any) -> Reply:
        try:
            return Reply(work(), self._notes.taken())
        except (UserError, RunFailed) as error:
            problem = str(error)
        except Exception:
            problem = traceback.format_exc()
        return Reply([], self._notes.taken(), problem)

    def _build(self, shipment: Shipment) -> list[Evaluation]:
        refuse_other_versions(shipment.versions, versions())
        directory = RunDirectory(Path(shipment.folder))
        self._shared = directory.recipe.exists() and directory.recipe.read_bytes() == shipment.recipe
        with tempfile.TemporaryDirectory() as folder:
            self._workplace = Workplace(unpacked(shipment, Path(folder)), directory)
            self._workplace.job(SEARCH)
        memory_mb = self._workplace.recipe.execution.memory_mb
        if memory_mb is not None:
            limit_memory(memory_mb)
        return []

    def _evaluate(self, task: Task) -> list[Evaluation]:
        workplace = self._workplace
        assert workplace is not None
        if task.job in EVOLVED:
            task = replace(task, genes=[workplace.parts.genome.from_json(genes) for genes in task.genes])
        elif not self._shared:
            raise RunFailed(
                f"models of {task.job} must lie in the run directory, but {workplace.directory.path} is not on this"
                " node's disk; use a directory that all nodes share: --out"
            )
        # Only CPU seconds are this process's own; the counters of its node see all that runs there.
        return perform(workplace, task, Meter([], [], workplace.recipe.execution.watts_per_core))


def unpacked(shipment: Shipment, folder: Path) -> Recipe:
    """The recipe of a run, loaded on another machine.

    Args:
        shipment: What the run sent.
        folder: For copies of what is not there in just this form.
    """
    plugins = []
    for number, (name, content) in enumerate(shipment.plugins):
        path = Path(name)
        if not path.exists() or path.read_bytes() != content:
            path = folder / str(number) / path.name
            path.parent.mkdir()
            path.write_bytes(content)
        plugins.append(str(path))
    recipe = folder / "recipe.yaml"
    recipe.write_bytes(shipment.recipe)
    return load_recipe(recipe, [f"plugins={json.dumps(plugins)}"])


def refuse_other_versions(ours: Mapping[str, str], theirs: Mapping[str, str]) -> None:
    """Refuse a worker that would compute with other code.

    Raises:
        RunFailed: Names what differs.
    """
    changed = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if changed:
        told = ", ".join(f"{name} {theirs.get(name)} instead of {ours.get(name)}" for name in changed)
        raise RunFailed(f"the node {ray.util.get_node_ip_address()} has {told}; install what the run has there too")


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

    def stop(self) -> None:
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
            self.stop()
            self._loop.close()
        if self._ours:
            ray.shutdown()
            self._ours = False

    @cached_property
    def _n_workers(self) -> int:
        """How many actors there are; as many as the cluster has places for if the recipe leaves it open."""
        execution = self._workplace.recipe.execution
        self._connect(execution)
        return execution.workers or places(execution, ray.cluster_resources())

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
        RunFailed: The worker cannot go on, so the run cannot either.
    """
    for level, text in reply.notes:
        log.log(level, "%s", text)
    if reply.problem:
        raise RunFailed(f"a worker cannot go on: {reply.problem}")
    return reply.evaluations


def places(execution: Execution, resources: Mapping[str, float]) -> int:
    """How many workers fit into a cluster at once, at least 1.

    >>> places(Execution(backend="ray", num_cpus=2, num_gpus=0.25), {"CPU": 16.0, "GPU": 1.0})
    4
    """
    wanted = {"CPU": execution.num_cpus, "GPU": execution.num_gpus}
    return max(1, min((int(resources.get(name, 0.0) / n) for name, n in wanted.items() if n), default=1))

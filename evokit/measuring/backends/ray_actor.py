"""A worker of the Ray backend: what is shipped to its node, and the actor that evaluates there."""

from __future__ import annotations

import json
import logging
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray

from evokit.assembly.directory import RunDirectory
from evokit.assembly.identity import versions
from evokit.assembly.jobs import EVOLVED, SEARCH
from evokit.assembly.workplace import Workplace
from evokit.contracts.blame import ContractError
from evokit.energy import Meter
from evokit.errors import RunFailed, UserError
from evokit.interfaces import Evaluation
from evokit.measuring.backends.worker import limit_memory
from evokit.measuring.execution import Task, perform
from evokit.recipe import load_recipe
from evokit.recipe.schema import Recipe

Note = tuple[int, str]  # level and text of a log record


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
        broken: Whether the problem is a promise that a component did not keep.
    """

    evaluations: list[Evaluation]
    notes: list[Note]
    problem: str = ""
    broken: bool = False


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
        except ContractError as error:
            return Reply([], self._notes.taken(), str(error), broken=True)
        except (UserError, RunFailed) as error:
            problem = str(error)
        except Exception:  # whatever it is, it is told and ends the run there
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

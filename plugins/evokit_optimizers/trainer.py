"""All trainings that one measurement of an optimizer consists of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from evokit.interfaces import Evaluation
from evokit.keys import digest
from evokit.streams import Streams
from evokit_optimizers.tasks import Task
from evokit_optimizers.training import Method, State, Training


@dataclass(frozen=True)
class Trained:
    """A trained network; ``accuracy`` is that on validation."""

    task: str
    replicate: int
    parameters: Tensor
    statistics: Mapping[str, Tensor]
    accuracy: float


@dataclass(frozen=True)
class Outcome:
    """What became of a measurement; ``diverged`` says where it ended if it did, and then ``networks`` are not all."""

    networks: list[Trained]
    steps: int
    diverged: str = ""

    def evaluation(self) -> Evaluation:
        """Accuracy, mean over tasks of means over seeds; each task's own as a metric."""
        if self.diverged:
            return Evaluation(outcome="diverged", work=self.steps, message=self.diverged)
        by_task: dict[str, list[float]] = {}
        for network in self.networks:
            by_task.setdefault(network.task, []).append(network.accuracy)
        means = {task: float(np.mean(accuracies)) for task, accuracies in by_task.items()}
        metrics = {f"{task}_accuracy": mean for task, mean in means.items()}
        return Evaluation((float(np.mean(list(means.values()))),), work=self.steps, metrics=metrics)


class Trainer:
    """Trains a network for every task and replicate.

    States of trainings that stopped below their horizon are kept in memory, up to ``cache_bytes``, so that a higher
    budget goes on from them. That saves time and changes no value: work is counted as if each had started anew.

    Args:
        tasks: In their order.
        explosion: See ``Training``; so for ``check_every``.
        check_every: As there.
        cache_bytes: For states.
    """

    def __init__(
        self, tasks: Sequence[Task], explosion: float = 50.0, check_every: int = 10, cache_bytes: int = 0
    ) -> None:
        self.tasks = tasks
        self._explosion, self._check_every = explosion, check_every
        self._states = _States(cache_bytes)

    def train(self, method: Method, replicates: Sequence[Streams], steps: int, horizon: int) -> Outcome:
        """Train ``steps`` steps of schedules over ``horizon``; the first divergence ends it all."""
        networks: list[Trained] = []
        spent = 0
        for replicate, streams in enumerate(replicates):
            for task in self.tasks:
                training, finished = self._trained(task, method, streams, steps, horizon)
                spent += training.step
                accuracy = task.accuracy(training.parameters, training.statistics) if finished else np.nan
                if np.isnan(accuracy):
                    where = f"{task.name}, seed {replicate}, by step {training.step}"
                    return Outcome(networks, spent, f"the loss exploded or is not finite: {where}")
                networks.append(Trained(task.name, replicate, training.parameters, training.statistics, accuracy))
        return Outcome(networks, spent)

    def start(self, task: Task, method: Method, streams: Streams, horizon: int) -> Training:
        """A training at step 0."""
        return Training(task, method, streams, horizon, explosion=self._explosion, check_every=self._check_every)

    def _trained(self, task: Task, method: Method, streams: Streams, steps: int, horizon: int) -> tuple[Training, bool]:
        training = self.start(task, method, streams, horizon)
        key = digest([dict(method.identity), task.name, streams.seed, list(streams.path), horizon])
        state = self._states.take(key)
        if state is not None and state.step <= steps:
            training.resume(state)
        finished = training.advance(steps)
        if finished and steps < horizon:
            self._states.put(key, training)
        return training, finished


class _States:
    """States by key up to a size in bytes; those put first leave first."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._kept: OrderedDict[str, State] = OrderedDict()

    def take(self, key: str) -> State | None:
        state = self._kept.pop(key, None)
        self._size -= state.n_bytes if state else 0
        return state

    def put(self, key: str, training: Training) -> None:
        if self._limit == 0:
            return
        self.take(key)
        state = training.state()
        self._kept[key] = state
        self._size += state.n_bytes
        while self._size > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.n_bytes

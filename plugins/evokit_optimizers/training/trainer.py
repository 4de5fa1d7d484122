"""All trainings that one measurement of an optimizer consists of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from evokit.common.keys import digest
from evokit.interfaces import Evaluation
from evokit.streams import Streams
from evokit_optimizers.tasks.task import Task
from evokit_optimizers.training.method import Method
from evokit_optimizers.training.together import advance_together
from evokit_optimizers.training.training import State, Training

Advance = Callable[[Sequence[Training], int], list[bool]]
"""Trains all up to a step; False for those that diverged."""


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

    States of trainings that stopped below their horizon stay in memory, up to ``cache_bytes``, so that a higher
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
        return self._train([method], replicates, steps, horizon, _one_by_one)[0]

    def train_together(
        self, methods: Sequence[Method], replicates: Sequence[Streams], steps: int, horizon: int
    ) -> list[Outcome]:
        """The same for several methods, whose networks are trained at once; see ``advance_together``."""
        return self._train(methods, replicates, steps, horizon, advance_together)

    def _train(
        self, methods: Sequence[Method], replicates: Sequence[Streams], steps: int, horizon: int, advance: Advance
    ) -> list[Outcome]:
        progress = [Outcome([], 0) for _ in methods]
        for replicate, streams in enumerate(replicates):
            for task in self.tasks:
                left = [i for i, outcome in enumerate(progress) if not outcome.diverged]
                trained = self._trained(task, [methods[i] for i in left], streams, steps, horizon, advance)
                for i, (training, sound) in zip(left, trained, strict=True):
                    progress[i] = _with(progress[i], task, replicate, training, sound)
        return progress

    def start(self, task: Task, method: Method, streams: Streams, horizon: int) -> Training:
        """A training at step 0."""
        return Training(task, method, streams, horizon, explosion=self._explosion, check_every=self._check_every)

    def _trained(
        self, task: Task, methods: Sequence[Method], streams: Streams, steps: int, horizon: int, advance: Advance
    ) -> list[tuple[Training, bool]]:
        trainings = [self.start(task, method, streams, horizon) for method in methods]
        about = [task.name, streams.seed, list(streams.path), horizon, advance is advance_together]
        keys = [digest([dict(method.identity), *about]) for method in methods]
        for training, key in zip(trainings, keys, strict=True):
            state = self._states.take(key)
            if state is not None and state.step <= steps:
                training.resume(state)
        sound = advance(trainings, steps)
        if steps < horizon:
            for training, key, one in zip(trainings, keys, sound, strict=True):
                if one:
                    self._states.put(key, training)
        return list(zip(trainings, sound, strict=True))


def _one_by_one(trainings: Sequence[Training], steps: int) -> list[bool]:
    return [training.advance(steps) for training in trainings]


def _with(outcome: Outcome, task: Task, replicate: int, training: Training, sound: bool) -> Outcome:
    """An outcome with one more network, or with the divergence that ends it."""
    result = training.result
    accuracy = task.accuracy(result, training.statistics) if sound else np.nan
    spent = outcome.steps + training.step
    if np.isnan(accuracy):
        where = f"{task.name}, seed {replicate}, by step {training.step}"
        return Outcome(outcome.networks, spent, f"the loss exploded or is not finite: {where}")
    one = Trained(task.name, replicate, result, training.statistics, accuracy)
    return Outcome([*outcome.networks, one], spent)


class _States:
    """States by key up to a size in bytes; those put first leave first."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._by_key: OrderedDict[str, State] = OrderedDict()

    def take(self, key: str) -> State | None:
        state = self._by_key.pop(key, None)
        self._size -= state.n_bytes if state else 0
        return state

    def put(self, key: str, training: Training) -> None:
        if self._limit == 0:
            return
        self.take(key)
        state = training.state()
        self._by_key[key] = state
        self._size += state.n_bytes
        while self._size > self._limit:
            _, oldest = self._by_key.popitem(last=False)
            self._size -= oldest.n_bytes

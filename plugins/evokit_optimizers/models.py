"""The networks that a contender trains: their file, their validation and their score, the same for all."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save

from evokit.common.cores import set_threads
from evokit.common.files import write_atomically
from evokit.interfaces import Evaluation, Goal, Variant
from evokit.streams import Streams
from evokit_optimizers.fitness import TrainedAccuracyFitness
from evokit_optimizers.training.method import Method
from evokit_optimizers.training.trainer import Trained

REHEARSED_STEPS = 3
HORIZON = "horizon"
"""Key of a setting: steps of its trainings, if they are others than the search's."""


class NetworkContender:
    """What all contenders for ``trained_accuracy`` share: one fit trains as many networks as one measurement of the
    search, in the same loop and from the same kind of streams, and work is counted alike.

    So a tuned setting is judged by as many seeds as an individual; seeds of fits are never those of the search.

    Args:
        fitness: Whose tasks, horizon, budgets and precision they keep to.
    """

    goal: Goal = "max"
    deterministic = False

    def __init__(self, fitness: TrainedAccuracyFitness) -> None:
        self.fitness = fitness
        self.budgets: Sequence[int] = fitness.budgets
        self.unit = fitness.tasks[0].unit
        self.trainings = fitness.n_trainings

    def variants(self) -> dict[str, Variant]:
        """The setting that won, trained to other horizons."""
        return {
            f"{steps} steps": Variant({HORIZON: steps}, steps * self.trainings)
            for steps in self.fitness.options.final_steps
        }

    def fitted(
        self,
        method: Method,
        setting: Mapping[str, Any],
        seed: int,
        budget: int,
        scratch: Path,
        about: Mapping[str, Any],
    ) -> Evaluation:
        """Train up to ``budget``; at the full one the networks are written, with ``about`` beside them.

        Args:
            method: Trains.
            setting: Whose ``horizon``, if it has one, is trained to instead of the full budget's.
            seed: Decides starts and batches.
            budget: One of ``budgets``.
            scratch: Where the networks are written.
            about: JSON values.

        Raises:
            ValueError: The budget is none of ``budgets``.
        """
        steps, n_seeds, horizon = self.fitness.level_of(budget)
        if HORIZON in setting:
            steps = horizon = setting[HORIZON]
        set_threads(self.fitness.threads)
        outcome = self.fitness.trainer.train(method, self._replicates(seed)[:n_seeds], steps, horizon)
        evaluation = outcome.evaluation()
        if not evaluation.ok or budget != self.budgets[-1]:
            return evaluation
        scratch.mkdir(parents=True, exist_ok=True)
        artifact = scratch / "networks.safetensors"
        save_networks(outcome.networks, artifact, about)
        return replace(evaluation, artifact=str(artifact))

    def score(self, artifact: Path, split: Any) -> np.ndarray:
        """``(n_units,)`` accuracy on each image or document, mean over the networks, tasks one after the other.

        Always in float32. Several tasks are put together as ``over_tasks`` does.
        """
        networks = read_networks(artifact)[0]
        tasks = self.fitness.tasks
        set_threads(self.fitness.threads)
        scores = []
        for task in tasks:
            trained = [one for one in networks if one.task == task.name]
            right = [
                task.correct(_to(one.parameters, task.device), _all_to(one.statistics, task.device), split)
                for one in trained
            ]
            scores.append(np.mean(right, axis=0))
        return over_tasks(scores)

    def rehearsed(self, method: Method) -> tuple[float, int]:
        """Seconds and bytes on disk that one full fit will take, by timing a few steps of each task."""
        options, seconds, size = self.fitness.options, 0.0, 0
        for task in self.fitness.tasks:
            training = self.fitness.trainer.start(task, method, Streams(0).at("rehearsal"), options.steps)
            training.advance(1)
            started = time.perf_counter()
            training.advance(1 + REHEARSED_STEPS)
            seconds += (time.perf_counter() - started) / REHEARSED_STEPS * options.steps
            size += training.parameters.nbytes
        return seconds * options.seeds, size * options.seeds

    def _replicates(self, seed: int) -> list[Streams]:
        return self.fitness.replicates(Streams(seed).at("trained_accuracy", "contender"))


def over_tasks(scores: Sequence[np.ndarray]) -> np.ndarray:
    """``(n_units,)`` values whose mean is the mean over tasks, and whose spread gives that mean's standard error.

    Tasks are strata: units stand for others of their own task, so what differs between tasks is no luck. Of a single
    task they are its units' own values.

    Args:
        scores: ``(n,)`` values of each task's units.

    Source: Cochran 1977, "Sampling Techniques", section 5.3, equation 5.6, with equal weights of strata.
    """
    if len(scores) == 1:
        return scores[0]
    mean, n = np.mean([one.mean() for one in scores]), sum(map(len, scores))
    return np.concatenate([mean + (one - one.mean()) * (n / (len(scores) * len(one))) for one in scores])


def save_networks(networks: Sequence[Trained], path: Path, about: Mapping[str, Any]) -> None:
    """Write networks to a safetensors file that is either whole or not there."""
    tensors: dict[str, torch.Tensor] = {}
    for one in networks:
        prefix = f"{one.task}/{one.replicate}/"
        tensors[prefix + "parameters"] = one.parameters.cpu()
        tensors |= {f"{prefix}statistics/{name}": values.cpu() for name, values in one.statistics.items()}
    accuracies = [[one.task, one.replicate, one.accuracy] for one in networks]
    # One key, because safetensors writes several in any order, and equal networks shall have equal files.
    write_atomically(path, save(tensors, {"evokit": json.dumps({"networks": accuracies, "about": dict(about)})}))


def read_networks(path: Path) -> tuple[list[Trained], dict[str, Any]]:
    """What ``save_networks`` wrote: networks and ``about``."""
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        metadata = json.loads(file.metadata()["evokit"])
    networks = []
    for task, replicate, accuracy in metadata["networks"]:
        prefix = f"{task}/{replicate}/"
        start = prefix + "statistics/"
        statistics = {name.removeprefix(start): values for name, values in tensors.items() if name.startswith(start)}
        networks.append(Trained(task, replicate, tensors[prefix + "parameters"], statistics, accuracy))
    return networks, metadata["about"]


def _to(tensor: torch.Tensor, device: str) -> torch.Tensor:
    # A tensor of the file's memory may be aligned otherwise than one that torch made.
    return tensor.to(device, copy=True)


def _all_to(tensors: Mapping[str, torch.Tensor], device: str) -> dict[str, torch.Tensor]:
    return {name: _to(tensor, device) for name, tensor in tensors.items()}

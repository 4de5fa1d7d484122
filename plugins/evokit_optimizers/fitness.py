"""The accuracy of networks that an individual's optimizer trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from evokit.common.cores import set_threads
from evokit.common.keys import digest
from evokit.data.text import Documents
from evokit.interfaces import Context, Evaluation, Goal
from evokit.streams import Streams
from evokit_optimizers.options import ACCURACY, Level, Objective, TrainedAccuracy
from evokit_optimizers.rules.cost import step_cost
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.tasks.images import ImageTask, network_for
from evokit_optimizers.tasks.language import LanguageTask
from evokit_optimizers.tasks.module import ModuleTask
from evokit_optimizers.tasks.options import OneTask
from evokit_optimizers.tasks.task import Task
from evokit_optimizers.tasks.transformer import Transformer
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.trainer import Trainer

GOALS: Mapping[Objective, Goal] = {"accuracy": "max", "step_cost": "min"}


class TrainedAccuracyFitness:
    """Mean validation accuracy over tasks and seeds, every individual from the same starts on the same batches.

    Args:
        options: What the recipe says.
        tasks: Its tasks.
        streams: Decide starts and batches, one stream a replicate.
        data_digest: Of the data, for the context.
        threads: Torch threads, part of the result.
        first: Number of the first replicate.
    """

    work_unit = "training steps"

    def __init__(
        self,
        options: TrainedAccuracy,
        tasks: Sequence[Task],
        streams: Streams,
        *,
        data_digest: str = "",
        threads: int = 1,
        first: int = 0,
    ) -> None:
        self.options, self.tasks, self.first = options, tasks, first
        self.objectives: Mapping[str, Goal] = {name: GOALS[name] for name in options.objectives}
        self.takes = options.takes
        self.slots: Mapping[str, Any] = {}
        self.n_trainings = len(tasks) * options.seeds
        self._levels = {level.steps * level.seeds * len(tasks): level for level in options.ladder}
        self.budgets: Sequence[int] = list(self._levels)
        self.trainer = Trainer(tasks, options.explosion, options.check_every, options.cache_mb * 2**20)
        self._streams, self._data_digest, self.threads = streams, data_digest, threads
        self.context = digest(
            {
                "data": data_digest,
                "tasks": {task.name: task.identity for task in tasks},
                "steps": options.steps,
                "seeds": options.seeds,
                "divergence": [options.explosion, options.check_every],
                "streams": streams.entropy(),
                "first": first,
                "device": tasks[0].device,
                "threads": threads,
                "together": options.together > 1,
                # A shorter horizon makes a budget another task; which one it is decides its values.
                **({"levels": [list(level) for level in options.ladder]} if _shortens(options) else {}),
                **({"objectives": list(options.objectives)} if options.objectives != ACCURACY else {}),
            }
        )

    def evaluate(self, batch: Sequence[Rule], budget: int) -> Iterator[Evaluation]:
        """Train with each phenotype up to the budget.

        Raises:
            ValueError: The budget is none of ``budgets``.
        """
        steps, n_seeds, horizon = self.level_of(budget)
        replicates = self.replicates(self._streams)[:n_seeds]
        set_threads(self.threads)
        together = self.options.together
        for first in range(0, len(batch), together):
            rules = batch[first : first + together]
            methods = [Evolved(rule) for rule in rules]
            if together == 1:
                outcomes = [self.trainer.train(methods[0], replicates, steps, horizon)]
            else:
                outcomes = self.trainer.train_together(methods, replicates, steps, horizon)
            for rule, outcome in zip(rules, outcomes, strict=True):
                yield self._with_cost(rule, outcome.evaluation())

    def fresh(self) -> TrainedAccuracyFitness:
        """The same question with starts and batches that neither this one nor those before it used."""
        return TrainedAccuracyFitness(
            self.options,
            self.tasks,
            self._streams,
            data_digest=self._data_digest,
            threads=self.threads,
            first=self.first + self.options.seeds,
        )

    def _with_cost(self, rule: Rule, evaluation: Evaluation) -> Evaluation:
        """An evaluation with the operations of a step, mean over tasks."""
        if not evaluation.ok:
            return evaluation
        costs = [step_cost(rule, task.network.shapes, task.network.groups) for task in self.tasks]
        total = float(np.mean([cost.total for cost in costs]))
        metrics = {"step_flops": total, "product_flops": float(np.mean([cost.products for cost in costs]))}
        values = (*evaluation.values, total) if "step_cost" in self.objectives else evaluation.values
        return replace(evaluation, values=values, metrics={**evaluation.metrics, **metrics})

    def level_of(self, budget: int) -> Level:
        """What a budget trains. Raises ``ValueError``: it is none of ``budgets``."""
        if budget not in self._levels:
            raise ValueError(f"budget must be one of {list(self.budgets)}, got {budget}")
        return self._levels[budget]

    def replicates(self, streams: Streams) -> list[Streams]:
        """As many as one measurement has, below ``streams``."""
        return [streams.at("replicate", self.first + index) for index in range(self.options.seeds)]


def _shortens(options: TrainedAccuracy) -> bool:
    return any(level.horizon != options.steps for level in options.ladder)


def build_fitness(options: TrainedAccuracy, context: Context) -> TrainedAccuracyFitness:
    """The fitness of a run; its seed decides starts and batches.

    Raises:
        ValueError: The data and the options do not fit.
    """
    tasks = build_tasks(options, context.train, context.validation, context.device)
    for task in tasks if options.together > 1 else ():
        if not task.network.joins:
            raise ValueError(f"together: the network of {task.name} is trained alone; write 1")
    return TrainedAccuracyFitness(
        options,
        tasks,
        context.streams.at("trained_accuracy"),
        data_digest=context.data_digest,
        threads=context.threads,
    )


def build_tasks(options: TrainedAccuracy, train: Any, validation: Any, device: str) -> list[Task]:
    """The tasks that a recipe names, or all that its data have: one for text.

    Args:
        options: Of the fitness.
        train: Documents, or set to images.
        validation: Likewise.
        device: Where tasks live.

    Raises:
        ValueError: The data are neither images nor text, or have no such set, or a network does not fit the images.
        UserError: A set is too small for one batch.
    """
    if options.own_module and not isinstance(train, Mapping):
        return [_module_task(options, "text", train, validation, device)]
    if isinstance(train, Documents):
        return [_language_task(options, train, validation, device)]
    if not isinstance(train, Mapping):
        raise ValueError("needs images or text to train on; write data: {name: images} or {name: prose}")
    members = options.members or tuple(OneTask(name) for name in train)
    if missing := [task.name for task in members if task.name not in train]:
        raise ValueError(f"tasks: the data have no {', '.join(missing)}, only {', '.join(train)}")
    if options.own_module:
        return [
            _module_task(options, one.name, {one.name: train[one.name]}, {one.name: validation[one.name]}, device)
            for one in members
        ]
    return [
        ImageTask(
            name=task.name,
            network=network_for(train[task.name], task.model or options.model),
            train=train[task.name],
            validation=validation[task.name],
            batch=options.batch,
            augment=task.augment,
            precision=getattr(torch, options.precision),
            channels_last=options.channels_last,
            device=device,
        )
        for task in members
    ]


def _module_task(options: TrainedAccuracy, name: str, train: Any, validation: Any, device: str) -> ModuleTask:
    assert options.own_module is not None
    if options.tasks and name == "text":
        raise ValueError("tasks: text is one task; leave them out")
    return ModuleTask(name, options.own_module, train, validation, options.batch, options.language.length, device)


def _language_task(options: TrainedAccuracy, train: Documents, validation: Documents, device: str) -> LanguageTask:
    if options.tasks:
        raise ValueError("tasks: text is one task; leave them out")
    sizes = options.language
    return LanguageTask(
        name="text",
        network=Transformer(sizes.width, sizes.layers, sizes.heads, sizes.length),
        train=train,
        validation=validation,
        batch=options.batch,
        n_blocks=sizes.validation_blocks,
        per_document=sizes.final_blocks_per_document,
        precision=getattr(torch, options.precision),
        device=device,
    )

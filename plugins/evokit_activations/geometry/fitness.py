"""The accuracy on held-out images of networks that learned the targets of a geometry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evokit.common.cores import set_threads
from evokit.common.keys import digest
from evokit.interfaces import Context, Evaluation, Goal
from evokit.recipe.schema import as_json
from evokit_activations.fitness import only_set
from evokit_activations.geometry.class_geometry import ClassGeometry
from evokit_activations.geometry.folds import Fold, sides_of, stratified_folds
from evokit_activations.geometry.options import HeldOutAccuracy, Level
from evokit_activations.geometry.targets import Ingredients
from evokit_activations.models import TrainedNetwork, trained_network
from evokit_activations.networks.task import ImageTask
from evokit_activations.networks.training import DivergedError, Training
from evokit_activations.options import LabelLikelihood, Network
from evokit_activations.options import Training as TrainingOptions


class HeldOutAccuracyFitness:
    """Mean accuracy over folds of the training images; of an oracle, over networks on the validation images.

    Args:
        options: What the recipe says.
        task: Network and training images of the run; its untrained network's parameters are those of every fold.
        first: Number of the replicate, which decides folds, starts and batches.
        before: The replicate that this one follows, whose memory it shares.

    Raises:
        ValueError: There are too few training images.
    """

    objectives: Mapping[str, Goal] = {"accuracy": "max"}
    work_unit = "images"

    def __init__(
        self,
        options: HeldOutAccuracy,
        task: ImageTask,
        first: int = 0,
        before: HeldOutAccuracyFitness | None = None,
    ) -> None:
        self.options, self.task, self.first = options, task, first
        self.takes, self.slots = options.takes, task.slots
        self._streams = task.streams.at("replicate", first)
        self._oracle = options.held_out == "validation"
        self._folds = [] if self._oracle else self._cut()
        learned = [len(task.labels)] * options.folds if self._oracle else [len(fold.learned) for fold in self._folds]
        sizes = np.cumsum(learned)
        self._levels = {int(sizes[level.folds - 1]) * level.epochs: level for level in options.ladder}
        self.budgets: Sequence[int] = list(self._levels)
        self.context = digest({"task": task.identity, "options": as_json(options, brief=True), "first": first})
        self.whole: Ingredients = Ingredients(task, options.smoothing) if before is None else before.whole
        """Of all training images, for contenders."""
        self._built: dict[tuple[int, int], Ingredients] = {} if before is None else before._built

    def fold(self, number: int) -> Ingredients:
        """Of the images that one fold's network learns; what is held out is the validation side of its task."""
        if self._oracle:
            return self.whole
        place = self.first, number
        if place not in self._built:
            for old in [one for one in self._built if one[0] != self.first]:
                del self._built[old]  # a search with many replicates needs the memory of one
            learned, held_out = sides_of(self.task.train, self._folds[number])
            task = ImageTask(
                self.task.options,
                learned,
                held_out,
                self.task.streams,
                device=self.task.device,
                threads=self.task.threads,
            )
            self._built[place] = Ingredients(task, self.options.smoothing)
        return self._built[place]

    def evaluate(self, batch: Sequence[ClassGeometry], budget: int) -> Iterator[Evaluation]:
        """Train a network a fold with each geometry.

        Raises:
            ValueError: The budget is none of ``budgets``.
        """
        if budget not in self._levels:
            raise ValueError(f"budget must be one of {list(self.budgets)}, got {budget}")
        set_threads(self.task.threads)
        for geometry in batch:
            yield self._measured(geometry, self._levels[budget], budget)

    def fresh(self) -> HeldOutAccuracyFitness:
        """The same question with folds, starts and batches that neither this one nor those before it used."""
        return HeldOutAccuracyFitness(self.options, self.task, self.first + 1, self)

    def _cut(self) -> list[Fold]:
        options, rng = self.options, self._streams.at("folds").numpy()
        return stratified_folds(self.task.train.labels, options.folds, options.images, rng)

    def _measured(self, geometry: ClassGeometry, level: Level, budget: int) -> Evaluation:
        try:
            networks = [self.network(geometry, number, level.epochs) for number in range(level.folds)]
        except DivergedError as error:
            return Evaluation(outcome="diverged", work=budget, message=str(error))
        held_out = [self.fold(number).task.validation for number in range(level.folds)]
        right = [float(one.correct(images).mean()) for one, images in zip(networks, held_out, strict=True)]
        metrics = {f"accuracy_fold{number}": one for number, one in enumerate(right)}
        return Evaluation((float(np.mean(right)),), work=budget, metrics=metrics)

    def network(self, geometry: ClassGeometry, number: int, epochs: int) -> TrainedNetwork:
        """The network of a fold, which learned from what the fold does not hold out.

        Raises:
            DivergedError: Its loss is not finite.
        """
        ingredients, streams = self.fold(number), self._streams.at("fold", number)
        task, options = ingredients.task, self.options
        setting: dict[str, Any] = {**options.setting, "lr": geometry.lr}
        shape, parameters = task.initial(options.convolutions, streams.at("parameters"))
        length = replace(options.training, epochs=epochs, rungs=())
        training = Training(task, shape, parameters, ingredients.objective(geometry), setting, streams, length)
        training.advance(epochs)
        return trained_network(task, training, setting)


def build_fitness(options: HeldOutAccuracy, context: Context) -> HeldOutAccuracyFitness:
    """Images and network of a run, whose seed decides the network, the codes and the folds.

    Raises:
        ValueError: The data and the options do not fit.
    """
    return HeldOutAccuracyFitness(options, image_task(options.model, options.training, context))


def image_task(model: Network, training: TrainingOptions, context: Context) -> ImageTask:
    """The images of a run and its network, untrained, for networks that learn class targets.

    Raises:
        ValueError: The data and the network do not fit.
    """
    train, validation = (only_set(side) for side in (context.train, context.validation))
    return ImageTask(
        LabelLikelihood(model, training),  # as of any task: a network and how contenders train it
        train,
        validation,
        context.streams.at("held_out_accuracy"),
        data_digest=context.data_digest,
        device=context.device,
        threads=context.threads,
    )

"""Ensembles of networks that learned geometries of class targets, beside codes, class means and SGD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from evokit.interfaces import Context, Goal, Measured
from evokit.recipe.schema import as_json
from evokit_activations.analyses import learning_figures
from evokit_activations.analyses.ensembles import leads, together
from evokit_activations.analyses.models import label_objective, the_setting, train
from evokit_activations.analyses.options import GeometryEnsembles, GeometryPoint
from evokit_activations.analyses.points import Analysis
from evokit_activations.geometry.class_geometry import ClassGeometry, known_geometry
from evokit_activations.geometry.evolved import evolved_geometries
from evokit_activations.geometry.fitness import image_task
from evokit_activations.geometry.targets import Ingredients
from evokit_activations.models import Setting, TrainedNetwork
from evokit_activations.networks.objectives import Objective

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EVOLVED = ("geometries", "one_geometry")
UNCODED = ("class_mean", "labels")
SETTINGS = ("geometry", "class_code", "class_mean", "hand_geometry", "sgd")


class GeometryAnalysis(Analysis):
    """Networks on evolved and known geometries, alone and together; work is counted in images that trainings saw.

    Raises:
        ValueError: The run that is named has no geometries for this, or options have several settings.
    """

    point = GeometryPoint
    objectives: ClassVar[Mapping[str, Goal]] = {"accuracy": "max"}
    options: GeometryEnsembles

    def __init__(self, options: GeometryEnsembles, context: Context) -> None:
        blocks = len(options.model.channels)
        try:
            self.geometries = list(dict.fromkeys(evolved_geometries(options.evolved, blocks)))
        except ValueError as error:
            raise ValueError(f"evolved: {error}") from error
        if len(self.geometries) < options.networks:
            raise ValueError(
                f"networks: {options.networks} of different geometries need as many, {options.evolved} has"
                f" {len(self.geometries)};"
                f" evolve them with --set repeats={options.networks}, for more than one generation"
            )
        task = image_task(options.model, options.training, context)
        self._settings = {name: the_setting(name, getattr(options, name)) for name in SETTINGS}
        deciding = {**as_json(options), "evolved": [asdict(one) for one in self.geometries]}
        work = len(task.labels) * options.training.epochs * options.networks * options.ensembles
        super().__init__(options, task, deciding, [work])
        self._found: dict[GeometryPoint, Tensor] = {}

    def accept(self, point: Mapping[str, Any]) -> Any:
        accepted = super().accept(point)
        if accepted.codes == "one" and accepted.learn_from in UNCODED:
            raise ValueError(f"codes: {accepted.learn_from} has none; leave it out")
        return accepted

    def measure(self, point: GeometryPoint, budget: int) -> dict[str, float]:
        _, labels = self.task.validation.tensors(self.task.device)
        ours = self.probabilities(point)
        ensembles = [together(one, labels) for one in ours]
        metrics = {name: sum(one[name] for one in ensembles) / len(ensembles) for name in ensembles[0]}
        for name in self.options.against:
            rival = GeometryPoint(name, "own" if name in UNCODED else point.codes)
            if rival != point:
                metrics |= leads(ours, self.probabilities(rival), labels, name)
        return metrics

    def draw(self, results: Sequence[Measured]) -> Figure:
        return learning_figures.geometries(results)

    def probabilities(self, point: GeometryPoint) -> Tensor:
        """``(ensembles, networks, n, classes)`` of the validation images; points compared with keep theirs.

        Raises:
            DivergedError: The loss of a training is not finite.
        """
        if point not in self._found:
            images, _ = self.task.validation.tensors(self.task.device)
            networks = self.options.networks
            logits = [
                self._network(point, first, member).logits(images)
                for first in range(0, networks * self.options.ensembles, networks)
                for member in range(networks)
            ]
            self._found[point] = torch.stack(logits).reshape(-1, networks, *logits[0].shape).softmax(-1)
        return self._found[point]

    def _network(self, point: GeometryPoint, first: int, member: int) -> TrainedNetwork:
        """Of the ensemble that begins with network ``first``, from which it has its code and geometry if all share."""
        objective, setting = self._lesson(point, first, member)
        return train(self.task, objective, setting, first + member)

    def _lesson(self, point: GeometryPoint, first: int, member: int) -> tuple[Objective, Setting]:
        task = self.task
        if point.learn_from == "labels":
            setting = self._settings["sgd"]
            return label_objective(task, len(task.labels), setting["label_smoothing"]), setting
        geometry, setting = self._geometry(point, first, member)
        code = first + (member if point.codes == "own" else 0)
        ingredients = Ingredients(task, self.options.smoothing, task.streams.at("analysis", "codes", code))
        return ingredients.objective(geometry), {**setting, "lr": geometry.lr}

    def _geometry(self, point: GeometryPoint, first: int, member: int) -> tuple[ClassGeometry, Setting]:
        if point.learn_from in EVOLVED:
            setting = self._settings["geometry"]
            number = first // self.options.networks + (member if point.learn_from == "geometries" else 0)
            geometry = self.geometries[number % len(self.geometries)]
            return replace(geometry, lr=geometry.lr * setting["lr_factor"]), setting
        setting = self._settings[point.learn_from]
        known = known_geometry(getattr(self.options, point.learn_from).known, len(self.task.shape.channels))
        return replace(known, lr=setting["lr"], kl=setting["kl"]), setting

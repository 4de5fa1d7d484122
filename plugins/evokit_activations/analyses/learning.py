"""What networks make of searched targets: accuracy alone and together (figure 4, ablations, ensembles)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from evokit.interfaces import Goal, Measured
from evokit_activations.analyses import learning_figures
from evokit_activations.analyses.ensembles import together
from evokit_activations.analyses.measures import cosine_gram, effective_number
from evokit_activations.analyses.models import in_memory, label_objective, train
from evokit_activations.analyses.options import LearningPoint
from evokit_activations.analyses.points import SearchAnalysis, resized, searched
from evokit_activations.fitness import cross_entropies
from evokit_activations.genome import ActivationTensors
from evokit_activations.models import TrainedNetwork, settings_of
from evokit_activations.networks.objectives import Objective
from evokit_activations.networks.training import DivergedError
from evokit_activations.options import Evolution, LearnTargets
from evokit_activations.targets.class_codes import UNSEARCHED, class_codes, mean_activations
from evokit_activations.targets.objective import target_objective

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TUNING = -1  # seed of the networks that settings are chosen with; no other network has it


class LearningAnalysis(SearchAnalysis):
    """Networks on the targets of several independent searches, validated."""

    point = LearningPoint
    objectives: ClassVar[Mapping[str, Goal]] = {"accuracy": "max"}

    def accept(self, point: Mapping[str, Any]) -> Any:
        accepted = super().accept(point)
        self._method(accepted)
        return accepted

    def measure(self, point: LearningPoint, n: int) -> dict[str, float]:
        if point.learn_from == "labels":
            objective, tried = label_objective(self.task, n), settings_of(self.options.sgd)
            chosen = self._tuned([objective] * len(tried), tried)
            networks = [train(self.task, objective, chosen, run) for run in range(self.options.runs)]
            return self._validated(networks)
        targets, (_, tensors) = self._targets(point, n), self._method(point)
        tried = settings_of(self._learn(point))
        learned = [in_memory(self.task, layers) for layers in targets]
        chosen = self._tuned([target_objective(self.task, tensors, learned[0], one) for one in tried], tried)
        networks = [
            train(self.task, target_objective(self.task, tensors, one, chosen), chosen, run)
            for run, one in enumerate(learned)
        ]
        return self._validated(networks) | self._of_targets(targets, n) | {"evaluations": self._evaluations(point)}

    def draw(self, results: Sequence[Measured]) -> Figure:
        figure: Figure = getattr(learning_figures, self.options.shows)(results, self.options.evolution)
        return figure

    def _learn(self, point: LearningPoint) -> LearnTargets:
        """How the networks of a point learn."""
        learn: LearnTargets = self.options.learn
        if point.average is not None:
            learn = replace(learn, average=(point.average,))
        return learn if point.logits is None else replace(learn, logits=point.logits)

    def _method(self, point: LearningPoint) -> tuple[Evolution, ActivationTensors]:
        """How a point searches. Raises ``ValueError``: the population is too small."""
        evolution, tensors = self.options.evolution, self.options.tensors
        if point.population is not None:
            evolution = resized(evolution, point.population)
        factor = 0.0 if point.learn_from == "first_generation" else point.generations
        layers = [replace(one, generations=round(one.generations * factor)) for one in evolution.layers]
        if point.without == "smoothing":
            layers = [replace(one, smoothing=0) for one in layers]
        evolution = replace(evolution, layers=tuple(layers))
        if point.without == "image_selection":
            evolution = replace(evolution, select="lanes")
        elif point.without == "normalisation":
            tensors = replace(tensors, normalise=False)
        elif point.without == "explorers":  # as many children, all of them refiners
            evolution = replace(evolution, explorers=0, refiners=evolution.explorers + evolution.refiners)
        return evolution, tensors

    def _targets(self, point: LearningPoint, n: int) -> list[list[Tensor]]:
        """For each network, ``(n, ...)`` of each layer."""
        task, (evolution, tensors), runs = self.task, self._method(point), range(self.options.runs)
        if point.learn_from == "class_code":
            codes = [class_codes(task.shape, evolution.smoothing, task.streams.at("analysis", run)) for run in runs]
            return [[layer.to(task.device)[task.labels[:n]] for layer in code] for code in codes]
        if point.learn_from == "class_mean":
            with torch.inference_mode():
                means = [layer[task.labels[:n]] for layer in mean_activations(task)]
            return [means] * len(runs)
        if point.learn_from == "one_search":
            return [searched(task, evolution, tensors, self.training_pictures(n))] * len(runs)
        selecting = point.learn_from != "unselected"
        return [searched(task, evolution, tensors, self.training_pictures(n, run), selecting=selecting) for run in runs]

    def _evaluations(self, point: LearningPoint) -> int:
        """Of candidates, for an image and a search."""
        if point.learn_from in UNSEARCHED:
            return 0
        evolution, _ = self._method(point)
        generations = sum(one.generations for one in evolution.layers)
        return evolution.population + generations * (evolution.explorers + evolution.refiners)

    def _tuned(self, objectives: Sequence[Objective], tried: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """The setting that is best on validation; the first of equals. Raises ``DivergedError`` if all diverge."""
        if len(tried) == 1:
            return tried[0]
        found = []
        for objective, setting in zip(objectives, tried, strict=True):
            try:
                network = train(self.task, objective, setting, TUNING)
            except DivergedError:
                continue
            found.append((float(network.correct(self.task.validation).mean()), setting))
        if not found:
            raise DivergedError("every setting diverged")
        return max(found, key=lambda one: one[0])[1]

    def _validated(self, networks: Sequence[TrainedNetwork]) -> dict[str, float]:
        images, labels = self.task.validation.tensors(self.task.device)
        logits = torch.stack([network.logits(images) for network in networks])
        return together(logits.softmax(-1), labels)

    def _of_targets(self, targets: Sequence[list[Tensor]], n: int) -> dict[str, float]:
        """Cross-entropy from each layer on, mean over searches, and how different the searches are, block by block."""
        labels = self.task.labels[:n]
        with torch.inference_mode():
            losses = [cross_entropies(self.task.untrained, layers, labels) for layers in targets]
        metrics = {name: sum(one[name] for one in losses) / len(losses) for name in losses[0]}
        for block, solutions in enumerate(list(zip(*targets, strict=True))[:-1]):
            gram = cosine_gram(torch.stack([one.flatten(1) for one in solutions], 1))
            number = effective_number(gram, torch.ones(gram.shape[:2], dtype=torch.bool, device=gram.device))
            metrics[f"n_eff_block{block}"] = float(number.mean())
        return metrics

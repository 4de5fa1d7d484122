"""Fitness against population and generations (figure 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from evokit.common.figures import panels
from evokit.interfaces import Goal, Measured
from evokit_activations.analyses.options import ScalingPoint
from evokit_activations.analyses.points import SearchAnalysis, one_layer, refuse_other_blocks, resized
from evokit_activations.layerwise.search import LayerwiseSearch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AFTER = "cross_entropy_after_"  # so many generations


class ScalingAnalysis(SearchAnalysis):
    """Cross-entropy of the best of a population, mean over images, in the course of its generations."""

    point = ScalingPoint
    objectives: ClassVar[Mapping[str, Goal]] = {"cross_entropy": "min"}

    def accept(self, point: Mapping[str, Any]) -> Any:
        accepted = super().accept(point)
        refuse_other_blocks(accepted.layer, self.task)
        resized(self.options.evolution, accepted.population)
        return accepted

    def measure(self, point: ScalingPoint, n: int) -> dict[str, float]:
        evolution = resized(self.options.evolution, point.population)
        search = LayerwiseSearch(self.task.untrained, evolution, self.options.tensors)
        noted = milestones(evolution.layers[point.layer].generations)
        best: dict[int, list[torch.Tensor]] = {generation: [] for generation in noted}
        for group in self.training_pictures(n).groups(evolution.lanes):
            for generation, population in enumerate(one_layer(search, point.layer, *group)):
                if generation in best:
                    best[generation].append(population.values.amax(0))
        losses = {generation: -torch.cat(values).double() for generation, values in best.items()}
        metrics = {f"{AFTER}{generation}": float(loss.mean()) for generation, loss in losses.items()}
        last = losses[noted[-1]]
        error = float(last.std() / len(last) ** 0.5) if len(last) > 1 else 0.0
        return metrics | {"cross_entropy": float(last.mean()), "standard_error": error}

    def draw(self, results: Sequence[Measured]) -> Figure:
        figure, (left, right) = panels(2)
        for layer in sorted({one.genes["layer"] for one in results}):
            of_layer = sorted((one for one in results if one.genes["layer"] == layer), key=_population)
            sizes = [_population(one) for one in of_layer]
            losses = [one.evaluation.metrics["cross_entropy"] for one in of_layer]
            errors = [one.evaluation.metrics["standard_error"] for one in of_layer]
            left.errorbar(sizes, losses, errors, marker="o", capsize=2, label=f"block {layer}")
            curve = {
                int(name.removeprefix(AFTER)): value
                for name, value in of_layer[-1].evaluation.metrics.items()
                if name.startswith(AFTER)
            }
            right.plot(list(curve), list(curve.values()), marker="o", label=f"block {layer}")
        left.set_xscale("log", base=2)
        populations = sorted({_population(one) for one in results})
        left.set_xticks(populations, [str(one) for one in populations])
        left.minorticks_off()
        left.set(xlabel="population", ylabel="cross-entropy, mean over images", title="Over population")
        right.set_xscale("symlog", linthresh=1)
        right.xaxis.set_major_formatter("{x:g}")
        largest = max(map(_population, results))
        right.set(xlabel="generations", title=f"Over generations, population {largest}")
        for axes in (left, right):
            axes.set_ylim(bottom=0)
            axes.legend()
        return figure


def milestones(generations: int) -> list[int]:
    """
    >>> milestones(30)
    [0, 1, 2, 5, 10, 20, 30]
    """
    series = [factor * 10**power for power in range(len(str(generations))) for factor in (1, 2, 5)]
    return [0, *(one for one in series if one < generations), *([generations] if generations else [])]


def _population(one: Measured) -> int:
    population: int = one.genes["population"]
    return population

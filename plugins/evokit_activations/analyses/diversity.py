"""Effective number of solutions against the number of independent runs (figure 3)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from evokit.common.figures import panels
from evokit.interfaces import Goal, Measured
from evokit.tensor_population import take, top_k
from evokit_activations.analyses.measures import cosine_gram, effective_number
from evokit_activations.analyses.options import DiversityPoint
from evokit_activations.analyses.points import SearchAnalysis, one_layer, refuse_other_blocks
from evokit_activations.layerwise.search import LayerwiseSearch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SOLVED = math.log(0.5)
"""Log-likelihood of the label above which a run's best is a solution. Source: 3.2, Diversity scaling."""
N_EFF, N_EFF_ALL = "n_eff_of_", "n_eff_all_of_"  # so many runs


class DiversityAnalysis(SearchAnalysis):
    """How different the best of independent runs are, image by image."""

    point = DiversityPoint
    objectives: ClassVar[Mapping[str, Goal]] = {"n_eff": "max"}

    def accept(self, point: Mapping[str, Any]) -> Any:
        accepted = super().accept(point)
        refuse_other_blocks(accepted.layer, self.task)
        return accepted

    def measure(self, point: DiversityPoint, n: int) -> dict[str, float]:
        search = LayerwiseSearch(self.task.untrained, self.options.evolution, self.options.tensors)
        found = [self._best(search, point.layer, n, run) for run in range(self.options.runs)]
        solutions = torch.stack([genes.flatten(1) for genes, _ in found], 1)  # (n, runs, d)
        solved = torch.stack([values > SOLVED for _, values in found], 1)
        metrics = growth(solutions, solved)
        return metrics | {"n_eff": metrics[f"{N_EFF}{self.options.runs}"], "solved": float(solved.double().mean())}

    def draw(self, results: Sequence[Measured]) -> Figure:
        figure, (axes,) = panels(1)
        for number, one in enumerate(sorted(results, key=lambda one: int(one.genes["layer"]))):
            metrics, name = one.evaluation.metrics, f"block {one.genes['layer']}"
            for prefix, line in ((N_EFF, "o-"), (N_EFF_ALL, ":")):
                values = [metrics[f"{prefix}{k}"] for k in range(1, self.options.runs + 1)]
                label = f"{name}, {metrics['solved']:.0%} solved" if prefix == N_EFF else None
                axes.plot(range(1, len(values) + 1), values, line, color=f"C{number}", label=label)
        axes.set(xlabel="independent runs", ylabel="effective number of solutions", ylim=(0, None))
        axes.set_title("dotted: all runs, solved or not", fontsize="medium")
        axes.legend()
        return figure

    def _best(self, search: LayerwiseSearch, layer: int, n: int, run: int) -> tuple[Tensor, Tensor]:
        """``(n, ...)`` best representation of each image, and ``(n,)`` its value."""
        genes, values = [], []
        for group in self.training_pictures(n, run).groups(self.options.evolution.lanes):
            last = deque(one_layer(search, layer, *group), maxlen=1).pop()
            best = top_k(last.values, 1)
            genes.append(take(last.genes, best)[0])
            values.append(take(last.values, best)[0])
        return torch.cat(genes), torch.cat(values)


def growth(solutions: Tensor, solved: Tensor) -> dict[str, float]:
    """Effective number of the first 1, 2, ... runs, mean over images: of those that are solutions, and of all.

    Args:
        solutions: ``(n, runs, d)``.
        solved: ``(n, runs)`` bool. An image without a solution counts as 0.
    """
    gram, metrics = cosine_gram(solutions), {}
    for k in range(1, solved.shape[1] + 1):
        first = gram[:, :k, :k]
        metrics[f"{N_EFF}{k}"] = float(effective_number(first, solved[:, :k]).mean())
        metrics[f"{N_EFF_ALL}{k}"] = float(effective_number(first, torch.ones_like(solved[:, :k])).mean())
    return metrics

"""How representations of validation images move during training (figures 5, 6 and 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from evokit.common.figures import panels
from evokit.interfaces import Context, Goal, Measured
from evokit_activations.analyses.measures import class_pairs, collision_entropy, cosine_distance, cosine_gram
from evokit_activations.analyses.models import begin_training, in_memory, label_objective, the_setting
from evokit_activations.analyses.options import Trajectories, TrajectoryPoint
from evokit_activations.analyses.points import Pictures, SearchAnalysis, searched
from evokit_activations.models import TrainedNetwork, trained_network
from evokit_activations.networks.objectives import Objective
from evokit_activations.targets.objective import target_objective

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAID = {"targets": "learns targets", "labels": "learns labels (SGD)"}
CURVES = {"distance": {"distance": "-"}, "entropy": {"within": "-", "between": "--"}}


class TrajectoryAnalysis(SearchAnalysis):
    """One training, with its blocks' outputs for all validation images every few epochs."""

    point = TrajectoryPoint
    objectives: ClassVar[Mapping[str, Goal]] = {"accuracy": "max"}

    def __init__(self, options: Trajectories, context: Context) -> None:
        super().__init__(options, context)
        self._settings = {name: the_setting(name, getattr(options, name)) for name in ("learn", "sgd")}

    def measure(self, point: TrajectoryPoint, n: int) -> dict[str, float]:
        task, options = self.task, self.options
        setting = self._settings["learn" if point.learn_from == "targets" else "sgd"]
        objective: Objective = label_objective(task, n)
        if point.learn_from == "targets":
            layers = searched(task, options.evolution, options.tensors, self.training_pictures(n))
            objective = target_objective(task, self.options.tensors, in_memory(task, layers), setting)
        noted = self._distances() if options.shows == "distance" else self._entropies()
        metrics, epochs = {}, options.training.epochs
        training = begin_training(task, objective, setting, point.seed)
        for epoch in sorted({*range(0, epochs, options.every), epochs}):
            training.advance(epoch)
            network = trained_network(task, training, setting)
            for block, representation in enumerate(outputs(network, task.validation.tensors(task.device)[0])):
                for name, value in noted(block, representation).items():
                    metrics[f"{name}_block{block}_epoch{epoch}"] = value
        return metrics | {"accuracy": float(network.correct(task.validation).mean())}

    def draw(self, results: Sequence[Measured]) -> Figure:
        blocks = self.task.shape.blocks
        figure, all_axes = panels(len(blocks))
        for block, axes in zip(blocks, all_axes, strict=True):
            for number, way in enumerate(SAID):
                for name, line in CURVES[self.options.shows].items():
                    curve = mean_curve(
                        [one for one in results if one.genes["learn_from"] == way], f"{name}_block{block}_epoch"
                    )
                    label = SAID[way] if name == "distance" else f"{SAID[way]}, {name} classes"
                    axes.plot(list(curve), list(curve.values()), line, color=f"C{number}", label=label)
            axes.set(xlabel="epoch", title=f"Block {block}", ylim=(0, 1 if self.options.shows == "distance" else None))
            axes.locator_params(axis="x", integer=True)
        what = "cosine distance to searched targets" if self.options.shows == "distance" else "collision entropy"
        all_axes[0].set_ylabel(what)
        all_axes[0].legend(fontsize="small", loc="upper right" if self.options.shows == "distance" else "best")
        return figure

    def _distances(self) -> Any:
        """Cosine distance to what a search finds for the validation images."""
        task, options = self.task, self.options
        images, labels = task.validation.tensors(task.device)
        pictures = Pictures(task.normalised(images), labels, task.streams.at("analysis", "validation"))
        targets = searched(task, options.evolution, options.tensors, pictures)
        return lambda block, x: {"distance": float(cosine_distance(x, targets[block]).mean())}

    def _entropies(self) -> Any:
        """Collision entropy within and between classes."""
        labels = self.task.validation.tensors(self.task.device)[1]
        within, between = class_pairs(labels)

        def entropies(block: int, x: Tensor) -> dict[str, float]:
            gram = cosine_gram(x.flatten(1))
            return {"within": collision_entropy(gram, within), "between": collision_entropy(gram, between)}

        return entropies


@torch.inference_mode()
def outputs(network: TrainedNetwork, images: Tensor) -> list[Tensor]:
    """``(n, height, width, channels)`` of each block, of ``(n, h, w, c)`` uint8 images."""
    pieces = [network.forward(piece)[0] for piece in network.pixels(images)]
    return [torch.cat(block).permute(0, 2, 3, 1) for block in zip(*pieces, strict=True)]


def mean_curve(results: Sequence[Measured], prefix: str) -> dict[int, float]:
    """Mean over results of the metrics that begin with ``prefix``, by the number that follows."""
    curves: dict[int, list[float]] = {}
    for one in results:
        for name, value in one.evaluation.metrics.items():
            if name.startswith(prefix):
                curves.setdefault(int(name.removeprefix(prefix)), []).append(value)
    return {epoch: sum(values) / len(values) for epoch, values in sorted(curves.items())}

"""How representations of validation images move during training (figures 5, 6 and 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from evokit.common.figures import panels
from evokit.data.image_batches import normalised
from evokit.interfaces import Context, Goal, Measured
from evokit_activations.analyses.measures import class_pairs, collision_entropy, cosine_distance, cosine_gram
from evokit_activations.analyses.models import held, of_labels, settings, training
from evokit_activations.analyses.options import Trajectories, TrajectoryPoint
from evokit_activations.analyses.points import Analysis, Pictures, searched
from evokit_activations.final import of_targets
from evokit_activations.models import Network, finished_network
from evokit_activations.networks.network import forward
from evokit_activations.networks.task import CHUNK, Material, build_material

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SAID = {"targets": "learns targets", "labels": "learns labels (SGD)"}
CURVES = {"distance": {"distance": "-"}, "entropy": {"within": "-", "between": "--"}}


class TrajectoryAnalysis(Analysis):
    """One training, with its blocks' outputs for all validation images every few epochs."""

    point = TrajectoryPoint
    objectives: ClassVar[Mapping[str, Goal]] = {"accuracy": "max"}

    def __init__(self, options: Trajectories, material: Material) -> None:
        super().__init__(options, material)
        for name, one in (("learn", options.learn), ("sgd", options.sgd)):
            if len(settings(one)) != 1:
                raise ValueError(f"{name}: a trajectory is that of one setting; give each list one value")

    def measure(self, point: TrajectoryPoint, n: int) -> dict[str, float]:
        material, options = self.material, self.options
        (setting,) = settings(options.learn if point.learn_from == "targets" else options.sgd)
        objective = of_labels(material, n)
        if point.learn_from == "targets":
            layers = searched(material, options.evolution, options.tensors, self.training_pictures(n))
            objective = of_targets(material, self.options.tensors, held(material, layers), setting)
        noted = self._distances() if options.shows == "distance" else self._entropies()
        student, metrics, epochs = training(material, objective, setting, point.seed), {}, options.training.epochs
        for epoch in sorted({*range(0, epochs, options.every), epochs}):
            student.advance(epoch)
            network = finished_network(material, student, setting)
            for block, representation in enumerate(outputs(network, material.validation.tensors(material.device)[0])):
                for name, value in noted(block, representation).items():
                    metrics[f"{name}_block{block}_epoch{epoch}"] = value
        return metrics | {"accuracy": float(network.correct(material.validation).mean())}

    def draw(self, results: Sequence[Measured]) -> Figure:
        blocks = self.material.shape.blocks
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
        material, options = self.material, self.options
        images, labels = material.validation.tensors(material.device)
        pictures = Pictures(material.normalised(images), labels, material.streams.at("analysis", "validation"))
        targets = searched(material, options.evolution, options.tensors, pictures)
        return lambda block, x: {"distance": float(cosine_distance(x, targets[block]).mean())}

    def _entropies(self) -> Any:
        """Collision entropy within and between classes."""
        labels = self.material.validation.tensors(self.material.device)[1]
        within, between = class_pairs(labels)

        def entropies(block: int, x: Tensor) -> dict[str, float]:
            gram = cosine_gram(x.flatten(1))
            return {"within": collision_entropy(gram, within), "between": collision_entropy(gram, between)}

        return entropies


@torch.inference_mode()
def outputs(network: Network, images: Tensor) -> list[Tensor]:
    """``(n, height, width, channels)`` of each block, of ``(n, h, w, c)`` uint8 images."""
    pixels = normalised(images, network.mean, network.std, channels_last=True)
    pieces = [
        forward(network.shape, network.parameters, piece, network.statistics)[0] for piece in torch.split(pixels, CHUNK)
    ]
    return [torch.cat(block).permute(0, 2, 3, 1) for block in zip(*pieces, strict=True)]


def mean_curve(results: Sequence[Measured], prefix: str) -> dict[int, float]:
    """Mean over results of the metrics that begin with ``prefix``, by the number that follows."""
    curves: dict[int, list[float]] = {}
    for one in results:
        for name, value in one.evaluation.metrics.items():
            if name.startswith(prefix):
                curves.setdefault(int(name.removeprefix(prefix)), []).append(value)
    return {epoch: sum(values) / len(values) for epoch, values in sorted(curves.items())}


def build(options: Trajectories, context: Context) -> TrajectoryAnalysis:
    """The analysis of a run."""
    return TrajectoryAnalysis(options, build_material(options, context))

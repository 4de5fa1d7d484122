"""The targets that a geometry says: of classes, and of images that keep a share of their own activations."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from evokit.streams import Streams
from evokit_activations.geometry.class_geometry import ClassGeometry
from evokit_activations.layerwise.operators import normalise
from evokit_activations.networks.frozen import CHUNK
from evokit_activations.networks.objectives import Representations
from evokit_activations.networks.task import ImageTask
from evokit_activations.targets.averages import class_means
from evokit_activations.targets.class_codes import UntrainedActivations, class_codes, mean_activations

STARTS = 4  # of k-means, the best of which is taken


@dataclass(frozen=True)
class Clusters:
    """Images of each class, grouped by what the untrained network makes of them.

    Args:
        of: ``(images,)`` int64, the cluster of each image.
        classes: ``(clusters,)`` int64, the class of each cluster.
        means: ``(clusters, height, width, channels)`` of each block, as the means of classes are.
    """

    of: Tensor
    classes: Tensor
    means: Sequence[Tensor]


class Ingredients:
    """What all geometries are made of on the training images of one task.

    Args:
        task: Whose images alone are looked at.
        smoothing: 3x3 average poolings of each block's codes; empty is half the size of its maps.
        coding: Decides the codes; the task's streams if it is None.
    """

    def __init__(self, task: ImageTask, smoothing: Sequence[int], coding: Streams | None = None) -> None:
        self.task, self._coding = task, coding or task.streams
        self._smoothing = smoothing or [height // 2 for height, _, _ in task.shape.maps]
        self._clusters: dict[int, Clusters] = {}

    @cached_property
    def means(self) -> list[Tensor]:
        """``(classes, height, width, channels)`` of each block: the mean over each class's images, normalised."""
        return mean_activations(self.task)[:-1]

    @cached_property
    def codes(self) -> list[Tensor]:
        """In the same shapes, the same for all tasks with the same streams."""
        codes = class_codes(self.task.shape, self._smoothing, self._coding)[:-1]
        return [code.to(self.task.device) for code in codes]

    @cached_property
    def own(self) -> list[Tensor]:
        """``(images, height, width, channels)`` of each block: what the untrained network makes of each image."""
        activations = UntrainedActivations(self.task)
        pieces = [activations.rows(indices)[:-1] for indices in torch.split(activations.images, CHUNK)]
        return [normalise(torch.cat(block)) for block in zip(*pieces, strict=True)]

    def clusters(self, n: int) -> Clusters:
        """``n`` of each class, or as many as it has images, found by k-means in the last block."""
        if n not in self._clusters:
            labels, last = self.task.labels.cpu().numpy(), self.own[-1].flatten(1).double().cpu().numpy()
            numbers, classes = np.zeros(len(labels), np.int64), list[int]()
            for label in np.unique(labels):
                members = np.flatnonzero(labels == label)
                found = _clustered(last[members], min(n, len(members)), self.task.streams.at("clusters", n, int(label)))
                numbers[members] = len(classes) + found
                classes += [int(label)] * (int(found.max()) + 1)
            of = torch.from_numpy(numbers)
            *means, _ = class_means(UntrainedActivations(self.task), of, len(classes))
            self._clusters[n] = Clusters(of, torch.tensor(classes), [normalise(one) for one in means])
        return self._clusters[n]

    def objective(self, geometry: ClassGeometry) -> Representations:
        """What a network minimises that learns the targets of a geometry."""
        targets = GeometryTargets(self, geometry)
        return Representations(targets, geometry.kl, geometry.loss_weight, self.task.options.training.augment)


class GeometryTargets:
    """The targets of each training image.

    Args:
        ingredients: What they are made of.
        geometry: How.
    """

    def __init__(self, ingredients: Ingredients, geometry: ClassGeometry) -> None:
        self.ingredients, self.geometry = ingredients, geometry
        self.blocks = class_targets(geometry, ingredients.means, ingredients.codes)
        self.logits = class_logits(geometry, self.blocks[-1])
        self._shared, self._of = self.blocks, ingredients.task.labels  # and which of them each image has
        if any(geometry.cluster_share):
            clusters = ingredients.clusters(geometry.clusters)
            self._shared, self._of = cluster_targets(geometry, ingredients, clusters), clusters.of

    @property
    def images(self) -> Tensor:
        """All."""
        return torch.arange(len(self.ingredients.task.labels))

    def rows(self, indices: Tensor) -> list[Tensor]:
        """As of any targets."""
        rows = []
        for block, (targets, share) in enumerate(zip(self._shared, self.geometry.own_share, strict=True)):
            target = targets[self._of[indices]]
            if share:
                target = normalise((1 - share) * target + share * self.ingredients.own[block][indices])
            rows.append(target)
        return [*rows, self.logits[self.ingredients.task.labels[indices]]]


def _clustered(rows: np.ndarray, n: int, streams: Streams) -> np.ndarray:
    """``(rows,)`` int64: which of ``n`` clusters each is in, from 0 on without a gap."""
    from sklearn.cluster import KMeans  # takes a while
    from sklearn.exceptions import ConvergenceWarning

    model = KMeans(n, n_init=STARTS, random_state=int(streams.numpy().integers(2**31)))
    with threadpool_limits(1), warnings.catch_warnings():  # sums split in other ways differ
        warnings.simplefilter("ignore", ConvergenceWarning)  # of rows that are the same
        found = model.fit_predict(rows)
    return np.unique(found, return_inverse=True)[1]


def class_targets(geometry: ClassGeometry, means: Sequence[Tensor], codes: Sequence[Tensor]) -> list[Tensor]:
    """``(classes, height, width, channels)`` of each block, normalised.

    Args:
        geometry: With a number for each block.
        means: ``(classes, ...)`` of each block, normalised.
        codes: Likewise.
    """
    return _mixed(geometry, means, _common(means), codes)


def cluster_targets(geometry: ClassGeometry, ingredients: Ingredients, clusters: Clusters) -> list[Tensor]:
    """``(clusters, height, width, channels)`` of each block, normalised: those of the class, moved to the cluster."""
    shares, of = geometry.cluster_share, clusters.classes
    moved = [
        (1 - share) * mean[of] + share * cluster
        for share, mean, cluster in zip(shares, ingredients.means, clusters.means, strict=True)
    ]
    return _mixed(geometry, moved, _common(ingredients.means), [code[of] for code in ingredients.codes])


def _common(means: Sequence[Tensor]) -> list[Tensor]:
    """What all classes have in common."""
    return [mean.mean(0, keepdim=True) for mean in means]


def _mixed(
    geometry: ClassGeometry, means: Sequence[Tensor], common: Sequence[Tensor], codes: Sequence[Tensor]
) -> list[Tensor]:
    """Means without a share of what is common, and their codes."""
    targets = []
    shares = zip(geometry.mean_share, geometry.centring, strict=True)
    for (share, centring), mean, away, code in zip(shares, means, common, codes, strict=True):
        centred = normalise(mean - centring * away)
        targets.append(normalise(share * centred + (1 - share) * code))
    return targets


def class_logits(geometry: ClassGeometry, last: Tensor) -> Tensor:
    """``(classes, classes)`` logits of each class, around zero.

    Args:
        geometry: Its ``logit`` and ``confusion``.
        last: ``(classes, ...)`` targets of the last block, whose cosine is how alike two classes are.
    """
    flat = torch.nn.functional.normalize(last.flatten(1), dim=1)
    itself = torch.eye(len(last), device=last.device)
    logits = geometry.logit * (itself + geometry.confusion * (1 - itself) * (flat @ flat.T))
    return logits - logits.mean(1, keepdim=True)

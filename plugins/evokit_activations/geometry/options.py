"""What a recipe may say about evolving the geometry of class targets. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from annotated_types import Ge, Lt, MinLen

from evokit.options import Count, NonNegative, added, refuse_twice
from evokit_activations.geometry.class_geometry import KL, LR, Known
from evokit_activations.options import (
    Convolutions,
    Decays,
    Depths,
    Momenta,
    Momentum,
    Network,
    Rates,
    Schedule,
    Schedules,
    Sgd,
    Training,
)

GEOMETRY = "class_geometry"
LOGARITHMIC = ("logit", "lr", "kl")
AT_MOST_1 = ("mean_share", "centring", "own_share", "confusion", "cluster_share")

Bounds = tuple[NonNegative, NonNegative]
Smoothing = tuple[Annotated[int, Ge(0)], ...]
Seed = Literal["centre", Known]


@dataclass(frozen=True)
class GeometryGenome:
    """What class targets are made of, as named numbers; each option is the lowest and the highest value of one.

    One number for each block: ``mean_share``, how much of a class's target is the mean of its images' activations in
    the untrained network, the rest being a random smooth code of the class; ``centring``, how much of the mean over
    classes is taken from the means; ``own_share``, how much of an image's target is its own activation in the untrained
    network; ``loss_weight``. One number in all: ``logit`` of the class; ``confusion``, by how much the logits of others
    follow the likeness of their targets in the last block; ``lr``, the highest learning rate; ``kl``, the weight of the
    head's divergence. ``logit``, ``lr`` and ``kl`` count by factors. Two equal numbers fix a value.

    ``clusters`` into which the images of a class fall, by k-means on what the untrained network's last block makes of
    them, and for each block ``cluster_share``, how much of the class's mean that of the image's cluster takes the place
    of, give a class several targets.

    The code of a class is one for a whole run: the same for all networks, folds and individuals, so that a geometry
    names its targets, and that of the control ``class_code``.

    ``seeds`` are known points for searches that begin with such, moved into the bounds: the ``centre`` of the bounds,
    where ``cma`` begins, class means, codes, and ``hand``, centred class means with codes in the last block.

    Raises:
        ValueError: A lower bound is above its upper one, a share may be above 1, clusters have no share or there are
            none that could have one, or nothing is free.
    """

    mean_share: Bounds = (0.0, 1.0)
    centring: Bounds = (0.0, 1.0)
    own_share: Bounds = (0.0, 0.3)
    loss_weight: Bounds = (0.0, 2.0)
    logit: Bounds = (1.0, 25.0)
    confusion: Bounds = (0.0, 0.3)
    lr: Bounds = (0.75, 12.0)
    kl: Bounds = (0.003, 0.3)
    clusters: tuple[Count, Count] = added((1, 1))
    cluster_share: Bounds = added((0.0, 0.0))  # noqa: RUF009  # what it returns is a field, no value
    seeds: tuple[Seed, ...] = ("centre", "class_mean", "class_code", "hand")

    genes: ClassVar[str] = "space"
    own_operators: ClassVar[bool] = True
    phenotype: ClassVar[str] = GEOMETRY

    def __post_init__(self) -> None:
        refuse_twice("seeds", self.seeds)
        for name, (low, high) in self.bounds.items():
            if low > high:
                raise ValueError(f"{name}: must be the lowest and the highest value, got [{low:g}, {high:g}]")
            if name in AT_MOST_1 and high > 1:
                raise ValueError(f"{name}: is a share, at most 1, got {high:g}")
            if name in LOGARITHMIC and not low:
                raise ValueError(f"{name}: counts by factors, so that its lowest value must be above 0")
        if all(low == high for low, high in self.bounds.values()):
            raise ValueError("nothing is free: give one option two different bounds")
        if (self.clusters[1] > 1) != (self.cluster_share[1] > 0):
            raise ValueError("clusters: more than one and a cluster_share above 0 go together; give both, or neither")

    @property
    def bounds(self) -> dict[str, tuple[float, float]]:
        """By name."""
        names = ("mean_share", "centring", "own_share", "loss_weight", "logit", "confusion", "lr", "kl")
        return {name: getattr(self, name) for name in (*names, "clusters", "cluster_share")}


@dataclass(frozen=True)
class Rung:
    """A cheaper budget: trainings over fewer ``epochs``, with their whole schedule, or on the first ``folds`` alone."""

    epochs: Count | None = None
    folds: Count | None = None


def refuse_other_smoothing(smoothing: Smoothing, model: Network) -> None:
    """Raises ``ValueError`` if there is smoothing, and not for each of the network's blocks."""
    if smoothing and len(smoothing) != len(model.channels):
        raise ValueError(f"smoothing: must have a number for each of {len(model.channels)} blocks, or be empty")


class Level(NamedTuple):
    """What a budget trains: a network for each of the first ``folds``, for ``epochs``."""

    epochs: int
    folds: int


@dataclass(frozen=True)
class HeldOutAccuracy:
    """Share of held-out training images that networks classify right which learned class targets, mean over folds.

    The training images are cut into ``folds``, each class by its share. For each fold a network of ``model`` learns the
    targets for ``epochs`` from the images of the others, ``images`` of them if it is given, and is measured on the
    fold. All that it knows comes from the images that it learns: class means, statistics of normalisation, the
    whitening layer. Validation images decide nothing here.

    ``epochs`` and ``rungs`` are of trainings with a whole schedule each. Work is counted in images that trainings saw.
    Under ``confirm`` and ``search.reevaluate`` folds, network starts and batches are others; untrained network and
    codes stay, as targets are made of them. ``training`` is how long and in which batches contenders train; batches
    and augmentation are the search's too. ``smoothing`` is the number of 3x3 average poolings of each block's codes,
    half the size of its maps if empty.

    ``held_out: validation`` makes an oracle of it, which tells how much room there is and is no honest method: as many
    networks as there are ``folds``, which differ in starts and batches, learn all training images and are measured on
    the official validation images. What it finds has seen them, so that its validation values are optimistic and
    only test values compare.
    """

    takes: ClassVar[frozenset[str]] = frozenset({GEOMETRY})
    objectives: ClassVar[tuple[str, ...]] = ("accuracy",)

    model: Network = field(default_factory=lambda: Network(normalise=True))
    training: Training = field(default_factory=Training)
    folds: Annotated[int, Ge(2)] = 3
    images: Count | None = None
    epochs: Count = 10
    rungs: tuple[Rung, ...] = ()
    momentum: Momentum = 0.85
    weight_decay: NonNegative = 0.0
    schedule: Schedule = "one_cycle"
    smoothing: Smoothing = ()
    held_out: Literal["folds", "validation"] = added("folds")

    def __post_init__(self) -> None:
        refuse_other_smoothing(self.smoothing, self.model)
        if self.images is not None and self.held_out == "validation":
            raise ValueError("images: is of folds; with held_out validation networks learn all training images")
        for lower, higher in pairwise(self.ladder):
            if lower.folds > higher.folds or lower.epochs > higher.epochs or lower == higher:
                raise ValueError("rungs: must ascend and stay below epochs and folds of the full budget")

    @property
    def ladder(self) -> list[Level]:
        """What each budget trains, the last is full."""
        lower = [Level(rung.epochs or self.epochs, rung.folds or self.folds) for rung in self.rungs]
        return [*lower, Level(self.epochs, self.folds)]

    @property
    def setting(self) -> dict[str, Any]:
        """What every network of the search is trained with, beside its rate."""
        return {name: getattr(self, name) for name in ("momentum", "weight_decay", "schedule")}

    @property
    def convolutions(self) -> Convolutions:
        """In a block of the search's networks."""
        return self.model.convolutions


@dataclass(frozen=True)
class LearnGeometry:
    """Networks that learn the champion's targets from all training images; options that are lists are tuned.

    ``lr_factor`` is by how much their learning rate is above the geometry's own.
    """

    convolutions: Depths = (2,)
    lr_factor: Rates = (1.0,)
    momentum: Momenta = (0.85,)
    weight_decay: Decays = (0.0,)
    schedule: Schedules = ("one_cycle",)


@dataclass(frozen=True)
class KnownTargets:
    """A known geometry, learned like the champion's with rates of its own; options that are lists are tuned."""

    known: ClassVar[Known]

    convolutions: Depths = (2,)
    lr: Rates = (LR,)
    kl: Rates = (KL,)
    momentum: Momenta = (0.85,)
    weight_decay: Decays = (0.0,)
    schedule: Schedules = ("one_cycle",)


@dataclass(frozen=True)
class ClassMeanTargets(KnownTargets):
    """Networks that learn the means of each class's activations in the untrained network: nothing was evolved."""

    known: ClassVar[Known] = "class_mean"


@dataclass(frozen=True)
class ClassCodeTargets(KnownTargets):
    """Networks that learn a fixed random code for each class and block: nothing was evolved, no image looked at."""

    known: ClassVar[Known] = "class_code"


@dataclass(frozen=True)
class HandGeometry(KnownTargets):
    """Networks that learn centred class means, in the last block codes: evolution's result as a rule of thumb."""

    known: ClassVar[Known] = "hand"


@dataclass(frozen=True)
class GeometryMap:
    """``figure.png`` and ``figure.svg``, in which classes lie as far apart as their targets, block by block.

    Above those of class means in the untrained network, below the evolved ones, before shares of clusters and of
    images' own activations; each class is the mean of its training images. ``values.csv`` has the cosine of each two
    classes' targets.
    """


Smoothings = Annotated[tuple[Annotated[float, Ge(0), Lt(1)], ...], MinLen(1)]


@dataclass(frozen=True)
class SmoothedSgd(Sgd):
    """Networks trained with cross-entropy through the whole network; all combinations of the lists are tuned.

    ``label_smoothing`` is the share of a label that all classes get alike.
    """

    convolutions: Depths = (2,)
    label_smoothing: Smoothings = (0.0,)

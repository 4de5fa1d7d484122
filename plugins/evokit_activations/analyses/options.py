"""What a recipe may say about an analysis. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from evokit.options import Count, Positive
from evokit_activations.genome import ActivationTensors
from evokit_activations.geometry.options import (
    ClassCodeTargets,
    ClassMeanTargets,
    HandGeometry,
    LearnGeometry,
    SmoothedSgd,
    Smoothing,
    refuse_other_smoothing,
)
from evokit_activations.options import Evolution, LabelLikelihood, LearnTargets, Logits, Network, Sgd, Training

LearnFrom = Literal["searches", "one_search", "unselected", "first_generation", "class_code", "class_mean", "labels"]
LearnGeometries = Literal["geometries", "one_geometry", "class_code", "class_mean", "hand_geometry", "labels"]
Without = Literal["nothing", "image_selection", "smoothing", "normalisation", "explorers"]


@dataclass(frozen=True)
class Analysed(LabelLikelihood):
    """What all analyses share."""

    takes: ClassVar[frozenset[str]] = frozenset({"point"})

    tensors: ActivationTensors = field(default_factory=ActivationTensors)
    evolution: Evolution = field(default_factory=Evolution)


@dataclass(frozen=True)
class ScalingPoint:
    """A block, searched alone by a population of that size, in the shares of parents and children of ``evolution``."""

    layer: Annotated[int, Ge(0)]
    population: Count


@dataclass(frozen=True)
class Scaling(Analysed):
    """Cross-entropy against population and generations when one block is searched alone (the paper's figure 2).

    Points have a ``layer`` and a ``population``; each block's generations are those of ``evolution.layers``, and the
    cross-entropy of the best is noted after 1, 2, 5, 10, ... of them.
    """

    objectives: ClassVar[tuple[str, ...]] = ("cross_entropy",)


@dataclass(frozen=True)
class DiversityPoint:
    """A block, searched alone."""

    layer: Annotated[int, Ge(0)]


@dataclass(frozen=True)
class Diversity(Analysed):
    """Effective number of solutions against the number of independent ``runs`` (the paper's figure 3).

    Points have a ``layer``, which is searched alone. The best of a run is a solution if the label's probability is
    above one half; ``n_eff`` is the mean over images, one without a solution counting as 0; ``n_eff_all`` is that of
    all runs, solution or not.
    """

    objectives: ClassVar[tuple[str, ...]] = ("n_eff",)
    runs: Count = 8


@dataclass(frozen=True)
class LearningPoint:
    """What networks learn from, and how that was searched."""

    learn_from: LearnFrom = "searches"
    without: Without = "nothing"
    population: Count | None = None
    generations: Positive = 1.0
    average: Literal["none", "class"] | None = None
    logits: Logits | None = None


@dataclass(frozen=True)
class Learning(Analysed):
    """Validation accuracy of networks that learn what was searched (the paper's figure 4, and ablations).

    A point may have a ``population`` and ``generations``, a factor of every layer's schedule; ``without`` one part of
    the method: ``image_selection``, ``smoothing``, ``normalisation``, ``explorers``; and what networks ``learn_from``:
    targets of independent ``searches``, one for each network; of ``one_search`` for all; of searches ``unselected``,
    their parents drawn at random; of the ``first_generation``; a ``class_code`` or ``class_mean``; or the ``labels`` by
    SGD. ``average`` and ``logits`` replace those of ``learn``. ``runs`` networks are trained, alone and as an
    ensemble whose probabilities are averaged; of several settings in ``learn`` or ``sgd`` the one that is best on
    validation is taken, for each point anew. The test split is not opened.
    """

    objectives: ClassVar[tuple[str, ...]] = ("accuracy",)
    runs: Count = 2
    shows: Literal["compute", "ablation", "ensembles"] = "compute"
    learn: LearnTargets = field(default_factory=LearnTargets)
    sgd: Sgd = field(default_factory=Sgd)


@dataclass(frozen=True)
class TrajectoryPoint:
    """How a network is trained, and with which seed."""

    learn_from: Literal["targets", "labels"]
    seed: int = 0


@dataclass(frozen=True)
class Trajectories(Analysed):
    """How representations of validation images move while a network is trained (the paper's figures 5, 6 and 7).

    Points have ``learn_from: targets`` or ``labels`` (SGD) and perhaps a ``seed``. Every so many epochs, ``shows:
    distance`` notes each block's cosine distance to the targets that a search finds for the validation images, whose
    labels that search reads and nothing else does; ``entropy`` notes the collision entropy within and between classes.
    """

    objectives: ClassVar[tuple[str, ...]] = ("accuracy",)
    shows: Literal["distance", "entropy"] = "distance"
    every: Count = 1
    learn: LearnTargets = field(default_factory=LearnTargets)
    sgd: Sgd = field(default_factory=lambda: Sgd(convolutions=(2,)))


@dataclass(frozen=True)
class GeometryPoint:
    """What the networks of an ensemble learn, and whether each has other random codes of the classes."""

    learn_from: LearnGeometries
    codes: Literal["own", "one"] = "own"


@dataclass(frozen=True)
class GeometryEnsembles:
    """Ensembles of networks that learned geometries of class targets, alone and with their probabilities averaged.

    ``evolved`` is the directory of a finished run that evolved genome ``class_geometry``, whose ``repeats`` bring a
    geometry each, at least as many as ``networks``; it is read whenever this run is, and must stay. An oracle's, which
    were evolved on validation images, are refused. All networks learn the same training images in as many epochs, and
    are measured on the validation images; the test split is not opened.

    Points say what networks ``learn_from``: another of the ``geometries`` each; all ``one_geometry``; a ``class_code``,
    a ``class_mean`` or ``hand_geometry``; or the ``labels`` by SGD. With ``codes: own`` each network has other random
    codes of the classes, with ``one`` those of an ensemble are the same, so that it is seen what diversity of codes is
    worth, and what that of geometries. Untrained network and codes are of this run, and none is what a geometry was
    evolved with.

    Each of ``ensembles`` has seeds of its own, and begins with the next of the geometries, which is that of
    ``one_geometry``; what is noted is the mean over them: ``accuracy``, ``nll`` and expected calibration error
    (``ece``) of networks alone; ``ensemble_of_K`` (accuracy of the first K), ``ensemble_nll`` and ``ensemble_ece`` of
    averaged probabilities; ``disagreement``. For each rival of ``against``, with the point's ``codes``,
    ``accuracy_less_RIVAL`` and ``nll_less_RIVAL`` are what the point's ensembles are ahead, with the ends of 95 %
    intervals (``_low``, ``_high``), paired, over images and ensembles: they speak of these geometries, and are not
    corrected for the number of rivals.

    ``geometry``, ``class_code``, ``class_mean``, ``hand_geometry`` and ``sgd`` say how networks are trained, as finals
    and baselines of ``held_out_accuracy``, one value for each: what its runs tune. Work is counted in images that the
    point's own networks saw.
    """

    takes: ClassVar[frozenset[str]] = frozenset({"point"})
    objectives: ClassVar[tuple[str, ...]] = ("accuracy",)

    evolved: Path
    model: Network = field(default_factory=lambda: Network(normalise=True))
    training: Training = field(default_factory=Training)
    smoothing: Smoothing = ()
    networks: Annotated[int, Ge(2)] = 5
    ensembles: Count = 1
    against: tuple[LearnGeometries, ...] = ("labels",)
    geometry: LearnGeometry = field(default_factory=LearnGeometry)
    class_code: ClassCodeTargets = field(default_factory=ClassCodeTargets)
    class_mean: ClassMeanTargets = field(default_factory=ClassMeanTargets)
    hand_geometry: HandGeometry = field(default_factory=HandGeometry)
    sgd: SmoothedSgd = field(default_factory=SmoothedSgd)

    def __post_init__(self) -> None:
        refuse_other_smoothing(self.smoothing, self.model)


@dataclass(frozen=True)
class FigureFiles:
    """The figure of an analysis as ``figure.png`` and ``figure.svg``, and the values behind it as ``values.csv``."""

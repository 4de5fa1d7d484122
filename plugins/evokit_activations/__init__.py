"""Searching representations of images by evolution, and networks that learn to produce them."""

from __future__ import annotations

from evokit.hookspecs import hookimpl
from evokit.interfaces import Component
from evokit_activations.analyses.options import Diversity, FigureFiles, Learning, Scaling, Trajectories
from evokit_activations.genome import ActivationTensors
from evokit_activations.options import (
    ClassCode,
    ClassMean,
    FirstGeneration,
    FrozenBody,
    LabelLikelihood,
    Layerwise,
    LearnTargets,
    Sgd,
    TargetFiles,
    TorchNetwork,
    Unselected,
)

EXTRA = "neural"
FITNESS = "label_likelihood"
ANALYSES = {
    "search_scaling": Scaling,
    "search_diversity": Diversity,
    "learned_accuracy": Learning,
    "training_trajectories": Trajectories,
}


@hookimpl
def evokit_components() -> list[Component]:
    return [
        Component("genome", "activations", ActivationTensors, extra=EXTRA),
        Component("fitness", FITNESS, LabelLikelihood, extra=EXTRA),
        Component("search", "layerwise", Layerwise, extra=EXTRA),
        Component("final", "learn_targets", LearnTargets, fits=FITNESS, extra=EXTRA),
        Component("baseline", "sgd", Sgd, fits=FITNESS, extra=EXTRA),
        Component("baseline", "frozen_body", FrozenBody, fits=FITNESS, extra=EXTRA),
        *(
            Component("baseline", control.method, control, fits=FITNESS, extra=EXTRA)
            for control in (ClassCode, ClassMean, FirstGeneration, Unselected)
        ),
        Component("export", "torch_network", TorchNetwork, fits=FITNESS, extra=EXTRA),
        Component("export", "targets", TargetFiles, fits=FITNESS, extra=EXTRA),
        *(Component("fitness", name, analysis, extra=EXTRA) for name, analysis in ANALYSES.items()),
        *(Component("export", "figure", FigureFiles, fits=name, extra=EXTRA) for name in ANALYSES),
    ]

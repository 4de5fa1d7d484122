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
HERE = "evokit_activations"
ANALYSES = {
    "search_scaling": (Scaling, f"{HERE}.analyses.scaling:ScalingAnalysis"),
    "search_diversity": (Diversity, f"{HERE}.analyses.diversity:DiversityAnalysis"),
    "learned_accuracy": (Learning, f"{HERE}.analyses.learning:LearningAnalysis"),
    "training_trajectories": (Trajectories, f"{HERE}.analyses.trajectories:TrajectoryAnalysis"),
}


@hookimpl
def evokit_components() -> list[Component]:
    return [
        Component("genome", "activations", ActivationTensors, extra=EXTRA),
        Component("fitness", FITNESS, LabelLikelihood, extra=EXTRA, build=f"{HERE}.fitness:build_fitness"),
        Component("search", "layerwise", Layerwise, extra=EXTRA, build=f"{HERE}.shards.search:build_search"),
        Component("final", "learn_targets", LearnTargets, FITNESS, EXTRA, f"{HERE}.final:build_final"),
        Component("baseline", "sgd", Sgd, FITNESS, EXTRA, f"{HERE}.baselines:build_sgd"),
        Component("baseline", "frozen_body", FrozenBody, FITNESS, EXTRA, f"{HERE}.baselines:build_frozen_body"),
        *(
            Component("baseline", control.method, control, FITNESS, EXTRA, f"{HERE}.baselines:build_control")
            for control in (ClassCode, ClassMean, FirstGeneration, Unselected)
        ),
        Component("export", "torch_network", TorchNetwork, FITNESS, EXTRA, f"{HERE}.export:NetworkExport"),
        Component("export", "targets", TargetFiles, FITNESS, EXTRA, f"{HERE}.export:TargetExport"),
        *(Component("fitness", name, options, "", EXTRA, build) for name, (options, build) in ANALYSES.items()),
        *(
            Component("export", "figure", FigureFiles, name, EXTRA, f"{HERE}.analyses.figure:build_export")
            for name in ANALYSES
        ),
    ]

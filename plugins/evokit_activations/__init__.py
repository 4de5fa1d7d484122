"""Searching representations of images by evolution, and networks that learn to produce them."""

from __future__ import annotations

from evokit.facts import ReportFacts, ReportSection
from evokit.hookspecs import hookimpl
from evokit.interfaces import Component, Kind

LABELS = "label_likelihood"
HELD_OUT = "held_out_accuracy"
ANALYSES = {
    "search_scaling": ("Scaling", "scaling:ScalingAnalysis"),
    "search_diversity": ("Diversity", "diversity:DiversityAnalysis"),
    "learned_accuracy": ("Learning", "learning:LearningAnalysis"),
    "training_trajectories": ("Trajectories", "trajectories:TrajectoryAnalysis"),
    "geometry_ensembles": ("GeometryEnsembles", "geometries:GeometryAnalysis"),
}
CONTROLS = {
    "class_code": "ClassCode",
    "class_mean": "ClassMean",
    "first_generation": "FirstGeneration",
    "unselected": "Unselected",
}

KNOWN_TARGETS = {
    "class_code": "ClassCodeTargets",
    "class_mean": "ClassMeanTargets",
    "hand_geometry": "HandGeometry",
}


@hookimpl
def evokit_components() -> list[Component]:
    return [
        _offer("genome", "activations", "genome:ActivationTensors"),
        _offer("fitness", LABELS, "options:LabelLikelihood", "fitness:build_fitness"),
        _offer("search", "layerwise", "options:Layerwise", "shards.search:build_search"),
        _offer("final", "learn_targets", "options:LearnTargets", "final:build_champion", LABELS),
        _offer("baseline", "sgd", "options:Sgd", "baselines:build_sgd", LABELS),
        _offer("baseline", "frozen_body", "options:FrozenBody", "baselines:build_frozen_body", LABELS),
        *(
            _offer("baseline", name, f"options:{options}", "baselines:build_control", LABELS)
            for name, options in CONTROLS.items()
        ),
        _offer("export", "torch_network", "options:TorchNetwork", "export:NetworkExport", LABELS),
        _offer("export", "targets", "options:TargetFiles", "export:TargetExport", LABELS),
        _offer("genome", "class_geometry", "geometry.options:GeometryGenome", "geometry.genome:build_genome"),
        _offer("fitness", HELD_OUT, "geometry.options:HeldOutAccuracy", "geometry.fitness:build_fitness"),
        _offer(
            "final", "learn_geometry", "geometry.options:LearnGeometry", "geometry.contenders:build_champion", HELD_OUT
        ),
        _offer("baseline", "sgd", "geometry.options:SmoothedSgd", "baselines:build_sgd", HELD_OUT),
        *(
            _offer("baseline", name, f"geometry.options:{options}", "geometry.contenders:build_known", HELD_OUT)
            for name, options in KNOWN_TARGETS.items()
        ),
        _offer("export", "torch_network", "options:TorchNetwork", "export:NetworkExport", HELD_OUT),
        _offer("export", "geometry_map", "geometry.options:GeometryMap", "geometry.drawing:build_export", HELD_OUT),
        *(
            _offer("fitness", name, f"analyses.options:{options}", f"analyses.{build}")
            for name, (options, build) in ANALYSES.items()
        ),
        *(
            _offer("export", "figure", "analyses.options:FigureFiles", "analyses.figure:build_export", name)
            for name in ANALYSES
        ),
    ]


@hookimpl
def evokit_report_sections(report: ReportFacts) -> list[ReportSection]:
    best, name = report.summary["best"], report.recipe["fitness"]["name"].rpartition(":")[2]
    if best is None or name not in (LABELS, HELD_OUT, *ANALYSES):
        return []
    from evokit_activations.report import oracle_section, points_section, targets_section

    if name == LABELS:
        return targets_section(report.directory, best["genes"])
    return oracle_section(report.recipe["fitness"]) if name == HELD_OUT else points_section(report.directory)


def _offer(kind: Kind, name: str, options: str, build: str = "", fits: str = "") -> Component:
    """Both are imported when they are first needed."""
    return Component(kind, name, f"{__name__}.{options}", fits, "neural", build and f"{__name__}.{build}")

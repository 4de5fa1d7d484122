"""Optimizers evolved from primitive terms, measured by the networks that they train."""

from __future__ import annotations

from evokit.facts import ReportFacts, ReportSection
from evokit.hookspecs import hookimpl
from evokit.interfaces import Component, Kind

GENOME = "optimizer"
FITNESS = "trained_accuracy"
HORIZON = 100  # steps over which a schedule is drawn where the fitness does not tell
BASELINES = {
    "sgd": "Sgd",
    "adam": "Adam",
    "adamw": "AdamW",
    "nadam": "NAdam",
    "rmsprop": "RmsProp",
    "lion": "Lion",
    "muon": "Muon",
    "soap": "Soap",
}


@hookimpl
def evokit_components() -> list[Component]:
    return [
        _offer("genome", GENOME, "options:OptimizerGenome", "genome:build_genome"),
        _offer("genome", "optimizer_space", "options:OptimizerSpace", "genome:build_space"),
        _offer("fitness", FITNESS, "options:TrainedAccuracy", "fitness:build_fitness"),
        *(
            _offer("baseline", name, f"rivals:{options}", "baselines:build_tuned", FITNESS)
            for name, options in BASELINES.items()
        ),
        _offer("final", "train_fresh", "options:TrainFresh", "final:build_champion", FITNESS),
        _offer("export", "torch_optimizer", "options:TorchOptimizer", "export:build_export", FITNESS),
    ]


@hookimpl
def evokit_report_sections(report: ReportFacts) -> list[ReportSection]:
    best = report.summary["best"]
    if best is None or report.recipe["genome"]["name"] not in (GENOME, f"optimizers:{GENOME}"):
        return []
    from evokit_optimizers.report import rule_section

    return [rule_section(best["genes"], report.recipe["fitness"].get("steps", HORIZON))]


def _offer(kind: Kind, name: str, options: str, build: str, fits: str = "") -> Component:
    """Both are imported when they are first needed."""
    return Component(kind, name, f"{__name__}.{options}", fits, extra="neural", build=f"{__name__}.{build}")

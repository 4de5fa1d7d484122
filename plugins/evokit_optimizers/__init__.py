"""Optimizers evolved from primitive terms, measured by the networks that they train."""

from __future__ import annotations

from evokit.hookspecs import hookimpl
from evokit.interfaces import Component, Kind

FITNESS = "trained_accuracy"
BASELINES = {
    "sgd": "Sgd",
    "adam": "Adam",
    "adamw": "AdamW",
    "nadam": "NAdam",
    "rmsprop": "RmsProp",
    "lion": "Lion",
    "muon": "Muon",
}


@hookimpl
def evokit_components() -> list[Component]:
    return [
        _offer("genome", "optimizer", "options:OptimizerGenome", "genome:build_genome"),
        _offer("genome", "optimizer_space", "options:OptimizerSpace", "genome:build_space"),
        _offer("fitness", FITNESS, "options:TrainedAccuracy", "fitness:build_fitness"),
        *(
            _offer("baseline", name, f"options:{options}", "baselines:build_tuned", FITNESS)
            for name, options in BASELINES.items()
        ),
        _offer("final", "train_fresh", "options:TrainFresh", "final:build_champion", FITNESS),
        _offer("export", "torch_optimizer", "options:TorchOptimizer", "export:build_export", FITNESS),
    ]


def _offer(kind: Kind, name: str, options: str, build: str, fits: str = "") -> Component:
    """Both are imported when they are first needed."""
    return Component(kind, name, f"{__name__}.{options}", fits, extra="neural", build=f"{__name__}.{build}")

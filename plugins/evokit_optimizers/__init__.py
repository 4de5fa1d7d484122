"""Optimizers evolved from primitive terms, measured by the networks that they train."""

from __future__ import annotations

from evokit.hookspecs import hookimpl
from evokit.interfaces import Component, Kind
from evokit_optimizers.options import (
    Adam,
    AdamW,
    Lion,
    Muon,
    NAdam,
    OptimizerGenome,
    RmsProp,
    Sgd,
    TorchOptimizer,
    TrainedAccuracy,
    TrainFresh,
)

FITNESS = "trained_accuracy"


@hookimpl
def evokit_components() -> list[Component]:
    baselines = (Sgd, Adam, AdamW, NAdam, RmsProp, Lion, Muon)
    return [
        _offer("genome", "optimizer", OptimizerGenome, "genome:build_genome"),
        _offer("fitness", FITNESS, TrainedAccuracy, "fitness:build_fitness"),
        *(_offer("baseline", options.method, options, "baselines:build_tuned", FITNESS) for options in baselines),
        _offer("final", "train_fresh", TrainFresh, "final:build_champion", FITNESS),
        _offer("export", "torch_optimizer", TorchOptimizer, "export:build_export", FITNESS),
    ]


def _offer(kind: Kind, name: str, options: type, build: str, fits: str = "") -> Component:
    return Component(kind, name, options, fits, extra="neural", build=f"{__name__}.{build}")

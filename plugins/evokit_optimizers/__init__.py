"""Optimizers evolved from primitive terms, measured by the networks that they train."""

from __future__ import annotations

from evokit.hookspecs import hookimpl
from evokit.interfaces import Component
from evokit_optimizers.genome import OptimizerGenome
from evokit_optimizers.options import (
    Adam,
    AdamW,
    Lion,
    Muon,
    NAdam,
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
        Component("genome", "optimizer", OptimizerGenome),
        Component("fitness", FITNESS, TrainedAccuracy),
        *(Component("baseline", options.method, options, fits=FITNESS) for options in baselines),
        Component("final", "train_fresh", TrainFresh, fits=FITNESS),
        Component("export", "torch_optimizer", TorchOptimizer, fits=FITNESS),
    ]

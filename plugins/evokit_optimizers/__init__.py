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

EXTRA = "neural"
FITNESS = "trained_accuracy"


@hookimpl
def evokit_components() -> list[Component]:
    baselines = (Sgd, Adam, AdamW, NAdam, RmsProp, Lion, Muon)
    return [
        Component("genome", "optimizer", OptimizerGenome, extra=EXTRA),
        Component("fitness", FITNESS, TrainedAccuracy, extra=EXTRA),
        *(Component("baseline", options.method, options, fits=FITNESS, extra=EXTRA) for options in baselines),
        Component("final", "train_fresh", TrainFresh, fits=FITNESS, extra=EXTRA),
        Component("export", "torch_optimizer", TorchOptimizer, fits=FITNESS, extra=EXTRA),
    ]

"""The champion as a file to take home."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evokit.common.version import VERSION
from evokit.errors import UserError
from evokit.interfaces import Context
from evokit_optimizers.fitness import TrainedAccuracyFitness
from evokit_optimizers.models import read_networks
from evokit_optimizers.options import TorchOptimizer
from evokit_optimizers.rules.cost import step_cost
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.rule_json import rule_from_json
from evokit_optimizers.rules.source import write_optimizer
from evokit_optimizers.training.trainer import Trained

MODULE = "evolved_optimizer.py"


def build_export(options: TorchOptimizer, context: Context) -> TorchOptimizerExport:
    """The export of a run, whose summary says the recipe."""
    summary = None if context.directory is None else context.directory / "summary.json"
    told = json.loads(summary.read_text(encoding="utf-8")) if summary and summary.exists() else {"recipe": ""}
    return TorchOptimizerExport(context.fitness, told["recipe"])


class TorchOptimizerExport:
    """Writes the rule that trained networks as a Python file with a ``torch.optim.Optimizer``.

    Args:
        fitness: What the rule was measured with.
        recipe: Name of the run's, for the docstring.
    """

    def __init__(self, fitness: TrainedAccuracyFitness, recipe: str = "") -> None:
        self._fitness, self._recipe = fitness, recipe

    def export(self, artifact: Path, out: Path) -> None:
        """Write the file.

        Args:
            artifact: What the champion's contender wrote.
            out: A file if its name ends in ``.py``, else a directory, made if missing, that gets
                ``evolved_optimizer.py``.

        Raises:
            UserError: The networks were not trained by an evolved rule.
        """
        networks, about = read_networks(artifact)
        if "rule" not in about:
            raise UserError(
                f"{artifact} was trained by {about['method']}, which is no evolved optimizer: nothing to export"
            )
        path = out if out.suffix == ".py" else out / MODULE
        path.parent.mkdir(parents=True, exist_ok=True)
        rule = rule_from_json(about["rule"])
        write_optimizer(rule, path, measured=self._measured(rule, networks))

    def _measured(self, rule: Rule, networks: Sequence[Trained]) -> list[str]:
        """On what the networks were trained, at which cost, and their validation; no figure of the test split."""
        recipe = f", recipe {self._recipe}" if self._recipe else ""
        lines = [f"By evokit {VERSION}{recipe}, with fresh networks."]
        steps = self._fitness.options.steps
        for task in self._fitness.tasks:
            accuracies = [one.accuracy for one in networks if one.task == task.name]
            flops = step_cost(rule, task.network.shapes, task.network.groups).total
            lines.append(
                f"{task.name}: {task.network.n_parameters} parameters, {steps} steps with batches of {task.batch}, "
                f"each update with {flops} floating-point operations by formula; "
                f"validation accuracy {np.mean(accuracies):.4f}, mean of {len(accuracies)} of one fresh seed, others "
                "are in the run's report."
            )
        return lines

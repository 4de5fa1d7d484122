"""The champion as a way to train fresh networks, and as a file to take home."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evokit.errors import UserError
from evokit.interfaces import Evaluation, Genome, Individual
from evokit_optimizers.export import write_optimizer
from evokit_optimizers.finished import FinishedNetworks, read_networks
from evokit_optimizers.fitness import TrainedAccuracyFitness
from evokit_optimizers.rule import Rule, rule_from_json, rule_to_json
from evokit_optimizers.training import Evolved

MODULE = "evolved_optimizer.py"


class EvolvedChampion(FinishedNetworks):
    """A contender with nothing to tune: fresh networks trained with the champion's rule.

    Args:
        fitness: What the champion was measured with.
        genome: Expresses the champion's genes as ``optimizer``.
    """

    def __init__(self, fitness: TrainedAccuracyFitness, genome: Genome[Any]) -> None:
        super().__init__(fitness)
        self._genome = genome

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        if best is None:
            raise ValueError("there is no champion to train with")
        return [{"genes": self._genome.to_json(best.genes)}]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train networks for every task and replicate of ``seed``; work is counted in steps of all of them."""
        rule = self._rule(setting)
        return self.fitted(Evolved(rule), setting, seed, budget, scratch, {"rule": rule_to_json(rule)})

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing a few steps of a rule like Adam's."""
        return self.rehearsed(Evolved(Rule((("ADAM_TERM", 1.0),))))

    def _rule(self, setting: Mapping[str, Any]) -> Rule:
        rule: Rule = self._genome.express(self._genome.from_json(setting["genes"]))
        return rule


def export_optimizer(artifact: Path, out: Path) -> None:
    """Write the rule that trained these networks as a Python file with a ``torch.optim.Optimizer``.

    Args:
        artifact: What the champion's contender wrote.
        out: A file if its name ends in ``.py``, else a directory, made if missing, that gets ``evolved_optimizer.py``.

    Raises:
        UserError: The networks were not trained by an evolved rule.
    """
    about = read_networks(artifact)[1]
    if "rule" not in about:
        raise UserError(
            f"{artifact} was trained by {about['method']}, which is no evolved optimizer: nothing to export"
        )
    folder = out.parent if out.suffix == ".py" else out
    folder.mkdir(parents=True, exist_ok=True)
    write_optimizer(rule_from_json(about["rule"]), out if out.suffix == ".py" else folder / MODULE)

"""The champion as a way to train fresh networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evokit.interfaces import Context, Evaluation, Genome, Individual
from evokit_optimizers.fitness import TrainedAccuracyFitness
from evokit_optimizers.models import NetworkContender
from evokit_optimizers.options import TrainFresh
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.rule_json import rule_to_json
from evokit_optimizers.training.method import Evolved


def build_champion(options: TrainFresh, context: Context) -> EvolvedChampion:
    """The champion's contender in a run."""
    return EvolvedChampion(context.fitness, context.genome)


class EvolvedChampion(NetworkContender):
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

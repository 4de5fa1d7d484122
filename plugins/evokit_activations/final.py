"""The champion's contender, and that of every control: networks that learn from targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evokit.interfaces import Context, Evaluation, Individual, Variant
from evokit_activations.genome import ActivationTensors, Targets
from evokit_activations.models import NetworkContender, Setting, settings_of
from evokit_activations.options import LearnTargets
from evokit_activations.shards.job import ShardJob
from evokit_activations.targets.class_codes import UntrainedActivations
from evokit_activations.targets.objective import target_objective


class TargetLearner(NetworkContender):
    """Networks that learn from stored targets: the champion's, or those of a control.

    Args:
        options: Lists to be tuned.
        job: Knows where targets are.
    """

    def __init__(self, options: LearnTargets, job: ShardJob) -> None:
        super().__init__(job.task)
        self.options, self._job = options, job

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid, each with the targets that are learned."""
        if best is None:
            raise ValueError("there are no targets to learn from")
        if not isinstance(best.genes, Targets):  # an estimate asks before there are any
            return settings_of(self.options)
        targets = ActivationTensors().to_json(best.genes)
        return [{"targets": targets, **one} for one in settings_of(self.options)]

    def variants(self) -> dict[str, Variant]:
        """What the logits are worth: the same with those that were found, where the class's are learned."""
        own = Variant({"logits": "own"}, self.budgets[-1])
        return {"own logits": own} if self.options.logits == "class" else {}

    def fit(self, setting: Setting, seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train a network on the setting's targets."""
        targets = ActivationTensors().from_json(setting["targets"])
        assert isinstance(targets, Targets)
        objective = target_objective(self.task, self._job.tensors, self._job.store.read(targets), setting)
        return self.fitted(objective, setting, seed, budget, scratch)

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing an epoch on class means, since there are no searched targets."""
        setting = settings_of(self.options)[-1] | {"average": "class"}
        objective = target_objective(self.task, self._job.tensors, UntrainedActivations(self.task), setting)
        return self.rehearsed(objective, setting)


def build_champion(options: LearnTargets, context: Context) -> TargetLearner:
    """The contender of what the run's search found."""
    return TargetLearner(options, context.fitness)

"""Ways to finished networks: targets of the champion's geometry, and of geometries that nobody evolved."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from evokit.interfaces import Context, Evaluation, Individual
from evokit_activations.geometry.class_geometry import ClassGeometry, known_geometry
from evokit_activations.geometry.fitness import HeldOutAccuracyFitness
from evokit_activations.geometry.options import KnownTargets, LearnGeometry
from evokit_activations.models import NetworkContender, Setting, settings_of


class GeometryLearner(NetworkContender):
    """Networks that learn a geometry's targets from all training images.

    Args:
        options: Lists to be tuned.
        fitness: Of the run.
    """

    def __init__(self, options: LearnGeometry | KnownTargets, fitness: HeldOutAccuracyFitness) -> None:
        super().__init__(fitness.task)
        self.options, self._ingredients = options, fitness.whole

    @abstractmethod
    def geometry(self, setting: Setting) -> ClassGeometry:
        """That a setting learns, with the learning rate that it trains with."""

    def fit(self, setting: Setting, seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train a network on the targets of the setting's geometry."""
        geometry = self.geometry(setting)
        told = {**setting, "lr": geometry.lr}
        return self.fitted(self._ingredients.objective(geometry), told, seed, budget, scratch)

    def _rehearsed(self, geometry: ClassGeometry) -> tuple[float, int]:
        setting: dict[str, Any] = {**settings_of(self.options)[-1], "lr": geometry.lr}
        return self.rehearsed(self._ingredients.objective(geometry), setting)


class ChampionLearner(GeometryLearner):
    """Networks that learn the champion's targets.

    Args:
        options: Lists to be tuned.
        fitness: Of the run.
        genome: Expresses the champion's genes.
    """

    options: LearnGeometry

    def __init__(self, options: LearnGeometry, fitness: HeldOutAccuracyFitness, genome: Any) -> None:
        super().__init__(options, fitness)
        self._genome = genome

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid, each with the champion's genes."""
        if best is None:
            raise ValueError("there is no geometry to learn")
        genes: Mapping[str, Any] = self._genome.to_json(best.genes)
        return [{"genes": genes, **one} for one in settings_of(self.options)]

    def geometry(self, setting: Setting) -> ClassGeometry:
        geometry: ClassGeometry = self._genome.express(self._genome.from_json(setting["genes"]))
        return replace(geometry, lr=geometry.lr * setting["lr_factor"])

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing an epoch."""
        return self._rehearsed(known_geometry("hand", len(self.task.shape.channels)))


class KnownLearner(GeometryLearner):
    """Networks that learn targets of a geometry that is known without a search."""

    options: KnownTargets

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid; ``best`` changes nothing."""
        return settings_of(self.options)

    def geometry(self, setting: Setting) -> ClassGeometry:
        known = known_geometry(self.options.known, len(self.task.shape.channels))
        return replace(known, lr=setting["lr"], kl=setting["kl"])

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes of one full fit, by timing an epoch."""
        return self._rehearsed(self.geometry(self.settings(None)[-1]))


def build_champion(options: LearnGeometry, context: Context) -> ChampionLearner:
    """The contender of what the run's search found."""
    return ChampionLearner(options, context.fitness, context.genome)


def build_known(options: KnownTargets, context: Context) -> KnownLearner:
    """The contender of a known geometry."""
    return KnownLearner(options, context.fitness)

"""Finished networks of the user's own: the champion's and those of parameters that were given."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.torch import load_file, save

from evokit.common.cores import set_threads
from evokit.common.files import write_atomically
from evokit.interfaces import Context, Evaluation, Genome, Individual
from evokit.networks.fitness import ModuleFitness, goal_of, measure
from evokit.networks.layers import merged
from evokit.networks.options import FixedModule, TrainModule
from evokit.streams import Streams


class ModuleContender:
    """What contenders for ``torch_module`` share: networks are trained as in the search, from starts of their own.

    The finished model is the state of the user's own module, with matrices and adapters multiplied out.

    Args:
        fitness: Whose data, training and budgets they keep to.
    """

    def __init__(self, fitness: ModuleFitness) -> None:
        self.fitness = fitness
        self.budgets: Sequence[int] = fitness.budgets
        self.deterministic = not fitness.options.training.steps
        self.goal = goal_of(fitness.options.objectives[0])
        self.unit = fitness.reader.unit

    def fitted(self, phenotype: Any, seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train the network of a phenotype up to the budget; at the full one its state is written.

        Raises:
            ValueError: The budget is none of ``budgets``, or the phenotype does not fit the module.
            UserError: Nothing takes one of its parameters.
        """
        streams = Streams(seed).at("torch_module", "contender")
        made = self.fitness.individuals.made(phenotype, None if self.deterministic else streams)
        evaluation = self.fitness.measured(made, budget, streams.at("training"))
        if not evaluation.ok or budget != self.budgets[-1]:
            return evaluation
        scratch.mkdir(parents=True, exist_ok=True)
        path = scratch / "model.safetensors"
        write_atomically(path, save(merged(made.module), {"evokit": json.dumps(dict(made.overrides), sort_keys=True)}))
        return replace(evaluation, values=evaluation.values[:1], artifact=str(path))

    def score(self, artifact: Path, split: Any) -> np.ndarray:
        """``(n_units,)`` loss or accuracy, the first objective, mean over what each unit holds."""
        set_threads(self.fitness.threads)
        module = self.fitness.individuals.clean(overrides_of(artifact))
        module.load_state_dict(load_file(artifact, device=self.fitness.device))
        examples = self.fitness.reader.examples(split, whole=True)
        losses, right = measure(module, examples)
        values = (losses if self.goal == "min" else right).numpy()
        weights = examples.weights
        return np.bincount(examples.units, values * weights) / np.bincount(examples.units, weights)

    def rehearsed(self, phenotype: Any, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes on disk of one full fit, by the smallest one."""
        started = time.perf_counter()
        made = self.fitness.individuals.made(phenotype)
        size = sum(one.nbytes for one in merged(made.module).values())
        self.fitness.measured(made, self.budgets[0], Streams(0).at("rehearsal"))
        return (time.perf_counter() - started) * self.budgets[-1] / self.budgets[0], size


class ModuleChampion(ModuleContender):
    """The champion's network; nothing is tuned."""

    def __init__(self, fitness: ModuleFitness, genome: Genome[Any]) -> None:
        super().__init__(fitness)
        self._genome = genome

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        if best is None:
            raise ValueError("there is no champion to train")
        return [{"genes": self._genome.to_json(best.genes)}]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train the champion's network; ``seed`` decides start and batches, work is counted in examples read."""
        return self.fitted(self._genome.express(self._genome.from_json(setting["genes"])), seed, budget, scratch)

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes on disk of one full fit, by that of a random individual."""
        genes = self._genome.random(Streams(0).at("rehearsal").numpy())
        return self.rehearsed(self._genome.express(genes), scratch)


class FixedContender(ModuleContender):
    """The network with parameters that the recipe gives; those best on validation are taken."""

    def __init__(self, options: FixedModule, fitness: ModuleFitness) -> None:
        super().__init__(fitness)
        self._options = options
        for parameters in options.parameters:
            fitness.individuals.made(parameters)  # so that what fits nothing is told before the search

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        return [dict(parameters) for parameters in self._options.parameters]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train the network; ``seed`` decides start and batches, work is counted in examples read."""
        return self.fitted(setting, seed, budget, scratch)

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes on disk of one full fit."""
        return self.rehearsed(self._options.parameters[0], scratch)


def overrides_of(artifact: Path) -> dict[str, Any]:
    """The options that a finished network's module was made with, where they are others than the recipe's."""
    with safe_open(artifact, framework="pt") as file:
        overrides: dict[str, Any] = json.loads(file.metadata()["evokit"])
    return overrides


def build_champion(options: TrainModule, context: Context) -> ModuleChampion:
    """The champion's contender."""
    return ModuleChampion(context.fitness, context.genome)


def build_fixed(options: FixedModule, context: Context) -> FixedContender:
    """The baseline.

    Raises:
        ValueError: Parameters do not fit the module.
        UserError: Nothing takes one of them.
    """
    return FixedContender(options, context.fitness)

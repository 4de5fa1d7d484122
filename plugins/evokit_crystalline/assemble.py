"""The champion as a finished model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from evokit.errors import UserError
from evokit.interfaces import Evaluation, Genome, Individual, Variant
from evokit.streams import Streams
from evokit_crystalline.finished import FinishedModels, save_model
from evokit_crystalline.fitness import Gpt2Fitness
from evokit_crystalline.matrices import StructuredMatrix, Zero
from evokit_crystalline.options import Assemble, ClosedForm


class AssembledChampion(FinishedModels):
    """A contender that trains nothing: the champion's dense matrices beside the fitness's continuous parts.

    With ``remaps`` it also tries heads refitted to the champion's hidden states, and validation decides.

    Args:
        options: Which refits.
        fitness: What the champion was measured with.
        genome: Expresses the champion's genes as ``layers``.
    """

    deterministic = True

    def __init__(self, options: Assemble | ClosedForm, fitness: Gpt2Fitness, genome: Genome[Any]) -> None:
        super().__init__(fitness)
        if options.remaps and fitness.refitted is None:
            raise UserError(
                "remaps needs continuous parts in closed form, with training documents left over: add"
                " continuous: {fit: ...} to the fitness"
            )
        self._genome, self._remaps = genome, range(options.remaps + 1)
        self.budgets: Sequence[int] = (fitness.budgets[-1],)

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        if best is None:
            raise ValueError("there is no champion to assemble")
        genes = self._genome.to_json(best.genes)
        return [{"genes": genes, "remaps": n} for n in self._remaps]

    def variants(self) -> dict[str, Variant]:
        """What maps are worth: the model without, which was among the settings, where some were tried."""
        return {"not refitted": Variant({"remaps": 0}, self.budgets[-1])} if len(self._remaps) > 1 else {}

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Assemble and validate; ``seed`` changes nothing, work is counted in validation tokens."""
        phenotype = self._genome.express(self._genome.from_json(setting["genes"]))
        return self._finished(phenotype, setting, budget, scratch)

    def _finished(
        self, phenotype: Mapping[str, StructuredMatrix], setting: Mapping[str, Any], budget: int, scratch: Path
    ) -> Evaluation:
        fitness = self.fitness
        for _ in range(setting["remaps"]):
            assert fitness.refitted is not None
            fitness = fitness.refitted(phenotype)
        tensors = assembled(fitness, phenotype)
        scratch.mkdir(parents=True, exist_ok=True)
        artifact = scratch / "model.safetensors"
        save_model(tensors, self.fitness.options.model, artifact)
        return replace(self.validated(tensors, budget), artifact=str(artifact))

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes on disk that the longest fit takes."""
        started = time.perf_counter()
        result = self.fit(self.rehearsed(), 0, self.budgets[-1], scratch)
        return time.perf_counter() - started, Path(result.artifact).stat().st_size

    def rehearsed(self) -> dict[str, Any]:
        """The setting whose fit is timed: of a random individual."""
        genes = self._genome.random(Streams(0).at("rehearsal").numpy())
        return {"genes": self._genome.to_json(genes), "remaps": self._remaps[-1]}


class ClosedFormModel(AssembledChampion):
    """The continuous parts alone, or beside crystals that nobody selected.

    Args:
        options: Which crystals.
        fitness: Whose continuous parts.
        genome: Its random individuals are the random crystals.
    """

    def __init__(self, options: ClosedForm, fitness: Gpt2Fitness, genome: Genome[Any]) -> None:
        super().__init__(options, fitness, genome)
        self._crystals = options.crystals
        self.deterministic = self._crystals == "zero"

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """``best`` changes nothing."""
        return [{"crystals": self._crystals, "remaps": n} for n in self._remaps]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Assemble and validate; ``seed`` draws the random crystals, one individual."""
        if setting["crystals"] == "zero":
            phenotype: Mapping[str, StructuredMatrix] = {n: Zero(shape) for n, shape in self.fitness.slots.items()}
        else:
            phenotype = self._genome.express(self._genome.random(Streams(seed).at("random_crystals").numpy()))
        return self._finished(phenotype, setting, budget, scratch)

    def rehearsed(self) -> dict[str, Any]:
        return self.settings(None)[-1]


def assembled(fitness: Gpt2Fitness, phenotype: Mapping[str, StructuredMatrix]) -> dict[str, torch.Tensor]:
    """A full state dict: the fitness's continuous parts and the dense matrices of a phenotype."""
    matrices = {f"{slot}.weight": phenotype[slot].dense() for slot in fitness.slots}
    return {**fitness.frame.parts, **matrices}

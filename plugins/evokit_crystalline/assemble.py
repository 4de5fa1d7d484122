"""The champion as a finished model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evokit.interfaces import Evaluation, Genome, Individual
from evokit.streams import Streams
from evokit_crystalline.finished import FinishedModels, save_model
from evokit_crystalline.fitness import Gpt2Fitness


class AssembledChampion(FinishedModels):
    """A contender that trains nothing: the champion's dense matrices beside the fitness's continuous parts.

    Args:
        fitness: What the champion was measured with.
        genome: Expresses the champion's genes as ``layers``.
    """

    deterministic = True

    def __init__(self, fitness: Gpt2Fitness, genome: Genome[Any]) -> None:
        super().__init__(fitness)
        self._genome = genome
        self.budgets: Sequence[int] = (fitness.budgets[-1],)

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        if best is None:
            raise ValueError("there is no champion to assemble")
        return [{"genes": self._genome.to_json(best.genes)}]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Assemble and validate; ``seed`` changes nothing, work is counted in validation tokens."""
        phenotype = self._genome.express(self._genome.from_json(setting["genes"]))
        matrices = {f"{slot}.weight": phenotype[slot].dense() for slot in self.fitness.slots}
        tensors = {**self.fitness.frame.parts, **matrices}
        scratch.mkdir(parents=True, exist_ok=True)
        artifact = scratch / "model.safetensors"
        save_model(tensors, self.fitness.options.model, artifact)
        return replace(self.validated(tensors, budget), artifact=str(artifact))

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes on disk that one fit takes, by assembling a random individual."""
        genes = self._genome.random(Streams(0).at("rehearsal").numpy())
        started = time.perf_counter()
        result = self.fit({"genes": self._genome.to_json(genes)}, 0, self.budgets[-1], scratch)
        return time.perf_counter() - started, Path(result.artifact).stat().st_size

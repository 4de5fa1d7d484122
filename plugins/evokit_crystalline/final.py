"""The champion as a model: assembled, or trained on by AdamW with its crystals held fast."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from evokit.data.text import Documents
from evokit.interfaces import Contender, Context, Evaluation, Genome, Individual
from evokit.streams import Streams
from evokit_crystalline.baselines import AdamWContender
from evokit_crystalline.fitness import Gpt2Fitness
from evokit_crystalline.gpt2.sizes import EMBEDDING, HEAD
from evokit_crystalline.models import AssembledModel, assembled
from evokit_crystalline.options import AdamW, Assemble


def build_champion(options: Assemble, context: Context) -> Contender:
    """The champion's contender: trained on if the recipe says ``hybrid``, else assembled."""
    if options.hybrid is not None:
        return HybridChampion(options.hybrid, context.fitness, context.train, context.genome)
    return AssembledChampion(context.fitness, context.genome, options.remaps)


class AssembledChampion(AssembledModel):
    """The champion's dense matrices beside the fitness's continuous parts."""

    deterministic = True

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        if best is None:
            raise ValueError("there is no champion to assemble")
        genes = self._genome.to_json(best.genes)
        return [{"genes": genes, "remaps": n} for n in self._remaps]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Assemble and validate; ``seed`` changes nothing, work is counted in validation tokens."""
        phenotype = self._genome.express(self._genome.from_json(setting["genes"]))
        return self._assembled(phenotype, setting, budget, scratch)

    def rehearsed(self) -> dict[str, Any]:
        """A random individual, with all refits."""
        return {"genes": _random_genes(self._genome), "remaps": self._remaps[-1]}


class HybridChampion(AdamWContender):
    """A contender that trains the champion on with gradient steps on its continuous parts, crystals held fast.

    Of parts in closed form the embedding's content, the head's and the bias are trained: what was fitted.

    Args:
        options: What the recipe says.
        fitness: What the champion was measured with.
        train: The training split.
        genome: Expresses the champion's genes as ``layers``.

    Source: Crystalline Latent Space Optimization, section 7.2, "Hybrid CLSO + gradient fine-tuning".
    """

    def __init__(self, options: AdamW, fitness: Gpt2Fitness, train: Documents, genome: Genome[Any]) -> None:
        super().__init__(options, fitness, train)
        self._genome = genome

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid of AdamW's settings, for the champion's genes."""
        if best is None:
            raise ValueError("there is no champion to train on")
        genes = self._genome.to_json(best.genes)
        return [setting | {"genes": genes} for setting in super().settings(best)]

    def first_tensors(self, setting: Mapping[str, Any], streams: Streams) -> dict[str, torch.Tensor]:
        return assembled(self.fitness, self._genome.express(self._genome.from_json(setting["genes"])))

    def rehearsed(self) -> dict[str, Any]:
        return super().settings(None)[0] | {"genes": _random_genes(self._genome)}

    @property
    def starts_fitted(self) -> bool:
        return self.fitness.options.continuous.fit is not None

    def held(self) -> frozenset[str]:
        """The crystals; and of parts in closed form all but what was fitted, as crystals rely on the position codes."""
        held = {f"{slot}.weight" for slot in self.fitness.slots}
        if self.starts_fitted:
            held |= self.sizes.continuous().keys() - {EMBEDDING, HEAD}
        return frozenset(held)


def _random_genes(genome: Genome[Any]) -> Any:
    """Of a random individual, as JSON."""
    return genome.to_json(genome.random(Streams(0).at("rehearsal").numpy()))

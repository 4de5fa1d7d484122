"""The champion trained on: AdamW on its continuous parts, its crystals held fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from evokit.data.text import Documents
from evokit.interfaces import Genome, Individual
from evokit.streams import Streams
from evokit_crystalline.adamw import AdamWContender
from evokit_crystalline.assemble import assembled
from evokit_crystalline.fitness import Gpt2Fitness
from evokit_crystalline.options import AdamW
from evokit_crystalline.sizes import HEAD
from evokit_crystalline.unfolded import EMBEDDING


class HybridChampion(AdamWContender):
    """A contender that finishes the champion with gradient steps on its continuous parts, crystals held fast.

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
        genes = self._genome.random(Streams(0).at("rehearsal").numpy())
        return super().settings(None)[0] | {"genes": self._genome.to_json(genes)}

    @property
    def starts_fitted(self) -> bool:
        return self.fitness.options.continuous.fit is not None

    def held(self) -> frozenset[str]:
        """The crystals; and of parts in closed form all but what was fitted, as crystals rely on the position codes."""
        held = {f"{slot}.weight" for slot in self.fitness.slots}
        if self.starts_fitted:
            held |= self.sizes.continuous().keys() - {EMBEDDING, HEAD}
        return frozenset(held)

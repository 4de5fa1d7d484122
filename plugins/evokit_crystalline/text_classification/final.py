"""The champion as a classifier: its layers, and a head fitted to their states."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evokit.interfaces import Context, Evaluation, Genome, Individual
from evokit_crystalline.gpt2.model import dense_layers
from evokit_crystalline.text_classification.fitness import TextFitness
from evokit_crystalline.text_classification.head import fit_head, log_probabilities
from evokit_crystalline.text_classification.models import BIASES, WEIGHTS, ClassifierContender, head_tensors
from evokit_crystalline.text_classification.options import Classify
from evokit_crystalline.text_classification.texts import Encoded


def build_champion(options: Classify, context: Context) -> AssembledClassifier:
    """The champion's contender."""
    return AssembledClassifier(options, context.fitness, context.genome)


class AssembledClassifier(ClassifierContender):
    """The champion's dense matrices, the fitness's continuous parts, and the head; no layer is trained."""

    def __init__(self, options: Classify, fitness: TextFitness, genome: Genome[Any]) -> None:
        super().__init__(fitness, options.texts)
        self._genome = genome

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        if best is None:
            raise ValueError("there is no champion to assemble")
        return [{"genes": self._genome.to_json(best.genes)}]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Assemble, fit the head, validate; ``seed`` changes nothing, work is counted in tokens read."""
        phenotype = self._genome.express(self._genome.from_json(setting["genes"]))
        tensors = dict(self.fitness.parts) | {f"{slot}.weight": phenotype[slot].dense() for slot in self.fitness.slots}
        head = fit_head(self._features(tensors, self.train), self.train.labels, self.fitness.options.C)
        if head is None:
            return Evaluation(outcome="nan", work=budget, message="hidden states are not finite")
        return self.validated(tensors | head_tensors(*head), scratch)

    def predicted(self, tensors: Mapping[str, torch.Tensor], texts: Encoded) -> np.ndarray:
        return log_probabilities(self._features(tensors, texts), tensors[WEIGHTS].numpy(), tensors[BIASES].numpy())

    def _features(self, tensors: Mapping[str, torch.Tensor], texts: Encoded) -> np.ndarray:
        placed = {name: tensor.to(self.fitness.device) for name, tensor in tensors.items() if name != WEIGHTS}
        return self.fitness.features(dense_layers(placed, self.fitness.options.model), texts, placed)

"""Classifiers of contenders for ``text_classification``: their file, their validation and their score."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from evokit.data.labelled import LabelledTexts
from evokit.interfaces import Evaluation, Goal
from evokit_crystalline.gpt2.files import read_tensors, save_tensors
from evokit_crystalline.text_classification.fitness import TextFitness
from evokit_crystalline.text_classification.head import scores
from evokit_crystalline.text_classification.texts import Encoded

WEIGHTS, BIASES = "head.weights", "head.biases"


class ClassifierContender(ABC):
    """What all contenders for ``text_classification`` share. None of them draws anything.

    Args:
        fitness: Whose texts, metric and threads they keep to.
        texts: Training texts of the model; as many as in the search if None.
    """

    deterministic = True
    unit = "document"

    def __init__(self, fitness: TextFitness, texts: int | None) -> None:
        self.fitness = fitness
        self.goal: Goal = fitness.objectives[fitness.options.metric]
        self.train = fitness.train if texts is None else fitness.train_texts(texts)
        self.budgets: Sequence[int] = (fitness.work_of(len(self.train)),)

    def score(self, artifact: Path, split: LabelledTexts) -> np.ndarray:
        """``(n_units,)`` mean of the metric over each unit's texts, all of them."""
        texts = Encoded.of(split, np.arange(len(split)), self.fitness.options.length)
        tensors, _ = read_tensors(artifact)
        found = scores(self.predicted(tensors, texts), texts.labels)[self.fitness.options.metric]
        mean: np.ndarray = np.bincount(split.units, found) / np.bincount(split.units)
        return mean

    def validated(self, tensors: Mapping[str, torch.Tensor], scratch: Path) -> Evaluation:
        """Write the model and score it on the search's validation texts."""
        scratch.mkdir(parents=True, exist_ok=True)
        artifact = scratch / "model.safetensors"
        save_tensors(tensors, artifact, {"sizes": json.dumps(asdict(self.fitness.options.model))})
        texts = self.fitness.validation
        result = self.fitness.judged(self.predicted(tensors, texts), texts.labels, self.budgets[-1])
        return replace(result, artifact=str(artifact)) if result.ok else result

    @abstractmethod
    def predicted(self, tensors: Mapping[str, torch.Tensor], texts: Encoded) -> np.ndarray:
        """``(n_texts, n_classes)`` log probabilities by the model that ``tensors`` are."""


def head_tensors(weights: np.ndarray, biases: np.ndarray) -> dict[str, torch.Tensor]:
    return {WEIGHTS: torch.from_numpy(weights.copy()), BIASES: torch.from_numpy(biases.copy())}

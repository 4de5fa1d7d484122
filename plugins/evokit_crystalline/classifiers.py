"""Finished classifiers: the champion's and the bag of words', scored document by document."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from evokit.data.labelled import LabelledTexts
from evokit.interfaces import Evaluation, Genome, Goal, Individual
from evokit_crystalline.finished import read_tensors, save_tensors
from evokit_crystalline.gpt2 import dense_layers
from evokit_crystalline.text_classification import (
    Encoded,
    TextFitness,
    fit_head,
    log_probabilities,
    logistic_regression,
    scores,
)
from evokit_crystalline.text_options import BagOfWords, Classify

if TYPE_CHECKING:
    from scipy.sparse import csr_array

WEIGHTS, BIASES = "head.weights", "head.biases"


class FinishedClassifiers(ABC):
    """What all contenders for ``text_classification`` share. None of them draws anything.

    Args:
        fitness: Whose texts, metric and threads they keep to.
        texts: Training texts of the finished model; as many as in the search if None.
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

    def finished(self, tensors: Mapping[str, torch.Tensor], scratch: Path) -> Evaluation:
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


class AssembledClassifier(FinishedClassifiers):
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
        return self.finished(tensors | _head(*head), scratch)

    def predicted(self, tensors: Mapping[str, torch.Tensor], texts: Encoded) -> np.ndarray:
        return log_probabilities(self._features(tensors, texts), tensors[WEIGHTS].numpy(), tensors[BIASES].numpy())

    def _features(self, tensors: Mapping[str, torch.Tensor], texts: Encoded) -> np.ndarray:
        placed = {name: tensor.to(self.fitness.device) for name, tensor in tensors.items() if name != WEIGHTS}
        return self.fitness.features(dense_layers(placed, self.fitness.options.model), texts, placed)


class BagOfWordsClassifier(FinishedClassifiers):
    """Logistic regression on the tokens of a text, without their order."""

    def __init__(self, options: BagOfWords, fitness: TextFitness) -> None:
        super().__init__(fitness, options.texts)
        self._options = options

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        return [{"C": C} for C in self._options.C]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        return self.finished(
            _head(*logistic_regression(self._words(self.train), self.train.labels, setting["C"])), scratch
        )

    def predicted(self, tensors: Mapping[str, torch.Tensor], texts: Encoded) -> np.ndarray:
        return log_probabilities(self._words(texts), tensors[WEIGHTS].numpy(), tensors[BIASES].numpy())

    def _words(self, texts: Encoded) -> csr_array:
        """``(n_texts, vocab_size)``: logarithms of 1 + counts, each row of length 1."""
        from scipy.sparse import csr_array
        from sklearn.preprocessing import normalize

        rows = np.repeat(np.arange(len(texts)), texts.counts)
        own = np.arange(texts.tokens.shape[1]) < texts.counts[:, None]
        ones = (np.ones(len(rows)), (rows, texts.tokens[own]))
        counts = csr_array(ones, shape=(len(texts), self.fitness.options.model.vocab_size))
        return normalize(counts.log1p())


def _head(weights: np.ndarray, biases: np.ndarray) -> dict[str, torch.Tensor]:
    return {WEIGHTS: torch.from_numpy(weights.copy()), BIASES: torch.from_numpy(biases.copy())}

"""What the champion is compared with: the words of a text without their order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from evokit.interfaces import Context, Evaluation, Individual
from evokit_crystalline.text_classification.fitness import TextFitness
from evokit_crystalline.text_classification.head import log_probabilities, logistic_regression
from evokit_crystalline.text_classification.models import BIASES, WEIGHTS, ClassifierContender, head_tensors
from evokit_crystalline.text_classification.options import BagOfWords
from evokit_crystalline.text_classification.texts import Encoded

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def build_words(options: BagOfWords, context: Context) -> BagOfWordsClassifier:
    """The baseline on the fitness's texts."""
    return BagOfWordsClassifier(options, context.fitness)


class BagOfWordsClassifier(ClassifierContender):
    """Logistic regression on the tokens of a text, without their order."""

    def __init__(self, options: BagOfWords, fitness: TextFitness) -> None:
        super().__init__(fitness, options.texts)
        self._options = options

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        return [{"C": C} for C in self._options.C]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        return self.validated(
            head_tensors(*logistic_regression(self._words(self.train), self.train.labels, setting["C"])), scratch
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

"""Texts as a model reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evokit.data.labelled import LabelledTexts
from evokit.data.text import EOS


@dataclass(frozen=True, eq=False)
class Encoded:
    """Texts as a model reads them.

    Args:
        tokens: ``(n, length)`` int64, padded behind with ``EOS``.
        counts: ``(n,)`` how many of them are the text's.
        labels: ``(n,)`` int64.
    """

    tokens: np.ndarray
    counts: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, data: LabelledTexts, indices: np.ndarray, length: int) -> Encoded:
        """The texts at ``indices``, cut to ``length`` tokens."""
        tokens = np.full((len(indices), length), EOS, np.int64)
        counts = np.zeros(len(indices), np.int64)
        for row, index in enumerate(indices.tolist()):
            text = data.texts.document(index)[:length]
            tokens[row, : len(text)], counts[row] = text, len(text)
        return cls(tokens, counts, data.labels[indices])

    def first(self, n: int) -> Encoded:
        return Encoded(self.tokens[:n], self.counts[:n], self.labels[:n])

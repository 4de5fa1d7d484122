"""Data of the right shapes, from NumPy alone: the same numbers on every machine."""

from __future__ import annotations

import numpy as np

from evokit.data.image_set import ImageSet, statistics
from evokit.data.labelled import LabelledTexts
from evokit.data.text import Documents, join_documents

CLASSES = 10
WORDS = 5000  # most common tokens of the vocabulary, all that texts are made of


def documents(n: int, tokens: int, seed: int) -> Documents:
    """``n`` texts; frequent words are small numbers."""
    rng = np.random.default_rng(seed)
    made = [(WORDS * rng.random(tokens) ** 3).astype(np.int64) for _ in range(n)]
    return join_documents(made, [f"{seed}.{i}" for i in range(n)])


def labelled(n: int, tokens: int, seed: int) -> LabelledTexts:
    """Texts of two classes, which differ in a fifth of their words."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    made = [
        np.where(
            rng.random(tokens) < 0.2, label * 100 + rng.integers(100, size=tokens), rng.integers(WORDS, size=tokens)
        )
        for label in labels
    ]
    texts = join_documents(made, [f"{seed}.{i}" for i in range(n)])
    return LabelledTexts(texts, labels.astype(np.int64), ("one", "other"), np.arange(n))


def images(n: int, size: int, channels: int, seed: int) -> ImageSet:
    """Each class a pattern of its own, each image that and noise."""
    patterns = np.random.default_rng(7).integers(256, size=(CLASSES, size, size, channels))
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    noisy = 0.4 * patterns[labels] + 0.6 * rng.integers(256, size=(n, size, size, channels))
    pixels = noisy.astype(np.uint8)
    return ImageSet(pixels, labels.astype(np.int64), tuple(map(str, range(CLASSES))), *statistics(pixels))

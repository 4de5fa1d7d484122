"""Texts whose class decides which words are frequent, and a fitness on them."""

import numpy as np

from evokit.data.labelled import LabelledTexts
from evokit.data.text import join_documents
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_crystalline.text_classification.fitness import build_fitness
from evokit_crystalline.text_classification.options import TextClassification
from tests.plugins.crystalline.tiny import SIZES

OPTIONS = TextClassification(SIZES, train_texts=60, rungs=(30,), validation_texts=30, length=12)


def labelled(n=120, seed=0, n_classes=3):
    """Texts whose class decides which words are frequent; four texts a document."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    pieces = [rng.integers(20, size=rng.integers(5, 20)) + 15 * label for label in labels]
    names = [f"{seed}/{i}" for i in range(n)]
    classes = tuple("abcdef"[:n_classes])
    return LabelledTexts(join_documents(pieces, names), labels, classes, np.arange(n) // 4)


def context(**parts):
    return Context(Streams(3), **{"train": labelled(seed=1), "validation": labelled(seed=2), **parts})


def alone(options=OPTIONS, **parts):
    return build_fitness(options, context(**parts))


def fitted(contender, folder, best=None):
    (setting, *_) = contender.settings(best)
    return contender.fit(setting, 0, contender.budgets[-1], folder)

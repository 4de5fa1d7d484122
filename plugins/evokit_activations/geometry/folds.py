"""Training images cut into folds, each held out once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evokit.data.image_set import ImageSet, statistics, stratified_order


@dataclass(frozen=True)
class Fold:
    """Indices of training images.

    Args:
        learned: ``(n,)`` int64, those that a network learns from.
        held_out: ``(m,)`` int64, those that it is measured on.
    """

    learned: np.ndarray
    held_out: np.ndarray


def stratified_folds(labels: np.ndarray, n_folds: int, limit: int | None, rng: np.random.Generator) -> list[Fold]:
    """Each image held out once, each class by its share; how many are in which fold the labels alone decide.

    Args:
        labels: ``(n,)`` int64.
        n_folds: 2 or more.
        limit: How many of those that are not held out are learned, each class by its share; None for all.
        rng: Decides which.

    Raises:
        ValueError: A fold would be empty, or there are too few images for the limit.
    """
    keys = rng.permutation(len(labels))
    fold = np.empty(len(labels), np.int64)
    for number, label in enumerate(np.unique(labels)):
        members = np.flatnonzero(labels == label)
        fold[members[keys[members].argsort()]] = (np.arange(len(members)) + number) % n_folds
    folds = []
    for one in range(n_folds):
        learned, held_out = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        folds.append(Fold(learned[stratified_order(labels[learned], keys[learned])][:limit], held_out))
    fewest = min(len(one.learned) for one in folds)
    if not all(len(one.held_out) for one in folds):
        raise ValueError(f"folds: {n_folds} are more than the images of any class")
    if limit is not None and fewest < limit:
        raise ValueError(f"images: of {len(labels)} training images a fold leaves {fewest}, fewer than {limit}")
    return folds


def sides_of(images: ImageSet, fold: Fold) -> tuple[ImageSet, ImageSet]:
    """What is learned and what is held out, both with the statistics of what is learned."""
    learned = images.take_units(fold.learned)
    mean, std = statistics(learned.images)
    sides = learned, images.take_units(fold.held_out)
    return replace(sides[0], mean=mean, std=std), replace(sides[1], mean=mean, std=std)

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
    order = stratified_order(labels, rng.permutation(len(labels)))
    by_class = np.argsort(labels[order], kind="stable")
    _, counts = np.unique(labels, return_counts=True)
    fold = np.empty(len(labels), np.int64)
    fold[order[by_class]] = np.concatenate([np.arange(count) for count in counts]) % n_folds
    folds = [Fold(order[fold[order] != one][:limit], order[fold[order] == one]) for one in range(n_folds)]
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

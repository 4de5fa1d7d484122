"""Labelled images, and their split into training, validation and test by content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from evokit.common.keys import array_key, digest

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class ImageSet:
    """Images of one data set on one side of the split, with the statistics of the training side.

    They stand in an order in which every stretch holds each class in about its share, so that the first ``n`` are a
    small set like the whole.

    Args:
        images: ``(n, height, width, channels)`` uint8.
        labels: ``(n,)`` int64, below ``n_classes``.
        names: One name a class.
        mean: ``(channels,)`` float32, of the training images, in units of full brightness (0 to 1).
        std: ``(channels,)`` float32, likewise; 1 where all pixels are equal.

    Raises:
        ValueError: The arrays do not fit each other.
    """

    images: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray

    def __post_init__(self) -> None:
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise ValueError(f"images must be (n, h, w, c) uint8, got {self.images.shape} {self.images.dtype}")
        if self.labels.shape != self.images.shape[:1]:
            raise ValueError(f"{len(self.images)} images need as many labels, got {self.labels.shape}")
        if self.labels.dtype != np.int64:
            raise ValueError(f"labels must be int64, got {self.labels.dtype}")
        if len(self.labels) and not 0 <= self.labels.min() <= self.labels.max() < self.n_classes:
            raise ValueError(f"labels must be in 0..{self.n_classes - 1}")
        if not self.mean.shape == self.std.shape == self.images.shape[3:]:
            raise ValueError(f"mean and std must have one value for each of {self.images.shape[3]} channels")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        return len(self.names)

    def unit_keys(self) -> list[str]:
        """A digest of the pixels of each image."""
        return list(map(array_key, self.images))

    def take_units(self, indices: np.ndarray) -> ImageSet:
        """The images at ``indices``, in that order."""
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    @cached_property
    def digest(self) -> str:
        """Of images, labels, class names and statistics."""
        return digest([self.names, *map(array_key, (self.images, self.labels, self.mean, self.std))])

    def tensors(self, device: str = "cpu") -> tuple[torch.Tensor, torch.Tensor]:
        """Copies of images ``(n, h, w, c)`` uint8 and labels ``(n,)`` int64, to take batches from by index."""
        import torch

        return torch.tensor(self.images, device=device), torch.tensor(self.labels, device=device)


class Labelled(NamedTuple):
    """Images ``(n, h, w, c)`` uint8 with labels ``(n,)`` int64."""

    images: np.ndarray
    labels: np.ndarray

    def take(self, indices: np.ndarray) -> Labelled:
        return Labelled(self.images[indices], self.labels[indices])


class Sides(NamedTuple):
    """The three sides of a split; ``copies`` counts the images left out because another side has them."""

    train: Labelled
    validation: Labelled
    test: Labelled
    copies: int


def content_keys(images: np.ndarray, use: bytes = b"split") -> np.ndarray:
    """``(n,)`` uint64 digests of the pixels: a fixed shuffle, the same for every source, seed and version.

    Args:
        images: ``(n, ...)`` uint8.
        use: What the order is for, at most 16 bytes; orders for two uses are unrelated.
    """
    rows = np.ascontiguousarray(images).reshape(len(images), -1)
    keys = [hashlib.blake2b(row.tobytes(), digest_size=8, person=use).digest() for row in rows]
    return np.frombuffer(b"".join(keys), "<u8")


def stratified_order(labels: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Order in which every stretch holds each class in about its share; inside a class by key.

    Args:
        labels: ``(n,)`` int64.
        keys: ``(n,)`` sortable; equal ones stay in their order.

    >>> stratified_order(np.array([0, 0, 0, 0, 1, 1]), np.array([4, 3, 2, 1, 6, 5])).tolist()
    [3, 5, 2, 1, 4, 0]
    """
    by_class = np.lexsort((keys, labels))
    _, starts, group, counts = np.unique(labels[by_class], return_index=True, return_inverse=True, return_counts=True)
    share = (np.arange(len(labels)) - starts[group] + 0.5) / counts[group]
    return by_class[np.lexsort((keys[by_class], share))]


def split_images(train: Labelled, test: Labelled | float, validation: int | float) -> Sides:
    """Cut what is missing from the training images, decided by content alone.

    An image that is on two sides is kept in test rather than validation, and in either rather than in training.

    Args:
        train: The training images, or all images.
        test: The test images, or the share of all images that becomes test.
        validation: How many training images become validation, or which share of them.

    Raises:
        ValueError: A side would be empty.
    """
    keys = content_keys(train.images)
    order = stratified_order(train.labels, keys)
    if isinstance(test, float):
        n_test = round(test * len(order))
        tested, order = order[:n_test], order[n_test:]
        test, test_keys = train.take(tested), keys[tested]
    else:
        test_keys = content_keys(test.images)
        by_share = stratified_order(test.labels, test_keys)
        test = test.take(by_share)
    free = order[~np.isin(keys[order], test_keys)]
    n_validation = round(validation * len(free)) if isinstance(validation, float) else validation
    if not (len(test.labels) and 0 < n_validation < len(free)):
        raise ValueError(f"{n_validation} of {len(free)} training images cannot be cut off for validation")
    held = free[:n_validation]
    # Training begins at the far end, so that its first images do not depend on the size of validation.
    rest = free[n_validation:][::-1]
    rest = rest[~np.isin(keys[rest], keys[held])]
    if not len(rest):
        raise ValueError("all training images are copies of validation images")
    return Sides(train.take(rest), train.take(held), test, len(order) - len(held) - len(rest))


def statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each channel, ``(c,)`` float32, in units of full brightness.

    Counted by value, so that the order of images cannot change a bit. A deviation of 0 is told as 1.
    """
    pixels = images.reshape(-1, images.shape[-1])
    share = np.stack([np.bincount(channel, minlength=256) for channel in pixels.T]) / len(pixels)
    value = np.arange(256) / 255
    mean = share @ value
    std = np.sqrt((share * (value - mean[:, None]) ** 2).sum(1))
    return mean.astype(np.float32), np.where(std == 0, 1, std).astype(np.float32)

"""Image data sets that come with evokit or with what it needs: nothing has to be fetched."""

from __future__ import annotations

import lzma
from importlib.metadata import version
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from evokit.data.image_set import Labelled

PHOTOGRAPHS = (
    "astronaut", "chelsea", "coffee", "hubble_deep_field", "ihc", "retina", "rocket", "china", "flower",
)  # fmt: skip
GARMENTS = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
DIGITS = tuple("0123456789")


class Stored(NamedTuple):
    """A data set as its source has it; ``test`` is a share where the source keeps no test images apart."""

    train: Labelled
    test: Labelled | float
    names: tuple[str, ...]
    origin: str


def fashionmnist_part() -> Stored:
    """10,000 training and 2,000 test images of Fashion-MNIST's own splits, (28, 28, 1), balanced."""
    return Stored(*unpacked("fashionmnist_part"), GARMENTS, "evokit's part of Fashion-MNIST")


def photo_tiles() -> Stored:
    """32x32 tiles of nine photographs, (32, 32, 3), balanced; the class is the photograph."""
    return Stored(*unpacked("photo_tiles"), PHOTOGRAPHS, "evokit's tiles of photographs")


def digits() -> Stored:
    """The 1,797 handwritten digits of scikit-learn, (8, 8, 1), brightness 0 to 16 scaled to 0 to 255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images[..., None] * (255 / 16)).astype(np.uint8)
    return Stored(
        Labelled(images, bunch.target.astype(np.int64)), 0.2, DIGITS, f"scikit-learn {version('scikit-learn')}"
    )


def packed(train: Labelled, test: Labelled) -> bytes:
    """Both sides as one file.

    Raises:
        ValueError: There are more than 256 classes.
    """
    from safetensors.numpy import save

    sides = {"train": train, "test": test}
    if max(part.labels.max(initial=0) for part in sides.values()) > 255:
        raise ValueError("labels are packed as bytes, for at most 256 classes")
    arrays = {f"{side}_images": part.images for side, part in sides.items()}
    arrays |= {f"{side}_labels": part.labels.astype(np.uint8) for side, part in sides.items()}
    return lzma.compress(save(arrays))


def unpacked(name: str) -> tuple[Labelled, Labelled]:
    """Training and test side of a packaged file."""
    from safetensors.numpy import load

    content = (files("evokit.data") / "files" / f"{name}.safetensors.xz").read_bytes()
    arrays = load(lzma.decompress(content))
    train, test = (
        Labelled(arrays[f"{side}_images"], arrays[f"{side}_labels"].astype(np.int64)) for side in ("train", "test")
    )
    return train, test

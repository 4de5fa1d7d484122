"""Makes the packaged image files again: ``python -m evokit.data.pack_images fashionmnist|photo_tiles``.

Fashion-MNIST: the official files, checked by digest, from the folder given (Debian's by default). Photographs: those
of scikit-image 0.26.0 and scikit-learn 1.9.1, which must be installed, as must Pillow.
"""

from __future__ import annotations

import argparse
import importlib
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from evokit.data.image_packages import PHOTOGRAPHS, packed
from evokit.data.image_set import Labelled, content_keys, stratified_order
from evokit.data.image_sources import KNOWN, load

TILE = 32  # pixels a side
TEXTURE = 8  # standard deviation, of 255, below which a tile shows too little to be told
PER_CLASS = {"fashionmnist_part": (1000, 200), "photo_tiles": (100, 25)}  # training, test


def fashionmnist_part(folder: Path) -> tuple[Labelled, Labelled]:
    """10,000 images of the official training side and 2,000 of the official test side."""
    stored = load("fashionmnist", "files", folder)
    if isinstance(stored.test, float):
        raise ValueError("Fashion-MNIST has a test side of its own")
    n_train, n_test = PER_CLASS["fashionmnist_part"]
    return chosen(stored.train, 0, n_train), chosen(stored.test, 0, n_test)


def photo_tiles() -> tuple[Labelled, Labelled]:
    """The same number of tiles of each photograph."""
    cut = [tiles(photograph(name)) for name in PHOTOGRAPHS]
    every = Labelled(np.concatenate(cut), np.repeat(np.arange(len(cut)), [len(part) for part in cut]))
    n_train, n_test = PER_CLASS["photo_tiles"]
    return chosen(every, n_test, n_train), chosen(every, 0, n_test)


def chosen(every: Labelled, skip: int, n: int) -> Labelled:
    """Of each class the ``n`` images that come after the first ``skip`` by the digest of their pixels.

    Raises:
        ValueError: A class has fewer.
    """
    keys = content_keys(every.images, use=b"packaged part")
    classes = [np.flatnonzero(every.labels == label) for label in np.unique(every.labels)]
    picked = np.concatenate([members[np.argsort(keys[members], kind="stable")][skip : skip + n] for members in classes])
    if len(picked) < n * len(classes):
        raise ValueError(f"a class has fewer than {skip + n} images")
    return every.take(picked[stratified_order(every.labels[picked], keys[picked])])


def tiles(picture: np.ndarray) -> np.ndarray:
    """``(n, 32, 32, 3)`` tiles side by side of an ``(h, w, 3)`` picture, without flat ones and what is left over."""
    rows, columns = picture.shape[0] // TILE, picture.shape[1] // TILE
    grid = picture[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE, 3)
    cut = grid.swapaxes(1, 2).reshape(-1, TILE, TILE, 3)
    textured: np.ndarray = cut[cut.reshape(len(cut), -1).std(axis=1) > TEXTURE]
    return textured


def photograph(name: str) -> np.ndarray:
    """``(h, w, 3)`` uint8."""
    image = importlib.import_module("PIL.Image")
    for package, below in (("skimage", "data"), ("sklearn", "datasets/images")):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"{package} is needed for the photographs")
        for path in (Path(spec.origin).parent / below).glob(f"{name}.*"):
            return np.asarray(image.open(path).convert("RGB"))
    raise FileNotFoundError(f"no photograph {name} in scikit-image and scikit-learn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", choices=["fashionmnist", "photo_tiles"])
    parser.add_argument("--folder", type=Path, default=(KNOWN["fashionmnist"].debian or (Path(),))[0])
    parser.add_argument("--out", type=Path, default=Path(str(files("evokit.data"))) / "files")
    given = parser.parse_args()
    if given.set == "fashionmnist":
        name, sides = "fashionmnist_part", fashionmnist_part(given.folder)
    else:
        name, sides = "photo_tiles", photo_tiles()
    (given.out / f"{name}.safetensors.xz").write_bytes(packed(*sides))


if __name__ == "__main__":
    main()

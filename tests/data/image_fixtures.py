"""Tiny images in memory, and tiny files in the formats of the official ones."""

import dataclasses
import pickle

import numpy as np

from evokit.data.image_files import write_idx
from evokit.data.image_set import ImageSet, statistics
from evokit.data.image_sources import KNOWN


def without_digests(monkeypatch, *names):
    """Lets files that are not the official ones pass."""
    for name in names:
        layout = dataclasses.replace(KNOWN[name].layout, digests={})
        monkeypatch.setitem(KNOWN, name, dataclasses.replace(KNOWN[name], layout=layout))


def striped_images(n, channels=1, size=8, seed=0):
    """Bright stripes on noise; the class is the stripe's row."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    images = rng.integers(0, 120, (n, size, size, channels))
    images[np.arange(n), 2 * labels] += 130
    images = images.astype(np.uint8)
    return ImageSet(images, labels.astype(np.int64), ("a", "b", "c"), *statistics(images))


def random_side(n, seed, shape):
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(n, *shape), dtype=np.uint8), (np.arange(n) % 10).astype(np.uint8)


def write_idx_set(folder, n_train=40, n_test=20, pack=bytes, suffix=""):
    """Returns side to images ``(n, 6, 6)`` and labels."""
    folder.mkdir(parents=True, exist_ok=True)
    sides = {"train": random_side(n_train, 0, (6, 6)), "t10k": random_side(n_test, 1, (6, 6))}
    for name, (images, labels) in sides.items():
        (folder / f"{name}-images-idx3-ubyte{suffix}").write_bytes(pack(write_idx(images)))
        (folder / f"{name}-labels-idx1-ubyte{suffix}").write_bytes(pack(write_idx(labels)))
    return sides


def cifar_batch(n, seed, labels="labels"):
    data, classes = random_side(n, seed, (3 * 32 * 32,))
    return {"data": data, labels: classes.tolist(), "filenames": [f"{i}.png" for i in range(n)]}


def write_cifar10(folder):
    """Six batches of 10 images; returns them by file."""
    folder.mkdir(parents=True)
    names = [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"]
    batches = {name: cifar_batch(10, seed) for seed, name in enumerate(names)}
    for name, batch in batches.items():
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return batches


def write_cifar100(folder):
    folder.mkdir(parents=True)
    names = [f"thing {i}" for i in range(100)]
    content = {
        "train": cifar_batch(40, 0, "fine_labels"),
        "test": cifar_batch(20, 1, "fine_labels"),
        "meta": {"fine_label_names": names},
    }
    for name, batch in content.items():
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return content

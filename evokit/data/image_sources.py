"""The image data sets that evokit knows, and the places that each can be had from."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from evokit.common.extras import DISTRIBUTION, with_extra
from evokit.data.cache import cache_directory
from evokit.data.image_files import SIDES, Layout
from evokit.data.image_packages import DIGITS, GARMENTS, PHOTOGRAPHS, Stored, digits, fashionmnist_part, photo_tiles
from evokit.data.image_set import Labelled
from evokit.data.image_values import UnfitImages, brightness, class_numbers, named
from evokit.errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset

SetName = Literal["fashionmnist", "mnist", "cifar10", "cifar100", "digits", "photo_tiles"]
Source = Literal["packaged", "files", "debian", "huggingface", "torchvision"]

READS_FOLDER: frozenset[Source] = frozenset({"files", "huggingface", "torchvision"})


@dataclass(frozen=True)
class Hub:
    """A data set on Hugging Face's hub and its columns."""

    path: str
    images: str
    labels: str = "label"


@dataclass(frozen=True)
class Known:
    """One data set; what is empty is no source of it.

    Attributes:
        names: Of its classes; empty if its own file has them.
        torchvision: The class that downloads it.
        debian: Folder and name of the package that fills it.
    """

    names: tuple[str, ...] = ()
    packaged: Callable[[], Stored] | None = None
    layout: Layout | None = None
    hub: Hub | None = None
    torchvision: str = ""
    debian: tuple[Path, str] | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        has: dict[Source, object] = {
            "packaged": self.packaged,
            "files": self.layout,
            "debian": self.debian,
            "huggingface": self.hub,
            "torchvision": self.torchvision,
        }
        return tuple(source for source, there in has.items() if there)


def _idx(folders: tuple[str, ...], digests: Mapping[str, str]) -> Layout:
    kinds = ("images-idx3-ubyte", "labels-idx1-ubyte")
    names = {"train": "train", "test": "t10k"}
    sides = {side: tuple(f"{names[side]}-{kind}" for kind in kinds) for side in SIDES}
    return Layout(folders, sides, {file: f"sha256:{value}" for file, value in digests.items()})


# Digests of the unpacked files. Fashion-MNIST: the files of Debian's package. MNIST: the files of the CVDF mirror.
# CIFAR: those that torchvision checks.
KNOWN: dict[SetName, Known] = {
    "fashionmnist": Known(
        GARMENTS,
        fashionmnist_part,
        _idx(
            ("FashionMNIST/raw", "fashion-mnist"),
            {
                "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            },
        ),
        Hub("zalando-datasets/fashion_mnist", "image"),
        "FashionMNIST",
        (Path("/usr/share/datasets/fashion-mnist"), "dataset-fashion-mnist"),
    ),
    "mnist": Known(
        DIGITS,
        layout=_idx(
            ("MNIST/raw", "mnist"),
            {
                "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
        ),
        hub=Hub("ylecun/mnist", "image"),
        torchvision="MNIST",
    ),
    "cifar10": Known(
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        layout=Layout(
            ("cifar-10-batches-py",),
            {"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)},
            {
                "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
                "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
                "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
                "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
                "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
                "test_batch": "md5:40351d587109b95175f43aff81a1287e",
            },
            labels="labels",
        ),
        hub=Hub("uoft-cs/cifar10", "img"),
        torchvision="CIFAR10",
    ),
    "cifar100": Known(
        layout=Layout(
            ("cifar-100-python",),
            {"train": ("train",), "test": ("test",)},
            {
                "train": "md5:16019d7e3df5f24257cddd939b257f8d",
                "test": "md5:f0ef6b0ae62326f3e7ffdfab6717acfc",
                "meta": "md5:7973b15100ade9c7d40fb424638fde48",
            },
            labels="fine_labels",
            meta=("meta", "fine_label_names"),
        ),
        hub=Hub("uoft-cs/cifar100", "img", "fine_label"),
        torchvision="CIFAR100",
    ),
    "digits": Known(DIGITS, digits),
    "photo_tiles": Known(PHOTOGRAPHS, photo_tiles),
}


def load(name: SetName, source: Source, folder: Path | None = None) -> Stored:
    """A data set from one of its ``KNOWN[name].sources``.

    Args:
        name: Of the data set.
        source: Where it comes from.
        folder: For ``files``, where they are; for ``torchvision``, where it keeps its downloads (evokit's cache if
            None); for ``huggingface``, a folder made by ``save_to_disk`` to use instead of the hub.

    Raises:
        UserError: It is not there, with a way to get it; or it is damaged or not the official one.
        ValueError: It is no source of this data set, or the folder is missing.
    """
    known = KNOWN[name]
    if source == "packaged" and known.packaged:
        return known.packaged()
    if source == "files" and known.layout and folder:
        return _from_files(known, known.layout, folder)
    if source == "debian" and known.layout and known.debian:
        return _from_files(known, known.layout, known.debian[0])
    if source == "huggingface" and known.hub:
        return _from_hub(known, known.hub, folder)
    if source == "torchvision" and known.layout and known.torchvision:
        return _from_torchvision(known, known.layout, folder or cache_directory() / "torchvision")
    raise ValueError(f"{name} cannot be had from {source}")


def _from_files(known: Known, layout: Layout, folder: Path) -> Stored:
    try:
        sides = layout.read(folder)
        names = known.names or layout.class_names(folder)
    except FileNotFoundError as error:
        raise UserError(f"data images: {error}; {_ways(known, folder)}") from error
    return Stored(sides["train"], sides["test"], names, str(folder))


def _ways(known: Known, folder: Path) -> str:
    """How to get the files of a data set."""
    command = f"import torchvision; torchvision.datasets.{known.torchvision}('{folder}', download=True)"
    ways = [f'get the files with: python -c "{command}"']
    if known.debian:
        ways.insert(0, f"install them with: apt-get install {known.debian[1]}, and say source: debian")
    if known.hub:
        ways.append(f"or say source: huggingface, which downloads {known.hub.path}")
    return "; ".join(ways)


def _from_torchvision(known: Known, layout: Layout, folder: Path) -> Stored:
    """torchvision downloads, evokit reads: the same bytes by the same reader as from files."""
    advice = "source: files reads files that are on disk, source: huggingface downloads without torchvision"
    try:
        module = importlib.import_module("torchvision.datasets")
    except (ImportError, RuntimeError, OSError) as error:  # a build for another torch raises RuntimeError
        raise UserError(
            f"data images: torchvision cannot be imported ({error}): install the one that fits torch with: "
            f"{with_extra(DISTRIBUTION, 'vision')}, or do without it: {advice}"
        ) from error
    try:
        for train in (True, False):
            getattr(module, known.torchvision)(str(folder), train=train, download=True)
    except (RuntimeError, OSError) as error:
        raise UserError(f"data images: torchvision cannot get {known.torchvision}: {error}; {advice}") from error
    return _from_files(known, layout, folder)._replace(origin=f"torchvision's download in {folder}")


def _from_hub(known: Known, hub: Hub, folder: Path | None) -> Stored:
    import datasets

    path = str(folder or hub.path)
    try:
        loaded = datasets.load_from_disk(path) if folder else datasets.load_dataset(path)
        if missing := [side for side in SIDES if side not in (loaded if isinstance(loaded, dict) else ())]:
            raise ValueError(f"it has no split {missing[0]}")
        names = known.names or tuple(loaded["train"].features[hub.labels].names)
        sides = {side: loaded[side].select_columns([hub.images, hub.labels]) for side in SIDES}
        train, test = _sides(sides, hub, len(names))
        return Stored(train, test, names, f"{path} (datasets {datasets.__version__})")
    except UnfitImages as error:
        raise UserError(f"data images: {path}: {error}") from error
    except ConnectionError as error:
        raise UserError(
            f"data images: the hub cannot be reached for {path}: save the data set with save_to_disk where it can "
            "be and give that folder as folder, or set HF_HOME to a cache that holds it"
        ) from error
    except ImportError as error:
        raise UserError(f"data images: {path} cannot be decoded ({error}); install: pip install pillow") from error
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"data images: {path} cannot be loaded: {type(error).__name__}: {error}") from error


def _sides(stored: Mapping[str, Dataset], hub: Hub, n_classes: int) -> list[Labelled]:
    """The sides, whose images mean the same by the same numbers."""
    images = (image for dataset in stored.values() for image in _column(dataset, hub.images))
    names = [named(i, side) for side, dataset in stored.items() for i in range(len(dataset))]
    cuts = np.cumsum([len(dataset) for dataset in stored.values()])[:-1]
    pieces = np.split(brightness(images, names), cuts)
    labels = [class_numbers(list(_column(dataset, hub.labels)), n_classes, side) for side, dataset in stored.items()]
    return [Labelled(*side) for side in zip(pieces, labels, strict=True)]


def _column(dataset: Dataset, column: str) -> Iterator[Any]:
    for batch in dataset.select_columns([column]).iter(batch_size=1000):
        yield from batch[column]

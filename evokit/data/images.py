"""Small labelled images for classification, by name: packaged, from files, or by the ecosystem's own loaders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Lt

from evokit.common.keys import digest
from evokit.data.image_packages import Stored
from evokit.data.image_resize import resized
from evokit.data.image_set import ImageSet, Labelled, split_images, statistics, stratified_order
from evokit.data.image_sources import KNOWN, READS_FOLDER, SetName, Source, load
from evokit.data.vault import Vault, cut_vault
from evokit.errors import UserError
from evokit.interfaces import Context, Data
from evokit.options import Count, added


@dataclass(frozen=True)
class OneSet:
    """A data set with its own answers to keys of ``Images``; what is null is as for all sets."""

    name: SetName
    source: Source | None = None
    folder: Path | None = None
    size: Count | None = None


@dataclass(frozen=True)
class Limit:
    """At most so many images of each data set on each side, each class by its share; a smaller limit takes the first
    images of a larger one."""

    train: Count | None = None
    validation: Count | None = None
    test: Count | None = None


@dataclass(frozen=True)
class Images:
    """Data sets of labelled images; each side is a mapping of data set to ``ImageSet``.

    Validation is cut from the training images, each class by its share. Which images are cut is decided by their
    stored pixels alone, so it is the same for every seed, size, source and machine. No picture is on two sides: copies
    of test images are left out of training and validation, copies of validation images out of training.

    From the hub or from disk, images may have 8 or 16 bits, one bit, fractions from 0 to 1, a palette or another colour
    space: they become brightness from 0 to 255. Others, and labels that are no class, are refused.
    """

    sets: tuple[SetName | OneSet, ...] = ("fashionmnist",)
    """Names, or mappings such as ``{name: digits, size: 28}`` with what differs for one of them."""

    source: Source = "packaged"
    """``packaged``: a part of Fashion-MNIST (10,000 and 2,000 test images), scikit-learn's digits (8x8, a fifth of
    them for testing), tiles of photographs (32x32, in colour, 900 and 225). ``files``: the official files below
    ``folder``. ``debian``: the package dataset-fashion-mnist. ``huggingface``, ``torchvision``: downloaded by them."""

    folder: Path | None = None
    """Where files are; for torchvision, where it keeps its downloads; for huggingface, a folder made by
    ``save_to_disk`` to read instead of the hub."""

    size: Annotated[int, Ge(1)] | None = None
    """Height and width that the images are resized to, by area; their own if null."""

    validation: Annotated[int, Ge(1)] | Annotated[float, Gt(0), Lt(1)] = 0.1
    """How many of each data set's training images become validation, or which share of them."""

    limit: Limit = field(default_factory=Limit)
    """At most so many images a side, after the split."""

    drawn: bool = added(False)
    """Whether the seed of the run draws the training images, each class by its share, from all that are not validation.
    So each of its ``repeats`` has others, while validation and test stay. A smaller limit takes the first of a larger
    one still."""

    vault: Vault = 0.0
    """About this share of each data set's test images, by their stored pixels, is kept for ``evokit unseal``."""

    def __post_init__(self) -> None:
        members = self.members
        if not members:
            raise ValueError("sets must name at least one data set")
        for i, one in enumerate(members):
            if one.name in [other.name for other in members[:i]]:
                raise ValueError(f"sets names {one.name} twice")
            if one.source not in KNOWN[one.name].sources:
                raise ValueError(f"{one.name} cannot be had from {one.source}, only from {_listed(one.name)}")
            if one.source == "files" and one.folder is None:
                raise ValueError(f"source files needs a folder for {one.name}")
        if self.folder and not any(one.source in READS_FOLDER for one in members):
            raise ValueError(f"folder is given but source {self.source} does not read it")

    @property
    def members(self) -> tuple[OneSet, ...]:
        """The data sets with all that is set for each."""
        named = [OneSet(entry) if isinstance(entry, str) else entry for entry in self.sets]
        return tuple(
            OneSet(one.name, one.source or self.source, one.folder or self.folder, one.size or self.size)
            for one in named
        )

    def build(self, context: Context) -> Data:
        """Train, validation and test as mappings of data set to ``ImageSet``, in the order of ``sets``.

        Raises:
            UserError: A data set is not where the recipe says, is not the official one, or is too small to be split.
        """
        sides: dict[str, dict[str, ImageSet]] = {"train": {}, "validation": {}, "test": {}}
        if self.vault:
            sides["vault"] = {}
        origins, sizes = [], {}
        for one in self.members:
            stored = load(one.name, one.source or self.source, one.folder)
            try:
                split, copies = self._split(stored, one, context)
            except ValueError as error:
                raise UserError(f"data images: {one.name} from {stored.origin}: {error}") from error
            for side, images in split.items():
                sides[side][one.name] = images
                sizes[f"{one.name}_{side}_images"] = len(images)
            sizes[f"{one.name}_copies_left_out"] = copies
            origins.append(f"{one.name}: {stored.origin}")
        content = {side: {name: images.digest for name, images in members.items()} for side, members in sides.items()}
        return Data("images", "; ".join(origins), digest(content), sizes, **sides)

    def _split(self, stored: Stored, one: OneSet, context: Context) -> tuple[Mapping[str, ImageSet], int]:
        """Side to images, and how many copies were left out."""
        split = split_images(stored.train, stored.test, self.validation)
        if self.drawn:
            labels, rng = split.train.labels, context.streams.at("images", one.name).numpy()
            order = stratified_order(labels, rng.permutation(len(labels)))
            split = split._replace(train=split.train.take(order))
        limits = {"train": self.limit.train, "validation": self.limit.validation, "test": self.limit.test}
        sides = {side: _first(getattr(split, side), limit) for side, limit in limits.items()}
        mean, std = statistics(sides["train"].images)
        parts = {side: ImageSet(*part, stored.names, mean, std) for side, part in sides.items()}
        if self.vault:
            parts["test"], parts["vault"] = cut_vault(parts["test"], self.vault)
        # Last, so that an image is on the same side whatever its size.
        return parts if one.size is None else _resized(parts, one.size), split.copies


def _resized(parts: Mapping[str, ImageSet], size: int) -> dict[str, ImageSet]:
    images = {side: resized(part.images, size) for side, part in parts.items()}
    mean, std = statistics(images["train"])
    return {side: replace(part, images=images[side], mean=mean, std=std) for side, part in parts.items()}


def _first(part: Labelled, limit: int | None) -> Labelled:
    return Labelled(part.images[:limit], part.labels[:limit])


def _listed(name: SetName) -> str:
    return ", ".join(KNOWN[name].sources)

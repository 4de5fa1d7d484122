"""Any labelled text data set that Hugging Face ``datasets`` can load, such as a task of GLUE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from annotated_types import Ge, MinLen

from evokit.data.huggingface import completed, load, text_of, without_near_duplicates
from evokit.data.image_set import stratified_order
from evokit.data.labelled import LabelledTexts, labelled_data
from evokit.data.near_duplicates import near_duplicates
from evokit.data.text import numbered
from evokit.data.vault import Vault, cut_vault
from evokit.data.vocabulary import encode_documents
from evokit.errors import UserError
from evokit.interfaces import Context, Data
from evokit.options import FolderOrName, HubName
from evokit.streams import Streams

if TYPE_CHECKING:
    from datasets import Dataset

GLUE = HubName("nyu-mll/glue")


@dataclass(frozen=True)
class LabelledSplits:
    """Which stored split is which side; null is cut from the training texts. GLUE's test labels are hidden."""

    train: str = "train"
    validation: str | None = None
    test: str | None = "validation"


@dataclass(frozen=True)
class LabelledText:
    """Texts and their classes by a data set's name on the hub, or the folder it was saved to; the defaults are GLUE's.

    A side that is missing is cut from the training texts, a tenth of each class, in an order that their content decides
    and no seed changes. The texts of a pair (``text: [premise, hypothesis]``) are joined by a line break.
    Near-duplicates are treated as by ``huggingface``.
    """

    path: FolderOrName = GLUE
    """``owner/name`` on the hub, or a folder made by ``save_to_disk``; one beside the recipe goes before the hub."""

    config: str | None = None
    """The configuration on the hub, of GLUE the task, such as ``sst2``."""

    revision: str | None = None
    """Commit or tag on the hub; the newest if none."""

    text: Annotated[tuple[str, ...], MinLen(1)] = ("sentence",)
    """The columns that hold the text."""

    label: str = "label"
    """The column that holds the class, a number from 0 or true and false."""

    max_texts: Annotated[int, Ge(1)] | None = None
    """At most so many texts of each stored split, each class by its share."""

    splits: LabelledSplits = field(default_factory=LabelledSplits)

    vault: Vault = 0.0
    """About this share of the test units, by content, is kept for ``evokit unseal``."""

    def build(self, context: Context) -> Data:
        """Train, validation and test as ``LabelledTexts``, each text a unit of its own but for near-duplicates.

        Raises:
            UserError: The data set cannot be had, lacks a split, a column or labels, or is too small to be split.
            ValueError: The vault would be empty, or hold all of the test.
        """
        import datasets

        stored = load(self.path, self.config, self.revision, name="labelled_text", instead="{name: prose_periods}")
        wanted = {"train": self.splits.train, "validation": self.splits.validation, "test": self.splits.test}
        texts: dict[str, dict[str, str]] = {}
        labels: dict[str, int] = {}
        for side, split in wanted.items():
            if split is None:
                continue
            if split not in stored:
                message = f"{self.path} has no split {split}, only {', '.join(stored)}"
                raise UserError(f"data labelled_text: {message}")
            texts[side], found = self._read(stored[split], split)
            labels |= found
        sides, left_out = without_near_duplicates(completed(texts, self.path, "labelled_text", labels))
        classes = _classes(labels, self.path)
        label = " ".join(map(str, filter(None, [self.path, self.config, self.revision])))
        labelled = {side: _labelled(found, labels, classes) for side, found in sides.items()}
        units = numbered(near_duplicates(list(sides["test"].values())))
        labelled["test"] = replace(labelled["test"], units=units)
        if self.vault:
            labelled["test"], labelled["vault"] = cut_vault(labelled["test"], self.vault)
        data = labelled_data("labelled_text", f"{label} (datasets {datasets.__version__})", labelled)
        return replace(data, sizes={**data.sizes, "near_duplicates_left_out": left_out})

    def _read(self, dataset: Dataset, split: str) -> tuple[dict[str, str], dict[str, int]]:
        """Name to text and name to class."""
        columns = [*self.text, self.label]
        for column in columns:
            if column not in dataset.column_names:
                raise UserError(
                    f"data labelled_text: {self.path} has no column {column}, only {', '.join(dataset.column_names)}"
                )
        texts: dict[str, str] = {}
        labels: dict[str, int] = {}
        chosen = self._chosen(dataset, split)
        for i, row in zip(chosen, dataset.select(chosen).select_columns(columns), strict=True):
            where = f"data labelled_text: row {i} of split {split} of {self.path}: column"
            parts = [text_of(row[column], f"{where} {column}") for column in self.text]
            if any(part.strip() for part in parts):
                texts[f"{split}/{i:08d}"] = "\n".join(parts)
                labels[f"{split}/{i:08d}"] = _class(row[self.label], i, split)
        return texts, labels

    def _chosen(self, dataset: Dataset, split: str) -> list[int]:
        """Ascending numbers of the rows that are read."""
        if self.max_texts is None or len(dataset) <= self.max_texts:
            return list(range(len(dataset)))
        values = dataset.select_columns([self.label])[self.label]
        labels = np.array([_class(value, i, split) for i, value in enumerate(values)], np.int64)
        shuffle = Streams(0).at("labelled_text", "order").numpy().permutation(len(labels))
        return sorted(stratified_order(labels, shuffle)[: self.max_texts].tolist())


def _class(value: Any, row: int, split: str) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        problem = f"split {split} has the label {value!r:.40}: hidden, or no number from 0"
        raise UserError(f"data labelled_text: {problem} (row {row})")
    return int(value)


def _classes(labels: Mapping[str, int], path: Path | str) -> tuple[str, ...]:
    """Names of the classes, which are numbered without gaps."""
    found = sorted(set(labels.values()))
    gap = next((number for number, label in enumerate(found) if number != label), None)
    if gap is not None:
        problem = f"the labels of {path} go up to {found[-1]}, but none is {gap}"
        raise UserError(f"data labelled_text: {problem}; number the classes from 0 without gaps")
    return tuple(map(str, found))


def _labelled(texts: Mapping[str, str], labels: Mapping[str, int], classes: tuple[str, ...]) -> LabelledTexts:
    names = list(texts)
    found = np.array([labels[name] for name in names], np.int64)
    return LabelledTexts(encode_documents(list(texts.values()), names), found, classes, np.arange(len(names)))

"""Any text data set that Hugging Face ``datasets`` can load, from the hub or from disk."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from evokit.data.text import split_by_document, text_data
from evokit.data.vocabulary import encode_documents
from evokit.errors import UserError
from evokit.interfaces import Context, Data

if TYPE_CHECKING:
    from datasets import Dataset

log = logging.getLogger(__name__)

_TITLE = re.compile(r" = [^=\n]+ = \n?")


@dataclass(frozen=True)
class Splits:
    """What the data set calls its splits."""

    train: str = "train"
    validation: str = "validation"
    test: str = "test"


@dataclass(frozen=True)
class HuggingFace:
    """A text data set by its name on the hub, or by the folder it was saved to.

    Stored splits are used; what is missing of validation and test is cut from the training documents. A text that
    occurs on two sides is kept in test rather than validation, and in either rather than in training.
    """

    path: str
    """``owner/name`` on the hub, or a folder made by ``save_to_disk``."""

    config: str | None = None
    """The configuration on the hub, such as ``wikitext-103-v1``."""

    revision: str | None = None
    """Commit or tag on the hub; the newest if none."""

    text: str = "text"
    """The column that holds the text."""

    articles: bool = False
    """Rows are the lines of articles, as WikiText stores them: a document starts at each `` = Title = `` line."""

    max_documents: Annotated[int, Ge(1)] | None = None
    """At most so many documents of each stored split, its first ones."""

    splits: Splits = field(default_factory=Splits)

    def build(self, context: Context) -> Data:
        """Train, validation and test as ``Documents``, named by split and position.

        Raises:
            UserError: The hub cannot be reached, the data set has no such configuration, split or column, or it is
                too small to be split.
        """
        import datasets

        stored = load(self.path, self.config, self.revision)
        if self.splits.train not in stored:
            raise UserError(f"data huggingface: {self.path} has no split {self.splits.train}, only {', '.join(stored)}")
        sides = {side: self._texts(stored[name], name) for side, name in asdict(self.splits).items() if name in stored}
        sides = without_copies(completed(sides, self.path))
        documents = {side: encode_documents(list(texts.values()), list(texts)) for side, texts in sides.items()}
        label = " ".join(filter(None, [self.path, self.config, self.revision]))
        return text_data("huggingface", f"{label} (datasets {datasets.__version__})", **documents)

    def _texts(self, dataset: Dataset, split: str) -> dict[str, str]:
        """Name to text of each document that is more than white space."""
        rows = _rows(dataset, self.text, self.path)
        documents = (text for text in (_articles(rows) if self.articles else rows) if text.strip())
        return {f"{split}/{i:08d}": text for i, text in enumerate(islice(documents, self.max_documents))}


def load(
    path: str,
    config: str | None,
    revision: str | None,
    *,
    name: str = "huggingface",
    instead: str = "{name: prose}",
) -> Mapping[str, Dataset]:
    """Split name to data set.

    Args:
        path, config, revision: Of the data set.
        name: Of the component that asks, for messages.
        instead: What a recipe may say where the hub cannot be reached.

    Raises:
        UserError: It cannot be had.
    """
    import datasets

    saved = any((Path(path) / name).exists() for name in ("dataset_dict.json", "state.json"))
    try:
        loaded = datasets.load_from_disk(path) if saved else datasets.load_dataset(path, config, revision=revision)
    except ConnectionError as error:
        raise UserError(
            f"data {name}: the hub cannot be reached for {path}: save the data set with save_to_disk where it "
            "can be and give that folder as path, set HF_HOME to a cache that holds it, or use the packaged text: "
            f"data: {instead}"
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"data {name}: {path} cannot be loaded: {error}") from error
    return loaded if isinstance(loaded, dict) else {"train": loaded}


def _rows(dataset: Dataset, column: str, path: str) -> Iterator[str]:
    if column not in dataset.column_names:
        raise UserError(f"data huggingface: {path} has no column {column}, only {', '.join(dataset.column_names)}")
    for batch in dataset.select_columns([column]).iter(batch_size=1000):
        for text in batch[column]:
            if not isinstance(text, str):
                raise UserError(f"data huggingface: column {column} of {path} holds {type(text).__name__}, not text")
            yield text


def _articles(rows: Iterable[str]) -> Iterator[str]:
    """Lines joined into articles. A title stands after an empty line, which tells it from a line of an infobox."""
    lines: list[str] = []
    for row in rows:
        if _TITLE.fullmatch(row) and not (lines and lines[-1].strip()):
            yield "".join(lines)
            lines = []
        lines.append(row)
    yield "".join(lines)


def completed(sides: Mapping[str, dict[str, str]], path: str, name: str = "huggingface") -> dict[str, dict[str, str]]:
    """All three sides; those that are missing are cut from the training documents."""
    if len(sides) == 3:
        return dict(sides)
    train = dict(sides["train"])
    names = list(train)
    try:
        split = split_by_document(names, groups=list(train.values()))
    except ValueError as error:
        raise UserError(f"data {name}: {path}: {error}") from error
    cut = {}
    for side, indices in (("validation", split.validation), ("test", split.test)):
        if side not in sides:
            cut[side] = {names[i]: train.pop(names[i]) for i in indices}
    return {**sides, **cut, "train": train}


def without_copies(sides: Mapping[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """All sides, each text on one of them only."""
    seen: set[str] = set()
    kept = {}
    for side in ("test", "validation", "train"):
        kept[side] = {name: text for name, text in sides[side].items() if text not in seen}
        seen.update(kept[side].values())
        if copies := len(sides[side]) - len(kept[side]):
            log.info("Left out %d %s documents that occur on another side too", copies, side)
    return kept

"""Any text data set that Hugging Face ``datasets`` can load, from the hub or from disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Ge

from evokit.data.near_duplicates import apart, near_duplicates
from evokit.data.raw_text import plain
from evokit.data.text import content_names, split_by_class, split_by_document, text_data
from evokit.data.vault import Vault
from evokit.data.vocabulary import encode_documents
from evokit.errors import UserError
from evokit.interfaces import Context, Data
from evokit.options import FolderOrName, HubName

if TYPE_CHECKING:
    from datasets import Dataset

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

    Stored splits are used; what is missing of validation and test is cut from the training documents, a tenth each,
    near-duplicates together; their content decides, so that no order of the rows favours a side. Near-duplicates on
    two sides, copies among them, are kept in test rather than validation, and in either rather than in training;
    ``evokit check`` and the report say how many that leaves out. Those in test are one unit.
    All this takes a few seconds for a million words, once.
    """

    path: FolderOrName
    """``owner/name`` on the hub, or a folder made by ``save_to_disk``; one beside the recipe goes before the hub."""

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

    vault: Vault = 0.0
    """About this share of the test units, by content, is kept for ``evokit unseal``."""

    def build(self, context: Context) -> Data:
        """Train, validation and test as ``Documents``, named by split and position.

        Raises:
            UserError: The hub cannot be reached, the data set has no such configuration, split or column, or it is
                too small to be split.
            ValueError: The vault would be empty, or hold all of the test.
        """
        import datasets

        stored = load(self.path, self.config, self.revision)
        if self.splits.train not in stored:
            raise UserError(f"data huggingface: {self.path} has no split {self.splits.train}, only {', '.join(stored)}")
        sides = {side: self._texts(stored[name], name) for side, name in asdict(self.splits).items() if name in stored}
        sides, left_out = without_near_duplicates(completed(sides, self.path))
        documents = {side: encode_documents(list(texts.values()), list(texts)) for side, texts in sides.items()}
        documents["test"] = replace(documents["test"], groups=near_duplicates(list(sides["test"].values())))
        label = " ".join(map(str, filter(None, [self.path, self.config, self.revision])))
        data = text_data(
            "huggingface",
            f"{label} (datasets {datasets.__version__})",
            train=documents["train"],
            validation=documents["validation"],
            test=documents["test"],
            vault=self.vault,
        )
        return replace(data, sizes={**data.sizes, "near_duplicates_left_out": left_out})

    def _texts(self, dataset: Dataset, split: str) -> dict[str, str]:
        """Name to text of each document that is more than white space."""
        rows = _rows(dataset, self.text, self.path)
        documents = (text for text in (_articles(rows) if self.articles else rows) if text.strip())
        return {f"{split}/{i:08d}": text for i, text in enumerate(islice(documents, self.max_documents))}


def load(
    path: Path | str,
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

    if isinstance(path, Path) and not path.is_dir():
        raise UserError(f"data {name}: there is no folder {path}")
    if isinstance(path, HubName) and Path(path).exists():
        # datasets would read it, so that the folder in which a command is called would decide what is measured.
        message = f"{path} is not beside the recipe but where the command is called; write its path from the recipe"
        raise UserError(f"data {name}: {message}, or call evokit elsewhere to have {path} of the hub")
    saved = any((Path(path) / name).exists() for name in ("dataset_dict.json", "state.json"))
    place = str(path)
    try:
        loaded = datasets.load_from_disk(place) if saved else datasets.load_dataset(place, config, revision=revision)
    except ConnectionError as error:
        raise UserError(
            f"data {name}: the hub cannot be reached for {path}: save the data set with save_to_disk where it "
            "can be and give that folder as path, set HF_HOME to a cache that holds it, or use the packaged text: "
            f"data: {instead}"
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"data {name}: {path} cannot be loaded: {error}") from error
    return loaded if isinstance(loaded, dict) else {"train": loaded}


def _rows(dataset: Dataset, column: str, path: Path | str) -> Iterator[str]:
    if column not in dataset.column_names:
        raise UserError(f"data huggingface: {path} has no column {column}, only {', '.join(dataset.column_names)}")
    row = 0
    for batch in dataset.select_columns([column]).iter(batch_size=1000):
        for value in batch[column]:
            yield text_of(value, f"data huggingface: row {row} of column {column} of {path}")
            row += 1


def text_of(value: Any, where: str) -> str:
    """As ``plain`` has it; an error begins with ``where``.

    Raises:
        UserError: It is no text, or half of a character stands alone.
    """
    try:
        return plain(value)
    except ValueError as error:
        raise UserError(f"{where} {error}") from error


def _articles(rows: Iterable[str]) -> Iterator[str]:
    """Lines joined into articles. A title stands after an empty line, which tells it from a line of an infobox."""
    lines: list[str] = []
    for row in rows:
        if _TITLE.fullmatch(row) and not (lines and lines[-1].strip()):
            yield "".join(lines)
            lines = []
        lines.append(row)
    yield "".join(lines)


def completed(
    sides: Mapping[str, dict[str, str]],
    path: Path | str,
    name: str = "huggingface",
    labels: Mapping[str, int] | None = None,
) -> dict[str, dict[str, str]]:
    """All three sides; those that are missing are cut from the training documents, by their content.

    Args:
        sides: Side to name to text.
        path, name: Of data set and component, for messages.
        labels: Name to class, to cut of each class its share.

    Raises:
        UserError: There are too few documents.
    """
    if not sides["train"]:
        raise UserError(f"data {name}: {path}: the training split holds no text")
    if len(sides) == 3:
        return dict(sides)
    train = dict(sides["train"])
    names, texts = list(train), list(train.values())
    content, groups = content_names(texts), near_duplicates(texts).tolist()
    try:
        if labels is None:
            split = split_by_document(content, groups)
        else:
            split = split_by_class(content, [labels[one] for one in names], groups)
    except ValueError as error:
        raise UserError(f"data {name}: {path}: {error}") from error
    cut = {}
    for side, indices in (("validation", split.validation), ("test", split.test)):
        if side not in sides:
            cut[side] = {names[i]: train.pop(names[i]) for i in indices}
    return {**sides, **cut, "train": train}


def without_near_duplicates(sides: Mapping[str, dict[str, str]]) -> tuple[dict[str, dict[str, str]], int]:
    """All sides, near-duplicates on one of them only, and how many texts that left out."""
    order = ("test", "validation", "train")
    texts = [text for side in order for text in sides[side].values()]
    stay = apart(texts, [i for i, side in enumerate(order) for _ in sides[side]])
    kept = iter(stay.tolist())
    return {side: {name: sides[side][name] for name in sides[side] if next(kept)} for side in order}, int((~stay).sum())

"""Texts with a class each, for classification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evokit.common.keys import array_key, digest
from evokit.data.text import Documents, numbered, smallest_keys
from evokit.errors import UserError
from evokit.interfaces import Data
from evokit.streams import Streams


@dataclass(frozen=True, eq=False)
class LabelledTexts:
    """Tokenized texts, the class of each, and the unit that each counts in.

    Args:
        texts: One entry a text.
        labels: ``(n_texts,)`` int64, indices into ``classes``.
        classes: Their names, the same on all sides.
        units: ``(n_texts,)`` int64 from 0 without gaps. What is from one document or from near-duplicates is no
            independent evidence, so it is one unit, and scores are means over units.
    """

    texts: Documents
    labels: np.ndarray
    classes: tuple[str, ...]
    units: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)

    def unit_keys(self) -> list[str]:
        """A digest for each unit, the smallest of its texts'."""
        return smallest_keys(self.texts, self.units)

    def take_units(self, indices: np.ndarray) -> LabelledTexts:
        """The texts of these units, which are numbered anew."""
        texts = np.flatnonzero(np.isin(self.units, indices))
        return LabelledTexts(self.texts.select(texts), self.labels[texts], self.classes, numbered(self.units[texts]))

    @cached_property
    def digest(self) -> str:
        """Of texts, labels, classes and units."""
        return digest([self.texts.digest, array_key(self.labels), self.classes, array_key(self.units)])

    def balanced(self, n: int) -> np.ndarray:
        """``(n,)`` indices of texts, of every class as many as any prefix allows, in an order that no seed changes.

        Raises:
            UserError: A class has too few texts.
        """
        rng = Streams(0).at("labelled", "order").numpy()
        each = -(-n // len(self.classes))
        columns = [rng.permutation(np.flatnonzero(self.labels == label))[:each] for label in range(len(self.classes))]
        fewest = min(range(len(columns)), key=lambda label: len(columns[label]))
        if len(columns[fewest]) < each:
            raise UserError(
                f"{n} texts of {len(self.classes)} classes need {each} of each, but class {self.classes[fewest]!r} has "
                f"{len(columns[fewest])}"
            )
        return np.stack(columns, axis=1).ravel()[:n]


def labelled_data(name: str, origin: str, sides: Mapping[str, LabelledTexts]) -> Data:
    """What a component for classification builds.

    Args:
        name: Of the component.
        origin: Where the texts are from.
        sides: ``train``, ``validation`` and ``test``, and ``vault`` if there is one.

    Raises:
        UserError: A side lacks a class, or there are fewer than two. Test and vault count together.
    """
    held_out = [side for side in ("test", "vault") if side in sides]
    tested = np.concatenate([sides[side].labels for side in held_out])
    sizes: dict[str, int] = {}
    for side, texts in sides.items():
        if len(texts.classes) < 2:
            raise UserError(f"data {name}: {origin} has one class only")
        labels = tested if side in held_out else texts.labels
        if missing := set(range(len(texts.classes))) - set(labels.tolist()):
            lacking = few([texts.classes[label] for label in sorted(missing)])
            raise UserError(f"data {name}: no text of class {lacking} is left for {side} in {origin}")
        sizes |= {f"{side}_texts": len(texts), f"{side}_units": int(texts.units.max()) + 1}
    content = digest({side: texts.digest for side, texts in sides.items()})
    return Data(name, origin, content, sizes, **sides)


def few(names: Sequence[str], most: int = 5) -> str:
    """The first names, and how many more there are.

    >>> few(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest

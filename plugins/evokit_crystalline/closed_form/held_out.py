"""Which training documents the closed form counts, and what it leaves to crystals, refits and checks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evokit.data.text import Blocks, Documents, full_blocks
from evokit.errors import UserError
from evokit.streams import Streams

EVERY = 10  # training documents, of which one is held out
EVERY_BESIDE_LESSONS = 30  # likewise, where crystals have documents of their own
REFIT_SHARE = 0.3  # of their blocks
MOST_BLOCKS = 2048  # for crystals
CHECK_SHARE = 1 / 3  # of the blocks for refits, where a fit is checked
MOST_CHECKED = 128


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Blocks of training documents that the fit which crystals stand beside has not counted, in an order drawn once and
    for all runs.

    Args:
        for_crystals: What learned crystals are fitted to.
        for_refits: What refits of the continuous parts are fitted to; no crystal saw them.
        for_checks: What decides how far the closed form goes; nothing is fitted to them. None where it asks for no such
            decision: the blocks are the refits' then.
        counted_last: The documents that the closed form counts once crystals have what they are fitted to, theirs
            among them; None where theirs are never counted.
    """

    for_crystals: Blocks
    for_refits: Blocks
    for_checks: Blocks | None = None
    counted_last: Documents | None = None


def held_out(train: Documents, block: int, *, checked: bool = False, lessons: float = 0.0) -> tuple[Documents, HeldOut]:
    """The documents that bigrams are counted in first, and what is left of the others.

    Args:
        train: The training split.
        block: Tokens of a block.
        checked: Whether some of them are for checks of the closed form.
        lessons: Share of the documents that are left to crystals until the last sweeps; 0 gives them a part of the
            tenth that is held out.

    Raises:
        UserError: There are too few documents for lessons.
    """
    numbers = np.arange(len(train))
    every = EVERY_BESIDE_LESSONS if lessons else EVERY
    chosen = numbers % every == min(every, len(train)) - 1
    taught = np.zeros(len(train), bool)
    taught[~chosen] = np.diff(np.floor(lessons * np.arange((~chosen).sum() + 1))) > 0  # spread evenly
    if lessons and (not taught.any() or (chosen | taught).all()):
        raise UserError(
            f"fitness gpt2_loss: continuous.lessons: {lessons:g} of {len(train)} training documents leaves none to "
            "crystals or none to the closed form"
        )
    blocks = full_blocks(train.select(numbers[chosen]), block)
    # The name of the stream decides every result: it stays.
    order = Streams(0).at("gpt2_loss", "lessons").numpy().permutation(len(blocks))
    n = len(blocks) if lessons else round(REFIT_SHARE * len(blocks))
    n_checked = min(round(CHECK_SHARE * n), MOST_CHECKED) if checked else 0
    for_crystals = blocks.take(order[n:][:MOST_BLOCKS])
    if lessons:
        own = full_blocks(train.select(numbers[taught]), block)
        for_crystals = own.take(Streams(0).at("gpt2_loss", "taught").numpy().permutation(len(own))[:MOST_BLOCKS])
    return train.select(numbers[~(chosen | taught)]), HeldOut(
        for_crystals=for_crystals,
        for_refits=blocks.take(order[n_checked:n]),
        for_checks=blocks.take(order[:n_checked]) if checked else None,
        counted_last=train.select(numbers[~chosen]) if lessons else None,
    )

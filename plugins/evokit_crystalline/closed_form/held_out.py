"""Training documents that the closed form leaves to learned crystals and to refits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evokit.data.text import Blocks, Documents, full_blocks
from evokit.streams import Streams

EVERY = 10  # training documents, of which one is held out
REFIT_SHARE = 0.3  # of their blocks
MOST_BLOCKS = 2048  # for crystals
CHECK_SHARE = 1 / 3  # of the blocks for refits, where a fit is checked
MOST_CHECKED = 128


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Blocks of the training documents that no bigram is counted in, in an order drawn once and for all runs.

    Args:
        for_crystals: What learned crystals are fitted to.
        for_refits: What refits of the continuous parts are fitted to; no crystal saw them.
        for_checks: What decides how far the closed form goes; nothing is fitted to them. None where it asks for no such
            decision: the blocks are the refits' then.
    """

    for_crystals: Blocks
    for_refits: Blocks
    for_checks: Blocks | None = None


def held_out(train: Documents, block: int, *, checked: bool = False) -> tuple[Documents, HeldOut]:
    """The documents that bigrams are counted in, and blocks of the others.

    Args:
        train: The training split.
        block: Tokens of a block.
        checked: Whether some of them are for checks of the closed form.
    """
    numbers = np.arange(len(train))
    chosen = numbers % EVERY == min(EVERY, len(train)) - 1
    blocks = full_blocks(train.select(numbers[chosen]), block)
    # The name of the stream decides every result: it stays.
    order = Streams(0).at("gpt2_loss", "lessons").numpy().permutation(len(blocks))
    n = round(REFIT_SHARE * len(blocks))
    n_checked = min(round(CHECK_SHARE * n), MOST_CHECKED) if checked else 0
    return train.select(numbers[~chosen]), HeldOut(
        for_crystals=blocks.take(order[n:][:MOST_BLOCKS]),
        for_refits=blocks.take(order[n_checked:n]),
        for_checks=blocks.take(order[:n_checked]) if checked else None,
    )

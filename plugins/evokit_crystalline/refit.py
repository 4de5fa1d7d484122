"""The head refitted in closed form to what a body's activations say on tokens that the parts were not fitted to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from scipy import sparse

from evokit.data.text import Blocks
from evokit_crystalline import gpt2
from evokit_crystalline.basis import ANCHOR, CONTENT, basis
from evokit_crystalline.bigrams import Bigrams
from evokit_crystalline.factors import Factors, newton_words
from evokit_crystalline.fitted import ANCHOR_SIZE
from evokit_crystalline.gpt2 import Projection
from evokit_crystalline.measuring import Frame, groups
from evokit_crystalline.sizes import HEAD

BLOCKS = 256
"""At most so many are read: a Newton step over the words costs thrice what their loss does."""


def refitted_head(
    frame: Frame, layers: Sequence[Projection], blocks: Blocks, pseudo_counts: float
) -> dict[str, torch.Tensor]:
    """The frame's parts after one Newton step for every row of the head: ``newton_words`` with each token of ``blocks``
    as a context of its own.

    Args:
        frame: Fitted continuous parts.
        layers: One projection per slot.
        blocks: Of the training split, without padding; the first ``BLOCKS`` of them are read.
        pseudo_counts: Of average tokens, added to each row's Hessian.
    """
    directions = torch.from_numpy(basis(frame.sizes.n_embd))
    content, anchor = directions[CONTENT:], directions[ANCHOR]
    blocks = blocks.take(slice(BLOCKS))
    with torch.no_grad():
        states = [gpt2.hidden(frame.parts, layers, frame.sizes, torch.from_numpy(g.inputs)) for g in groups(blocks)]
    hidden = torch.cat([state.flatten(0, 1) @ content.T for state in states])
    # Words that training never predicted share one row and stay together.
    rows, shares, counts = np.unique(frame.parts[HEAD].numpy(), axis=0, return_inverse=True, return_counts=True)
    head, log_counts = torch.from_numpy(rows), torch.from_numpy(np.log(counts, dtype=np.float32))
    before = Factors(hidden, head @ content.T, ANCHOR_SIZE * (head @ anchor) + log_counts)
    after = newton_words(_tokens(shares.ravel()[blocks.targets.ravel()], len(rows)), before, pseudo_counts)
    bias = (after.b - log_counts) / ANCHOR_SIZE
    fitted = after.H @ content + bias[:, None] * anchor
    return {**frame.parts, HEAD: fitted[torch.from_numpy(shares.ravel())]}


def _tokens(targets: np.ndarray, n_words: int) -> Bigrams:
    """Every token a context that was read once, nothing smoothed."""
    n = len(targets)
    seen = sparse.csr_matrix((np.ones(n, np.float32), targets, np.arange(n + 1)), shape=(n, n_words))
    nothing = np.zeros(n, np.float32)
    base = np.full(n_words, 1 / n_words, np.float32)
    words = np.bincount(targets, minlength=n_words).astype(np.float32)
    return Bigrams(np.arange(n - 1), np.arange(n_words - 1), seen, nothing, base, nothing + 1, words, n_words)

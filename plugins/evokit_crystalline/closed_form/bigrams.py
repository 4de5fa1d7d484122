"""Which token follows which in the training split, smoothed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from evokit.data.text import Blocks


@dataclass(frozen=True, eq=False)
class Bigrams:
    """Interpolated Kneser-Ney bigrams: ``q(word | context) = discounted + backoff(context) * base(word)``.

    Contexts and words are those of the training split; behind them stands one more of each, for all tokens that were
    never read and all that never followed.

    Args:
        contexts: ``(n_contexts - 1,)`` token ids.
        words: ``(n_words - 1,)`` token ids.
        discounted: ``(n_contexts, n_words)`` sparse float32, the discounted part of ``q``.
        backoff: ``(n_contexts,)`` float32, the mass that each context leaves to ``base``.
        base: ``(n_words,)`` float32, the continuation distribution; sums to 1.
        context_counts: ``(n_contexts,)`` float32; of what was never read, what is expected (Good-Turing).
        word_counts: ``(n_words,)`` float32, likewise.
        vocab_size: Tokens in all.

    Source: Chen and Goodman 1999, "An empirical study of smoothing techniques for language modeling", section 2.7.
    """

    contexts: np.ndarray
    words: np.ndarray
    discounted: sparse.csr_matrix
    backoff: np.ndarray
    base: np.ndarray
    context_counts: np.ndarray
    word_counts: np.ndarray
    vocab_size: int

    @property
    def n_unseen(self) -> int:
        """Tokens that the last word stands for."""
        return self.vocab_size - len(self.words)

    def context_of(self) -> np.ndarray:
        """``(vocab_size,)`` the context that each token id is."""
        return _indices(self.contexts, self.vocab_size)

    def word_of(self) -> np.ndarray:
        """``(vocab_size,)`` the word that each token id is."""
        return _indices(self.words, self.vocab_size)


def count_bigrams(blocks: Blocks, vocab_size: int, discount: float) -> Bigrams:
    """Bigrams of all inputs and targets of ``blocks``, which have no padding.

    Args:
        blocks: Of the training split.
        vocab_size: Tokens in all.
        discount: Taken from each count, between 0 and 1.
    """
    inputs, targets = blocks.inputs.ravel(), blocks.targets.ravel()
    contexts, rows = np.unique(inputs, return_inverse=True)
    words, columns = np.unique(targets, return_inverse=True)
    shape = (len(contexts) + 1, len(words) + 1)
    counts = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()
    word_counts = np.asarray(counts.sum(0)).ravel()
    unseen = max((word_counts == 1).sum(), 1) / len(rows)  # Good and Turing's estimate

    context_counts = np.append(np.asarray(counts.sum(1)).ravel()[:-1], unseen * len(rows))
    continuations = np.bincount(counts.indices, minlength=shape[1])
    base = continuations / continuations.sum() * (1 - unseen)
    base[-1] = unseen
    discounted = counts.copy()
    discounted.data -= discount
    discounted = (sparse.diags(1 / context_counts) @ discounted).tocsr()
    return Bigrams(
        contexts,
        words,
        discounted.astype(np.float32),
        (1 - np.asarray(discounted.sum(1)).ravel()).astype(np.float32),
        base.astype(np.float32),
        context_counts.astype(np.float32),
        np.append(word_counts[:-1], unseen * len(rows)).astype(np.float32),
        vocab_size,
    )


def _indices(tokens: np.ndarray, vocab_size: int) -> np.ndarray:
    indices = np.full(vocab_size, len(tokens))
    indices[tokens] = np.arange(len(tokens))
    return indices

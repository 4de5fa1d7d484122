"""Low-rank softmax bigrams in closed form: a truncated SVD of the log ratio, then Newton steps, one system a row.

No gradient is descended and nothing is propagated back: with one side fixed, each row of the other is a convex problem
of its own (a multinomial logistic regression on smoothed counts), and a step solves its quadratic model exactly.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from scipy import sparse

from evokit.common.cores import usable_cores
from evokit.streams import Streams
from evokit_crystalline.closed_form.bigrams import Bigrams
from evokit_crystalline.gpt2.chunks import chunks

CONTEXTS_AT_ONCE = 1024
ROWS_AT_ONCE = 256
"""Divides the former: what is solved at once must not depend on who asks for it."""
MOST_WORKERS = 8
"""Threads; each holds three matrices of ``CONTEXTS_AT_ONCE`` rows, some 300 MB for 25,000 words."""
OVERSAMPLED = 16
POWER_STEPS = 3
CONTEXT_WEIGHT, WORD_WEIGHT = 0.75, 0.5
"""Powers of the frequencies that weigh the SVD's rows and columns; the best of four pairs tried on validation."""
STEPS = (1.0, 0.5, 0.2)
"""Fractions of a Newton step that are tried for each row; that none is taken is one more choice."""
RIDGE = 1e-3
LARGEST = 60.0

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Factors:
    """Logits ``E Hᵀ + b`` over the contexts and words of ``Bigrams``.

    Args:
        E: ``(n_contexts, rank)`` float32.
        H: ``(n_words, rank)`` float32.
        b: ``(n_words,)`` float32.
    """

    E: torch.Tensor
    H: torch.Tensor
    b: torch.Tensor


def unigram_factors(bigrams: Bigrams, rank: int) -> Factors:
    """Every context predicts how often each word occurs."""
    b = torch.from_numpy(np.log(bigrams.word_counts / bigrams.word_counts.sum()))
    return Factors(torch.zeros(len(bigrams.backoff), rank), torch.zeros(len(b), rank), b)


def svd_factors(bigrams: Bigrams, rank: int, streams: Streams) -> Factors:
    """Truncated SVD of ``log(q / (backoff * base))``, which is zero wherever nothing was counted.

    What is the same for all words of a context changes no softmax, so the log ratio is taken to the context's own
    backoff; the mean over contexts goes to the bias.

    Args:
        bigrams: What is factorised.
        rank: At most as many as the smaller side.
        streams: Of the range finder's start.

    Source: Levy and Goldberg 2014 for the log ratio; Halko, Martinsson and Tropp 2011, algorithm 4.4, for the SVD.
    """
    ratio = bigrams.discounted.copy()
    backoff = np.repeat(np.maximum(bigrams.backoff, 1e-3), np.diff(ratio.indptr))
    ratio.data = np.log1p(ratio.data / (backoff * bigrams.base[ratio.indices]))
    weights = bigrams.context_counts / bigrams.context_counts.sum()
    mean = weights @ ratio
    rows, columns = weights**CONTEXT_WEIGHT, bigrams.base**WORD_WEIGHT
    weighted = (sparse.diags(rows) @ ratio @ sparse.diags(columns)).tocsr()
    centre = mean * columns

    def forward(x: np.ndarray) -> np.ndarray:
        return np.asarray(weighted @ x - np.outer(rows, centre @ x))

    def backward(x: np.ndarray) -> np.ndarray:
        return np.asarray(weighted.T @ x - np.outer(centre, rows @ x))

    start = streams.at("svd").numpy().standard_normal((ratio.shape[1], rank + OVERSAMPLED))
    sample = forward(start)
    for _ in range(POWER_STEPS):
        sample = forward(np.linalg.qr(backward(np.linalg.qr(sample)[0]))[0])
    left = np.linalg.qr(sample)[0]
    u, s, vt = np.linalg.svd(backward(left).T, full_matrices=False)
    root = np.sqrt(s[:rank])
    E = (left @ u)[:, :rank] * root / rows[:, None]
    H = vt[:rank].T * root / columns[:, None]
    return Factors(_tensor(E), _tensor(H), _tensor(np.log(bigrams.base) + mean))


def carried(factors: Factors, bigrams: Bigrams, onto: Bigrams) -> Factors:
    """The same predictions over the contexts and words of other bigrams.

    Args:
        factors: Over the contexts and words of ``bigrams``.
        bigrams: Of a part of what ``onto`` counts: no context and no word of them is missing there.
        onto: What is to be fitted next. Its new contexts predict as the unread one did; its new words have what each
            of the words never read had, and those that are left share the rest.
    """
    contexts = torch.from_numpy(bigrams.context_of()[np.append(onto.contexts, -1)])
    contexts[-1] = len(bigrams.contexts)
    words = torch.from_numpy(bigrams.word_of()[np.append(onto.words, -1)])
    words[-1] = len(bigrams.words)
    b = factors.b[words]
    b[words == len(bigrams.words)] -= math.log(max(bigrams.n_unseen, 1))
    b[-1] += math.log(max(onto.n_unseen, 1))
    return Factors(factors.E[contexts], factors.H[words], b)


def newton_contexts(bigrams: Bigrams, factors: Factors, pseudo_counts: float) -> Factors:
    """One Newton step for every row of ``E``: each context's cross-entropy to ``q`` with ``H`` and ``b`` fixed.

    The Hessian of a row, the covariance of ``H`` over the words, is taken at ``q`` instead of the current softmax,
    because ``q`` is sparse; ``pseudo_counts`` add that many words of the base distribution. How far each row goes is
    the best of a few fractions by its exact cross-entropy, so none gets worse.

    Args:
        bigrams: Give ``q``.
        factors: Where the step starts.
        pseudo_counts: Chosen on validation.
    """
    E, H, b = factors.E, factors.H, factors.b
    backoff, base = torch.from_numpy(bigrams.backoff), torch.from_numpy(bigrams.base)
    aim = torch.from_numpy(bigrams.discounted @ H.numpy()) + backoff[:, None] * (base @ H)
    prior = backoff + pseudo_counts / torch.from_numpy(bigrams.context_counts)
    moment, tried, scratch = H.T @ (base[:, None] * H), torch.tensor([*STEPS, 0.0]), _Scratch(len(H))

    def moved_rows(at: slice) -> torch.Tensor:
        p = _softmax(E[at], H, b, scratch)
        step = _solve_rows(bigrams.discounted[at], H, aim[at] - p @ H, prior[at], moment, aim[at])
        along, moved = (aim[at] * step).sum(1), _moved(step, H, scratch)
        losses = [_scaled(moved, t, scratch).exp_().mul_(p).sum(1).log() - t * along for t in STEPS]
        losses.append(torch.zeros_like(along))
        return E[at] + tried[torch.stack(losses).argmin(0)][:, None] * step

    return replace(factors, E=torch.cat(list(_in_threads(moved_rows, len(E)))))


def newton_words(bigrams: Bigrams, factors: Factors, pseudo_counts: float) -> Factors:
    """One Newton step for every row of ``H`` and ``b``: each word's share of the cross-entropy with ``E`` fixed.

    Because ``log(1 + x) <= x``, the cross-entropy after a step is at most the one before it plus, for each word alone,
    ``Σ_i n_i (p_ij (exp(d_ij) - 1) - q_ij d_ij)`` with ``d_ij`` the change of its logits. How far each row goes is the
    best of a few fractions by that bound, so the whole gets no worse.

    Args:
        bigrams: Give ``q``.
        factors: Where the step starts.
        pseudo_counts: Of average contexts, added to each word's Hessian; chosen on validation.
    """
    E, H, b = factors.E, factors.H, factors.b
    counts, base = torch.from_numpy(bigrams.context_counts), torch.from_numpy(bigrams.base)
    left = counts * torch.from_numpy(bigrams.backoff)
    features = torch.cat([E, torch.ones(len(E), 1)], 1)
    weights = (sparse.diags(bigrams.context_counts) @ bigrams.discounted).T.tocsr()
    aim = torch.from_numpy(weights @ features.numpy()) + base[:, None] * (left @ features)
    scratch = _Scratch(len(H))

    def expected(at: slice) -> torch.Tensor:
        return _softmax(E[at], H, b, scratch).T @ (counts[at, None] * features[at])

    gradient = aim.clone()
    for part in _in_threads(expected, len(E)):
        gradient -= part
    moment = features.T @ (counts[:, None] * features) / counts.sum()
    prior = base * left.sum() + pseudo_counts

    def solved(at: slice) -> torch.Tensor:
        return _solve_rows(weights[at], features, gradient[at], prior[at], moment)

    step = torch.cat(list(_in_threads(solved, len(H))))

    def changes(at: slice) -> list[torch.Tensor]:
        p, moved = _softmax(E[at], H, b, scratch), _moved(features[at], step, scratch)
        return [counts[at] @ _scaled(moved, t, scratch).expm1_().mul_(p) for t in STEPS]

    bounds = torch.zeros(len(STEPS) + 1, len(H), dtype=torch.float64)
    for parts in _in_threads(changes, len(E)):
        for bound, change in zip(bounds, parts, strict=False):
            bound += change
    along = (aim * step).sum(1)
    for bound, t in zip(bounds, STEPS, strict=False):
        bound -= t * along
    fraction = torch.tensor([*STEPS, 0.0])[bounds.argmin(0)]
    step *= fraction[:, None]
    return replace(factors, H=H + step[:, :-1], b=b + step[:, -1])


class _Scratch(threading.local):
    """Matrices of a chunk of contexts and all words, of each thread its own.

    New ones each time would cost about as much as what is computed in them.
    """

    def __init__(self, n_words: int) -> None:
        self.p, self.moved, self.scaled = (torch.empty(CONTEXTS_AT_ONCE, n_words) for _ in range(3))


def _softmax(E: torch.Tensor, H: torch.Tensor, b: torch.Tensor, scratch: _Scratch) -> torch.Tensor:
    logits = torch.addmm(b, E, H.T, out=scratch.p[: len(E)])
    logits.sub_(logits.amax(1, keepdim=True)).exp_()
    return logits.div_(logits.sum(1, keepdim=True))


def _moved(rows: torch.Tensor, H: torch.Tensor, scratch: _Scratch) -> torch.Tensor:
    return torch.mm(rows, H.T, out=scratch.moved[: len(rows)]).clamp_(max=LARGEST)


def _scaled(moved: torch.Tensor, t: float, scratch: _Scratch) -> torch.Tensor:
    return torch.mul(moved, t, out=scratch.scaled[: len(moved)])


def _in_threads(function: Callable[[slice], T], n: int) -> Iterator[T]:
    """``function`` of each chunk of ``n`` rows, in order, on as many cores as there are.

    A chunk is computed by one thread in one shape, so that cores change no bit.
    """
    workers = max(1, usable_cores() // torch.get_num_threads())
    pool = ThreadPoolExecutor(min(workers, MOST_WORKERS))
    try:
        yield from pool.map(function, chunks(n, CONTEXTS_AT_ONCE))
    finally:
        pool.shutdown(cancel_futures=True)


def _solve_rows(
    weights: sparse.csr_matrix,
    features: torch.Tensor,
    gradient: torch.Tensor,
    prior: torch.Tensor,
    prior_moment: torch.Tensor,
    means: torch.Tensor | None = None,
) -> torch.Tensor:
    """``(n, rank)`` solutions of ``(Σ_j w_ij f_j f_jᵀ + prior_i * moment - m_i m_iᵀ + ridge) x_i = g_i``."""
    rank = features.shape[1]
    ridge = RIDGE * torch.eye(rank)
    solved = torch.empty_like(gradient)
    for at in chunks(weights.shape[0], ROWS_AT_ONCE):
        hessians = prior[at, None, None] * prior_moment + ridge
        for hessian, i in zip(hessians, range(at.start, at.stop), strict=True):
            entries = slice(weights.indptr[i], weights.indptr[i + 1])
            index = torch.from_numpy(weights.indices[entries].astype(np.int64))
            scaled = features[index] * torch.from_numpy(weights.data[entries])[:, None].sqrt()
            hessian.addmm_(scaled.T, scaled)
            if means is not None:
                hessian.addr_(means[i], means[i], alpha=-1)
        solved[at] = torch.cholesky_solve(gradient[at, :, None], torch.linalg.cholesky(hessians))[..., 0]
    return solved


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))

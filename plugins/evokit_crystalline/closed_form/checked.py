"""How far a fit goes: norms of the input embedding's rows and further sweeps, as training tokens left out say.

Newton steps know the counts alone. A context that one word nearly always follows gets a long row, which is right
about the tokens that were counted and costs hundreds of nats where another document goes on in another way. So rows are
capped, and a step is taken only if tokens of documents that were not counted are better predicted after it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from evokit.data.text import Blocks
from evokit_crystalline.closed_form.bigrams import Bigrams
from evokit_crystalline.closed_form.factors import CONTEXTS_AT_ONCE, Factors
from evokit_crystalline.gpt2.chunks import chunks

logger = logging.getLogger("evokit")

Step = Callable[[Factors], Factors]


@dataclass(frozen=True, eq=False)
class Checks:
    """Held-out tokens as pairs of context and word, for losses of factors.

    Args:
        contexts: ``(n_distinct,)`` int64, the contexts that occur.
        inverse: ``(n,)`` int64, which of these each token follows.
        words: ``(n,)`` int64, the word that each token is.
        unseen: ``(n,)`` nats that a token costs beyond its word: the words never read share one.
    """

    contexts: torch.Tensor
    inverse: torch.Tensor
    words: torch.Tensor
    unseen: torch.Tensor

    @classmethod
    def of(cls, blocks: Blocks, bigrams: Bigrams) -> Checks:
        """The tokens of blocks without padding, of documents that the bigrams were not counted in."""
        inputs, targets = (torch.from_numpy(tokens).flatten() for tokens in (blocks.inputs, blocks.targets))
        contexts, inverse = torch.unique(torch.from_numpy(bigrams.context_of())[inputs], return_inverse=True)
        words = torch.from_numpy(bigrams.word_of())[targets]
        unseen = (words == len(bigrams.words)) * math.log(max(bigrams.n_unseen, 1))
        return cls(contexts, inverse, words, unseen)

    def losses(self, factors: Factors, caps: Sequence[float]) -> list[float]:
        """Mean nats of a token with the rows of ``E`` capped at each of ``caps``; infinity caps none."""
        E, H, b = factors.E, factors.H, factors.b
        normalisers = torch.empty(len(caps), len(self.contexts))
        for at in chunks(len(self.contexts), CONTEXTS_AT_ONCE):
            rows = E[self.contexts[at]]
            plain, norms = rows @ H.T, rows.norm(dim=1)
            loose = torch.logsumexp(plain + b, 1)
            for normaliser, cap in zip(normalisers, caps, strict=True):
                long = norms > cap
                normaliser[at] = loose
                normaliser[at][long] = torch.logsumexp(plain[long] * (cap / norms[long])[:, None] + b, 1)
        return [self._mean(capped(factors, cap), normaliser) for cap, normaliser in zip(caps, normalisers, strict=True)]

    def _mean(self, factors: Factors, normaliser: torch.Tensor) -> float:
        rows = factors.E[self.contexts][self.inverse]
        logits = (rows * factors.H[self.words]).sum(1) + factors.b[self.words]
        return float((normaliser[self.inverse] - logits + self.unseen).double().mean())


def capped(factors: Factors, cap: float) -> Factors:
    """Factors whose rows of ``E`` are no longer than ``cap``; shorter rows are left as they are."""
    norms = factors.E.norm(dim=1, keepdim=True)
    return replace(factors, E=torch.where(norms > cap, factors.E * (cap / norms), factors.E))


def best_cap(factors: Factors, caps: Sequence[float], checks: Checks) -> tuple[Factors, float]:
    """The factors under the cap, or none, with the smallest loss on ``checks``, and that loss."""
    tried = [math.inf, *caps]
    losses = checks.losses(factors, tried)
    best = min(range(len(tried)), key=losses.__getitem__)
    logger.info("Closed form: %.4f nats a held-out token, rows capped at %g", losses[best], tried[best])
    return capped(factors, tried[best]), losses[best]


def checked_sweeps(factors: Factors, sweep: Step, most: int, caps: Sequence[float], checks: Checks) -> Factors:
    """Capped factors after as many sweeps, each capped anew, as make the loss on ``checks`` smaller.

    Args:
        factors: Where the first sweep starts, once capped.
        sweep: What is tried; the first that does not help is not taken and ends it.
        most: Sweeps at most.
        caps: Norms that are tried after each, beside none.
        checks: Decide.
    """
    factors, loss = best_cap(factors, caps, checks)
    for _ in range(most):
        further, next_loss = best_cap(sweep(factors), caps, checks)
        if not next_loss < loss:
            break
        factors, loss = further, next_loss
    return factors

"""Next-token cross-entropy over a large vocabulary whose logits are never held whole.

Chunk sizes are constants: a result may depend on neither the free
memory nor the neighbours of a token's chunk (C4). They fit the second-level caches of current CPUs; of 128..1024
tokens by 512..50257 words these were the fastest.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from evokit_crystalline.gpt2.chunks import chunks

Precision = Literal["float32", "bfloat16"]
EVALUATED_TOKENS = 1024
EVALUATED_WORDS = 1024
TRAINED_TOKENS = 512
TRAINED_WORDS = 2048
SAFE_LOGIT = 60.0
"""Largest absolute logit whose exponential, and a sum of 50,257 of them, stays a normal float32 and bfloat16."""
NO_TARGET = -100


def fastest_precision(device: str) -> Precision:
    """bfloat16 where the processor multiplies matrices in it, float32 elsewhere."""
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    cpu = Path("/proc/cpuinfo")
    flags = cpu.read_text() if cpu.exists() else ""
    return "bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


@dataclass(frozen=True)
class Head:
    """A head with what every chunk of tokens needs of it, so that a fixed head is prepared once.

    ``rounded`` is the head in the precision of the logits and their exponentials; sums and the target's own logit
    stay float32. ``longest`` is the largest Euclidean norm of a row. Folded, ``rounded`` holds equal rows once and
    ``log_counts`` how often: words that a closed form never saw share one row, half of GPT-2's vocabulary.
    """

    weight: torch.Tensor  # (n_words, d) float32
    precision: Precision
    rounded: torch.Tensor
    longest: float
    log_counts: torch.Tensor | None = None  # (n_rounded,) float32; None if no two rows are equal

    @classmethod
    def of(cls, weight: torch.Tensor, precision: Precision = "float32", *, fold: bool = False) -> Head:
        weight = weight.detach()
        longest = float(weight.square().sum(1).max().sqrt())
        rows, log_counts = _folded(weight) if fold else (weight, None)
        return cls(weight, precision, rows.to(getattr(torch, precision)), longest, log_counts)

    def bounded(self, hidden: torch.Tensor) -> bool:
        """Whether no logit can leave the range of the exponential, by the Cauchy-Schwarz inequality."""
        return float(hidden.square().sum(1).max().sqrt()) * self.longest < SAFE_LOGIT


def token_losses(hidden: torch.Tensor, head: Head, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each token in nats, without gradients.

    Args:
        hidden: ``(n, d)`` float32.
        head: The tied head.
        targets: ``(n,)`` int64; ``NO_TARGET`` (-100) marks tokens without one.

    Returns:
        ``(n,)`` float32, 0 where there is no target.
    """
    with torch.no_grad():
        parts = [_token_losses(hidden[at], head, targets[at]) for at in chunks(len(hidden), EVALUATED_TOKENS)]
        return torch.cat(parts)


def mean_loss(
    hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor, precision: Precision = "float32"
) -> torch.Tensor:
    """Mean cross-entropy over the tokens that have a target, with gradients for ``hidden`` and ``head``.

    Both gradients are made in the forward pass from the exponentials at hand: three matrix products in all, where
    a plain backward would compute the logits twice or hold them.

    Args:
        hidden: ``(n, d)`` float32.
        head: ``(n_words, d)`` float32.
        targets: ``(n,)`` int64; -100 marks tokens without one. At least one token has a target.
        precision: Of logits, exponentials and the products made from them; sums are float32.

    Returns:
        A float32 scalar.
    """
    loss: torch.Tensor = _MeanLoss.apply(hidden, head, targets, precision)  # type: ignore[no-untyped-call]
    return loss


class _MeanLoss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, head: torch.Tensor, targets: torch.Tensor, precision: Precision
    ) -> torch.Tensor:
        tied = Head.of(head, precision)
        # Stays on the device; float32 holds such a count exactly, so that its inverse is rounded once.
        count = (targets != NO_TARGET).sum(dtype=torch.promote_types(hidden.dtype, torch.float32))
        weight = count.reciprocal()
        d_hidden, d_head = torch.zeros_like(hidden), torch.zeros_like(head)
        losses = [
            _chunk_gradients(hidden[at], tied, targets[at], weight, d_hidden[at], d_head)
            for at in chunks(hidden.shape[0], TRAINED_TOKENS)
        ]
        ctx.save_for_backward(d_hidden, d_head)
        return torch.cat(losses).sum() * weight

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        d_hidden, d_head = ctx.saved_tensors
        return grads[0] * d_hidden, grads[0] * d_head, None, None


def _chunk_gradients(
    hidden: torch.Tensor,
    head: Head,
    targets: torch.Tensor,
    weight: torch.Tensor,
    d_hidden: torch.Tensor,
    d_head: torch.Tensor,
) -> torch.Tensor:
    """Losses of a chunk of tokens; adds the gradients of their sum times the scalar ``weight`` to both."""
    real = targets != NO_TARGET
    words = targets.clamp(min=0)
    scores, shift, total = _exponentials(hidden, head)
    target_logit = (hidden * head.weight[words]).sum(1)
    losses = torch.where(real, shift + total.log() - target_logit, 0.0)

    # softmax is scores / total; the division goes to the small factors.
    scale = (real * weight / total)[:, None]
    scaled_hidden = (hidden * scale).to(head.rounded.dtype)
    for at, score in zip(chunks(head.weight.shape[0], TRAINED_WORDS), scores, strict=True):
        _add_product(d_hidden, score, head.rounded[at])
        _add_product(d_head[at], score.T, scaled_hidden)
    pull = (real * weight)[:, None]
    d_hidden.mul_(scale).sub_(head.weight[words] * pull)
    d_head.index_add_(0, words, hidden * -pull)
    return losses


def _exponentials(hidden: torch.Tensor, head: Head) -> tuple[list[torch.Tensor], torch.Tensor, torch.Tensor]:
    """exp(logit - shift) in chunks of words, the shift of each token, and the sum over all words."""
    inputs = hidden.to(head.rounded.dtype)
    scores = [inputs @ head.rounded[at].T for at in chunks(head.weight.shape[0], TRAINED_WORDS)]
    shift = hidden.new_zeros(hidden.shape[0])
    if not head.bounded(hidden):
        rounded_shift = torch.stack([score.amax(1) for score in scores]).amax(0)
        shift = rounded_shift.float()
        for score in scores:
            score.sub_(rounded_shift[:, None])
    total = torch.zeros_like(shift)
    for score in scores:
        total += score.exp_().sum(1, dtype=torch.float32)
    return scores, shift, total


def _token_losses(hidden: torch.Tensor, head: Head, targets: torch.Tensor) -> torch.Tensor:
    inputs = hidden.to(head.rounded.dtype)
    n, n_words = hidden.shape[0], head.rounded.shape[0]
    buffer = inputs.new_empty(n * min(EVALUATED_WORDS, n_words))
    bounded = head.bounded(hidden)
    sums = []
    for at in chunks(n_words, EVALUATED_WORDS):
        logits = buffer[: n * (at.stop - at.start)].view(n, -1)
        torch.mm(inputs, head.rounded[at].T, out=logits)
        if head.log_counts is not None:
            logits.add_(head.log_counts[at])
        sums.append(logits.exp_().sum(1, dtype=torch.float32) if bounded else torch.logsumexp(logits.float(), 1))
    stacked = torch.stack(sums)
    normaliser = stacked.sum(0).log() if bounded else torch.logsumexp(stacked, 0)
    target_logit = (hidden * head.weight[targets.clamp(min=0)]).sum(1)
    return torch.where(targets != NO_TARGET, normaliser - target_logit, 0.0)


def _folded(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The rows that differ, in the order in which they first occur, and the logarithm of how often each occurs."""
    rows = np.ascontiguousarray(weight.cpu().numpy())
    _, first, counts = np.unique(rows.view(f"V{rows.itemsize * rows.shape[1]}"), return_index=True, return_counts=True)
    if len(first) == len(rows):
        return weight, None
    order = np.argsort(first)
    log_counts = torch.from_numpy(np.log(counts[order], dtype=np.float32))
    return weight[torch.from_numpy(first[order]).to(weight.device)], log_counts.to(weight.device)


def _add_product(into: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> None:
    if a.dtype == into.dtype:
        into.addmm_(a, b)
    else:
        into.add_(a @ b)

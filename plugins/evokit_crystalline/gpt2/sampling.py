"""Text that a model writes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.measuring import Frame
from evokit_crystalline.gpt2.model import Projection


def sampled(
    frame: Frame,
    layers: Sequence[Projection],
    prompt: np.ndarray,
    n: int,
    *,
    temperature: float,
    top_k: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Go on with a prompt, a token at a time.

    Each token takes one number from ``rng``, which picks by the cumulative probabilities of the likeliest tokens, the
    likeliest first: models that are handed equal streams have the same luck.

    Args:
        frame: The continuous parts.
        layers: One projection per slot, in order.
        prompt: ``(n_prompt,)`` token ids, at least one; with ``n`` at most one more than the model has positions.
        n: How many tokens are drawn.
        temperature: Logits are divided by it.
        top_k: From so many of the likeliest tokens, of equal ones the first, each token is drawn.
        rng: Decides.

    Returns:
        ``(n,)`` int64 token ids.
    """
    device, text = frame.head.weight.device, prompt.astype(np.int64)
    with torch.no_grad():
        for luck in rng.random(n):
            states = model.hidden(frame.parts, layers, frame.sizes, torch.from_numpy(text[None]).to(device))
            logits = (frame.head.weight @ states[0, -1]).double().cpu().numpy() / temperature
            likeliest = _largest(logits, top_k)
            chances = np.cumsum(np.exp(logits[likeliest] - logits[likeliest[0]]))
            text = np.append(text, likeliest[np.searchsorted(chances, luck * chances[-1], side="right")])
    return text[len(prompt) :]


def _largest(values: np.ndarray, n: int) -> np.ndarray:
    """Indices of the ``n`` largest, or of all, the largest first; of equal ones the first.

    >>> _largest(np.array([1, 3, 2, 3, 1]), 4)
    array([1, 3, 2, 0])
    """
    kept = min(n, len(values))
    found = np.flatnonzero(values >= np.partition(values, -kept)[-kept])  # faster than sorting all
    return found[np.argsort(-values[found], kind="stable")][:kept]

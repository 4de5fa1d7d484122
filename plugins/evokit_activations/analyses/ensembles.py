"""Networks alone and together, their probabilities averaged: accuracy, calibration, disagreement. Pure functions."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from evokit.statistics.intervals import mean_interval

BINS = 15
"""Of confidence, equally wide. Source: Guo et al. 2017, "On calibration of modern neural networks"."""


def together(probabilities: Tensor, labels: Tensor) -> dict[str, float]:
    """What networks are worth alone, and as ensembles that average their probabilities.

    Args:
        probabilities: ``(networks, n, classes)``.
        labels: ``(n,)`` int64.

    Returns:
        ``accuracy``, mean over networks; its ``deviation`` over networks; ``ensemble_of_K`` for the first K networks;
        ``disagreement``, the share of images that two networks see differently, mean over pairs; ``nll`` and ``ece``,
        mean over networks, and of all together ``ensemble_nll`` and ``ensemble_ece``.
    """
    probabilities = probabilities.double()
    seen = probabilities.argmax(-1)
    alone = (seen == labels).double().mean(1)
    pairs = [float((a != b).double().mean()) for a, b in itertools.combinations(seen, 2)]
    errors = [calibration_error(one, labels) for one in probabilities]
    whole = probabilities.mean(0)
    metrics = {
        "accuracy": float(alone.mean()),
        "deviation": float(alone.std()) if len(alone) > 1 else 0.0,
        "disagreement": sum(pairs) / len(pairs) if pairs else 0.0,
        "nll": float(nll(probabilities, labels).mean()),
        "ece": sum(errors) / len(errors),
        "ensemble_nll": float(nll(whole, labels).mean()),
        "ensemble_ece": calibration_error(whole, labels),
    }
    sums = probabilities.cumsum(0).argmax(-1)
    return metrics | {f"ensemble_of_{k + 1}": float((one == labels).double().mean()) for k, one in enumerate(sums)}


def nll(probabilities: Tensor, labels: Tensor) -> Tensor:
    """``(..., n)`` minus the logarithm of each label's probability, which counts as float32's smallest if it is less.

    Args:
        probabilities: ``(..., n, classes)``.
        labels: ``(n,)`` int64.
    """
    right = probabilities[..., torch.arange(len(labels), device=labels.device), labels]
    return -right.clamp_min(torch.finfo(torch.float32).tiny).log()


def calibration_error(probabilities: Tensor, labels: Tensor) -> float:
    """Expected calibration error: how far confidence is from accuracy, mean over images in ``BINS`` of confidence.

    Args:
        probabilities: ``(n, classes)``.
        labels: ``(n,)`` int64.

    Source: Guo et al. 2017, "On calibration of modern neural networks".
    """
    confidence, seen = probabilities.double().max(-1)
    excess = confidence - (seen == labels).double()
    bins = (confidence * BINS).ceil().long().clamp(1, BINS) - 1  # a bin has its upper edge
    sums = torch.zeros(BINS, dtype=excess.dtype, device=excess.device).index_add(0, bins, excess)
    return float(sums.abs().sum() / len(labels))


def leads(ours: Tensor, theirs: Tensor, labels: Tensor, rival: str) -> dict[str, float]:
    """By how much ensembles are ahead of others in accuracy and in likelihood, image by image.

    Args:
        ours: ``(ensembles, networks, n, classes)`` probabilities.
        theirs: Likewise, with the same seeds.
        labels: ``(n,)`` int64.
        rival: Their name.

    Returns:
        ``accuracy_less_RIVAL``, ours less theirs, and its 95 % interval's ends with ``_low`` and ``_high``, over images
        and, if there are several, over ensembles; ``nll_less_RIVAL`` likewise, where less is better.
    """
    ours, theirs = (one.double().mean(1) for one in (ours, theirs))
    values = {
        "accuracy": [(one.argmax(-1) == labels).double() for one in (ours, theirs)],
        "nll": [nll(one, labels) for one in (ours, theirs)],
    }
    found: dict[str, float] = {}
    for name, (our, their) in values.items():
        difference, (low, high) = mean_interval((our - their).cpu().numpy())
        one = f"{name}_less_{rival}"
        found |= {one: difference, f"{one}_low": low, f"{one}_high": high}
    return found

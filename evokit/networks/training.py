"""Training what is not frozen of a network."""

from __future__ import annotations

import math

import torch
from torch import nn

from evokit.networks.examples import Examples, order_of
from evokit.networks.layers import trained
from evokit.networks.options import Training
from evokit.networks.source import seeded
from evokit.streams import Streams

MOMENTUM = 0.9


def train(module: nn.Module, examples: Examples, how: Training, steps: int, streams: Streams, device: str) -> str:
    """Train a network in place, up to ``steps`` of ``how.steps``.

    Args:
        module: On ``device``.
        examples: At least one batch of them.
        how: Schedules run over its steps.
        steps: Where to stop.
        streams: Decide batches, and what is dropped.
        device: Where all that is.

    Returns:
        Why it ended early, empty if it did not: a loss that is not finite.
    """
    parameters = list(trained(module).values())
    if not (parameters and steps):
        return ""
    optimizer: torch.optim.Optimizer = (
        torch.optim.AdamW(parameters, lr=how.lr, weight_decay=how.weight_decay)
        if how.optimizer == "adamw"
        else torch.optim.SGD(parameters, lr=how.lr, weight_decay=how.weight_decay, momentum=MOMENTUM)
    )
    set_training(module)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = how.lr * rate_factor(how, step)
        chosen = order_of(examples, how.batch, step, streams)
        with seeded(streams.at("step", step), device):
            loss = examples.losses(examples.outputs(module, module, chosen), chosen).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        if not math.isfinite(loss.item()):
            return f"the loss is {loss.item()} in step {step}"
        optimizer.step()
    return ""


def set_training(module: nn.Module) -> None:
    """Let layers drop and normalise as in training, but for normalisations that are frozen: their statistics stay."""
    module.train()
    for layer in module.modules():
        own = list(layer.parameters(recurse=False))
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and own and not any(one.requires_grad for one in own):
            layer.eval()


def rate_factor(how: Training, step: int) -> float:
    """The learning rate's factor in a step: up from zero in the warm-up, then 1 or down along half a cosine.

    >>> [rate_factor(Training(steps=4, warmup=0.5, schedule="cosine"), step) for step in range(4)]
    [0.5, 1.0, 1.0, 0.5]
    """
    rising = how.warmup * how.steps
    if step < rising:
        return (step + 1) / rising
    if how.schedule == "constant":
        return 1.0
    return 0.5 + 0.5 * math.cos(math.pi * (step - rising) / (how.steps - rising))

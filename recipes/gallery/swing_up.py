"""A cart that swings a pole up and holds it there, with a small network at the motor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from evokit import Component, Context, Goal, hookimpl

STEP, N_STEPS = 0.02, 300  # seconds, and how many: six seconds
GRAVITY, POLE, MASS, CART = 9.81, 0.5, 0.1, 1.0  # half the pole's length in metres; kilograms
FORCE, TRACK = 8.0, 2.0  # newtons at most; metres to either side
HIDDEN = 6  # units of the network, which has 43 weights
N_STARTS = 8


@dataclass(frozen=True)
class SwingUp:
    """How far from upright the pole is on average, from 0 to 1, and how far from the middle the cart.

    A replicate is some starts: the pole hangs, and cart and pole move a little. Off the track a cart stands still.
    """

    def build(self, context: Context) -> "Drives":
        return Drives(context)


@dataclass(frozen=True)
class Drives:
    """The fitness at work."""

    run: Context
    replicate: int = 0
    objectives: ClassVar[Mapping[str, Goal]] = {"fall": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, Any]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)

    @property
    def context(self) -> str:
        return f"swing up, version 1, replicate {self.replicate}"

    def fresh(self) -> "Drives":
        return replace(self, replicate=self.replicate + 1)

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[float]:
        starts = self.run.streams.at("starts", self.replicate).numpy().normal(0, 0.1, (4, N_STARTS))
        states = drives(np.stack(batch), starts)
        falls = (1 - np.cos(states[:, 1])) / 2 + (states[:, 0] / TRACK) ** 2 / 10
        return [float(np.mean(falls[:, at])) for at in range(len(batch))]


def drives(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Position, angle of the pole from upright and both speeds at each step.

    Args:
        weights: Of the networks, ``(n, 43)``.
        starts: ``(4, n_starts)``, what each differs by from a pole that hangs still in the middle.

    Returns:
        ``(N_STEPS, 4, n, n_starts)``
    """
    place, angle, speed, turning = np.repeat(starts[:, None], len(weights), axis=1)
    angle = angle + np.pi
    first, biases, second, bias = np.split(weights, np.cumsum([HIDDEN * 5, HIDDEN, HIDDEN]), axis=1)
    first = first.reshape(-1, 5, HIDDEN).transpose(1, 0, 2)[..., None]
    biases, second = biases[..., None], second[..., None]
    states = []
    for _ in range(N_STEPS):
        sine, cosine = np.sin(angle), np.cos(angle)
        seen = place, speed, sine, cosine, turning / 5
        inner = sum(weight * one[:, None] for weight, one in zip(first, seen, strict=True)) + biases
        force = FORCE * np.tanh((second * np.tanh(inner)).sum(1) + bias)
        push = (force + MASS * POLE * turning**2 * sine) / (CART + MASS)
        lever = POLE * (4 / 3 - MASS * cosine**2 / (CART + MASS))
        turned = (GRAVITY * sine - cosine * push) / lever
        moved = push - MASS * POLE * turned * cosine / (CART + MASS)
        on_track = np.abs(place) < TRACK
        speed = np.where(on_track, speed + STEP * moved, 0)
        turning = turning + STEP * turned
        place, angle = place + STEP * speed, angle + STEP * turning
        states.append(np.stack([place, angle, speed, turning]))
    return np.stack(states)


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "swing_up", SwingUp)]

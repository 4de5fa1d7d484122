"""Training one network, all parameters in one flat vector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evokit.streams import Streams
from evokit_optimizers.tasks.task import Task
from evokit_optimizers.training.method import Method


@dataclass(frozen=True)
class State:
    """All that a training goes on from; nobody changes it."""

    step: int
    parameters: Tensor
    statistics: Mapping[str, Tensor]
    update: Mapping[str, Any]

    @property
    def n_bytes(self) -> int:
        return _n_bytes([self.parameters, self.statistics, self.update])


class Training:
    """One network in training.

    A step's batch, augmentation and dropout are decided by the streams and the step's number alone, so a training
    that goes on from a state is the one that was never stopped, bit for bit.

    Args:
        task: What is learnt.
        method: By which optimizer.
        streams: Decide start and steps, the same for every method.
        n_steps: The horizon of schedules.
        explosion: A loss above it is a divergence.
        check_every: Steps between two checks of the losses, which make the host wait for the device.
    """

    def __init__(
        self,
        task: Task,
        method: Method,
        streams: Streams,
        n_steps: int,
        *,
        explosion: float = 50.0,
        check_every: int = 10,
    ) -> None:
        self.task, self.step, self._streams = task, 0, streams
        self._explosion, self._check_every = explosion, check_every
        self.parameters = task.network.initial(streams.at("start").torch()).to(task.device)
        self.statistics = task.network.statistics(task.device)
        self._gradient = torch.empty_like(self.parameters)
        self._update = method.start(task.network, self.parameters, n_steps)
        self._bad = torch.zeros((), dtype=torch.bool, device=task.device)
        self._views = task.network.views(self.parameters)
        self._order = (-1, torch.empty(0))

    def advance(self, step: int) -> bool:
        """Train until ``step`` steps are made; False if it diverged, some steps late at most."""
        while self.step < step:
            self._advance()
            if self.checks and self.diverged:
                return False
        return self.sound

    @property
    def checks(self) -> bool:
        """Whether divergence is looked for after the step just made."""
        return self.step % self._check_every == 0

    @property
    def diverged(self) -> bool:
        """Whether a loss so far was not finite or exploded. Waits for the device."""
        return bool(self._bad)

    @property
    def sound(self) -> bool:
        """Whether it has not diverged and its parameters are finite. Waits for the device."""
        return not self.diverged and bool(self.parameters.isfinite().all())

    @property
    def result(self) -> Tensor:
        """``(n_parameters,)``, what is evaluated: the parameters, or an average of them if the method makes one."""
        return self._update.evaluated(self.parameters)

    def next_streams(self) -> Streams:
        """Those of the next step: augmentation and dropout."""
        return self._streams.at("step", self.step)

    def move(self, loss: Tensor, gradient: Tensor) -> None:
        """Finish a step.

        Args:
            loss: Before the step.
            gradient: ``(n_parameters,)``, in any precision.
        """
        self._bad |= ~(loss.detach() <= self._explosion)  # so that NaN is bad too
        if gradient is not self._gradient:
            self._gradient.copy_(gradient)
        self._update.step(self.parameters, self._gradient, self.step)
        self.step += 1

    def state(self) -> State:
        """A copy of all that matters."""
        statistics = {name: values.clone() for name, values in self.statistics.items()}
        return State(self.step, self.parameters.clone(), statistics, self._update.state_dict())

    def resume(self, state: State) -> None:
        """Go on from a state of the same training."""
        # Copied in place: the last bits of a product can depend on where memory is aligned.
        self.parameters.copy_(state.parameters)
        for name, values in self.statistics.items():
            values.copy_(state.statistics[name])
        self._update.load_state_dict(state.update)
        self.step = state.step

    def _advance(self) -> None:
        """One step."""
        views = self._views
        if self.task.precision != self.parameters.dtype:
            views = self.task.network.views(self.parameters.to(self.task.precision))
        loss = self.task.loss(views, self.statistics, self.next_batch(), self.next_streams())
        # Of parameters that a user's network does not use they are 0.
        gradients = torch.autograd.grad(loss, views, materialize_grads=True)
        flat = self._gradient if gradients[0].dtype == self._gradient.dtype else None
        joined = torch.cat([gradient.reshape(-1) for gradient in gradients], out=flat)
        self.move(loss, joined)

    def next_batch(self) -> Tensor:
        """Indices of the next step: each epoch visits all that it trains on once, in an order of its own."""
        epoch, at = divmod(self.step, self.task.n_train // self.task.batch)
        if self._order[0] != epoch:
            generator = self._streams.at("epoch", epoch).torch()
            order = torch.randperm(self.task.n_train, generator=generator).to(self.task.device)
            self._order = (epoch, order)
        return self._order[1][at * self.task.batch : (at + 1) * self.task.batch]


def _n_bytes(value: Any) -> int:
    """Of all tensors in nested lists and mappings."""
    if isinstance(value, Tensor):
        return value.nbytes
    if isinstance(value, Mapping):
        return sum(map(_n_bytes, value.values()))
    return sum(map(_n_bytes, value)) if isinstance(value, list | tuple) else 0

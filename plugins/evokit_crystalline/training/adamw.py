"""A training by AdamW: parameters, moments and step, in memory and in one file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from evokit.common.keys import digest
from evokit.data.text import Blocks
from evokit_crystalline.closed_form.coordinates import from_fit_coordinates
from evokit_crystalline.fitness import Gpt2Fitness
from evokit_crystalline.gpt2.files import read_tensors, save_tensors
from evokit_crystalline.gpt2.loss import mean_loss
from evokit_crystalline.gpt2.model import dense_layers, head_weight, hidden
from evokit_crystalline.gpt2.sizes import Sizes

MOMENTS = ("exp_avg", "exp_avg_sq")


class Training:
    """Parameters, AdamW's moments and the step, in memory and in one file.

    Args:
        fitness: Gives sizes, precision and device.
        sizes: Of the model that is trained.
        tensors: Where training starts; copied.
        held: Names of tensors that stay as they are.
        setting: ``lr``, ``weight_decay``, ``schedule``.
        seed: Decides the batches.
        path: The file.
    """

    def __init__(
        self,
        fitness: Gpt2Fitness,
        sizes: Sizes,
        tensors: Mapping[str, torch.Tensor],
        held: frozenset[str],
        setting: Mapping[str, Any],
        seed: int,
        path: Path,
    ) -> None:
        device = fitness.frame.head.weight.device
        self.step, self.seed, self.setting, self.path = 0, seed, setting, path
        self.sizes, self._precision = sizes, fitness.precision
        self._identity = digest({"fitness": fitness.context, "setting": dict(setting), "seed": seed})
        self.parameters = {
            name: tensor.detach().to(device, copy=True).requires_grad_()
            for name, tensor in tensors.items()
            if name not in held
        }
        self._held = {name: tensors[name].detach().to(device) for name in sorted(held)}
        self._optimizer = torch.optim.AdamW(
            list(self.parameters.values()), lr=1.0, weight_decay=setting["weight_decay"], fused=True
        )
        for parameter in self.parameters.values():
            moments = {moment: torch.zeros_like(parameter) for moment in MOMENTS}
            self._optimizer.state[parameter] = {"step": torch.zeros((), device=device), **moments}

    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """The full state dict as it stands."""
        return from_fit_coordinates({**self.parameters, **self._held})

    def __str__(self) -> str:
        return f"step {self.step} of {dict(self.setting)}"

    def update(self, blocks: Blocks, lr: float) -> float:
        """One step; returns the loss before it. A loss that is not finite changes nothing."""
        device = next(iter(self.parameters.values())).device
        inputs, targets = torch.from_numpy(blocks.inputs).to(device), torch.from_numpy(blocks.targets).to(device)
        tensors = self.tensors
        h = hidden(tensors, dense_layers(tensors, self.sizes), self.sizes, inputs)
        loss = mean_loss(h.flatten(0, 1), head_weight(tensors), targets.flatten(), self._precision)
        value = loss.item()
        if math.isfinite(value):
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.param_groups[0]["lr"] = lr
            self._optimizer.step()
            self.step += 1
        return value

    def save(self) -> None:
        tensors = {
            f"{kind}:{name}": tensor
            for name, parameter in self.parameters.items()
            for kind, tensor in self._state_of(parameter).items()
        }
        save_tensors(tensors, self.path, {"identity": self._identity, "step": json.dumps(self.step)})

    def load(self, most: int) -> None:
        """Continue from the file if it is of this training and at most ``most`` steps far."""
        if not self.path.exists():
            return
        tensors, metadata = read_tensors(self.path)
        step = json.loads(metadata["step"])
        if metadata["identity"] != self._identity or step > most:
            return
        self.step = step
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                # Copied in place: the last bits of a product can depend on where memory is aligned.
                for kind, tensor in self._state_of(parameter).items():
                    tensor.copy_(tensors[f"{kind}:{name}"])

    def _state_of(self, parameter: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"parameter": parameter, **self._optimizer.state[parameter]}

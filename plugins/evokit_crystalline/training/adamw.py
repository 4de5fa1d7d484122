"""A training by AdamW, or by Muon and AdamW: parameters, moments and step, in memory and in one file."""

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
MUON_MOMENTS = ("momentum_buffer",)


class Training:
    """Parameters, the optimizers' moments and the step, in memory and in one file.

    Args:
        fitness: Gives sizes, precision and device.
        sizes: Of the model that is trained.
        tensors: Where training starts; copied.
        held: Names of tensors that stay as they are.
        setting: ``lr``, ``weight_decay``, ``schedule``.
        seed: Decides the batches.
        path: The file.
        muon: Whether Muon trains the matrices of the layers, AdamW all else; by the same learning rate.
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
        muon: bool = False,
    ) -> None:
        device = fitness.frame.head.weight.device
        self.step, self.seed, self.setting, self.path = 0, seed, setting, path
        self.sizes, self._precision = sizes, fitness.precision
        self._identity = digest({"fitness": fitness.context, "setting": dict(setting), "seed": seed, "muon": muon})
        self.parameters = {
            name: tensor.detach().to(device, copy=True).requires_grad_()
            for name, tensor in tensors.items()
            if name not in held
        }
        self._held = {name: tensors[name].detach().to(device) for name in sorted(held)}
        names = {f"{slot}.weight" for slot in sizes.slots()} & self.parameters.keys() if muon else set()
        matrices = [parameter for name, parameter in self.parameters.items() if name in names]
        others = [parameter for name, parameter in self.parameters.items() if name not in names]
        decay = setting["weight_decay"]
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(others, lr=1.0, weight_decay=decay, fused=True)
        ]
        if matrices:
            self._optimizers.append(
                torch.optim.Muon(matrices, lr=1.0, weight_decay=decay, adjust_lr_fn="match_rms_adamw")
            )
        for parameter in others:
            moments = {moment: torch.zeros_like(parameter) for moment in MOMENTS}
            self._optimizers[0].state[parameter] = {"step": torch.zeros((), device=device), **moments}
        for parameter in matrices:
            self._optimizers[1].state[parameter] = {moment: torch.zeros_like(parameter) for moment in MUON_MOMENTS}

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
            for parameter in self.parameters.values():
                parameter.grad = None
            loss.backward()  # type: ignore[no-untyped-call]
            for optimizer in self._optimizers:
                optimizer.param_groups[0]["lr"] = lr
                optimizer.step()
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
        (state,) = (one.state[parameter] for one in self._optimizers if parameter in one.state)
        return {"parameter": parameter, **state}

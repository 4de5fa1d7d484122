"""A network of the user's own as a learning task, on any data that it reads."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from evokit.errors import UserError
from evokit.networks.examples import CHUNK, Examples, Reader
from evokit.networks.layers import trained
from evokit.networks.options import OwnModule
from evokit.networks.source import Source, seeded
from evokit.networks.training import set_training
from evokit.streams import Streams
from evokit_optimizers.rules.groups import Group
from evokit_optimizers.rules.module_groups import groups_by_name
from evokit_optimizers.tasks.network import FlatNetwork, Parameter, Statistics


class ModuleNetwork(FlatNetwork):
    """A user's module as a pure function of what is trained of it; what is frozen begins alike for all seeds.

    Args:
        source: Makes the module.
        device: Where it lies.

    Raises:
        ValueError: It cannot be made, or all of it is frozen.
    """

    def __init__(self, source: Source, device: str) -> None:
        self.source, self.device = source, device
        self.module = source.build(Streams(0).at("trained_accuracy", "module")).to(device)
        self._shapes = {name: tuple(one.shape) for name, one in trained(self.module).items()}
        if not self._shapes:
            raise ValueError("module: all of it is frozen, so there is nothing to train")
        self._groups = cast(dict[str, Group], groups_by_name(self.module))
        kept = self.module.state_dict()
        self._buffers = {name: one.clone() for name, one in self.module.named_buffers() if name in kept}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """In the order of the module; their groups are those of ``groups_by_name``."""
        # Where they begin is the module's own to say, see ``initial``.
        return tuple(Parameter(name, shape, 0.0, group=self._groups[name]) for name, shape in self._shapes.items())

    @property
    def joins(self) -> bool:
        """Layers draw from generators that several networks cannot share."""
        return False

    @property
    def identity(self) -> Any:
        """What decides how it computes."""
        return self.source.identity(self.module)

    def initial(self, generator: torch.Generator) -> Tensor:
        """``(n_parameters,)`` float32 where training starts: what the module's own code begins with."""
        made = self.source.build(Streams(generator.initial_seed()).at("module"))
        return torch.cat([one.detach().reshape(-1) for one in trained(made).values()])

    def statistics(self, device: torch.device | str = "cpu") -> dict[str, Tensor]:
        """Buffers that the module keeps, such as running statistics."""
        return {name: one.detach().to(device, copy=True) for name, one in self._buffers.items()}

    def called(self, parameters: Sequence[Tensor], statistics: Statistics, training: bool) -> Callable[..., Any]:
        """The module as a function of what it reads.

        Args:
            parameters: Of ``views``.
            statistics: Used, or updated in training.
            training: Whether it drops and normalises as in training.
        """
        if training:
            set_training(self.module)
        else:
            self.module.eval()
        tensors = dict(zip(self._shapes, parameters, strict=True)) | dict(statistics)
        call = partial(torch.func.functional_call, self.module, tensors)
        return lambda *given, **named: call(given, named)


class ModuleTask:
    """What a user's module learns: classes of images or texts, or the next token of texts.

    Args:
        name: Of the task.
        options: The module.
        train: What batches are taken from.
        validation: What networks are measured on.
        batch: Examples a step.
        length: Tokens of a text.
        device: Where all that is.

    Raises:
        ValueError: The module cannot be made or does not fit the data, or these have no accuracy.
        UserError: The training examples do not fill one batch.
    """

    precision = torch.float32

    def __init__(
        self, name: str, options: OwnModule, train: Any, validation: Any, batch: int, length: int, device: str
    ) -> None:
        self.name, self.batch, self.device, self._length = name, batch, device, length
        self._reader = Reader(train, length, device, options.directory)
        if self._reader.task == "table":
            raise ValueError("a table has no accuracy; search its networks with the fitness torch_module")
        self.unit = self._reader.unit
        self.network = ModuleNetwork(Source(options, self._reader.task, self._reader.n_classes), device)
        self._train, self._validation = self._reader.examples(train), self._reader.examples(validation)
        self._split: tuple[Any, Examples] = (None, self._validation)
        if self.n_train < batch:
            raise UserError(f"fitness: batch: {name} has {self.n_train} training examples, less than {batch}")
        self._train.refuse_misfit(self.network.module)

    @property
    def n_train(self) -> int:
        return len(self._train)

    @property
    def identity(self) -> dict[str, Any]:
        """JSON values that, with the data, decide what a training does."""
        return {"network": self.network.identity, "batch": self.batch, "length": self._length}

    def loss(self, parameters: list[Tensor], statistics: Statistics, chosen: Tensor, streams: Streams) -> Tensor:
        """Mean cross-entropy in nats of a training batch, float32; what layers draw is decided by ``streams``."""
        call = self.network.called(parameters, statistics, training=True)
        with seeded(streams.at("layers"), self.device):
            outputs = self._train.outputs(call, self.network.module, chosen)
        return self._train.losses(outputs, chosen).mean()

    def accuracy(self, flat: Tensor, statistics: Statistics) -> float:
        """On validation; NaN if a network gives numbers that are not finite."""
        right, finite = self._answered(flat, statistics, self._validation)
        return right.mean().item() if finite else math.nan

    def correct(self, flat: Tensor, statistics: Statistics, split: Any) -> np.ndarray:
        """``(n_units,)`` accuracy of each unit of a split."""
        examples = self._of(split)
        right, weights = self._answered(flat, statistics, examples)[0].numpy(), examples.weights
        return np.bincount(examples.units, right * weights) / np.bincount(examples.units, weights)

    def _of(self, split: Any) -> Examples:
        """Examples of a side, kept until those of another one are asked for."""
        if self._split[0] is not split:
            side = {self.name: split[self.name]} if isinstance(split, Mapping) else split
            self._split = split, self._reader.examples(side, whole=True)
        return self._split[1]

    @torch.no_grad()
    def _answered(self, flat: Tensor, statistics: Statistics, examples: Examples) -> tuple[Tensor, bool]:
        """``(n,)`` float64 accuracies, and whether all answers are finite."""
        call, right, finite = self.network.called(self.network.pieces(flat), statistics, training=False), [], True
        for start in range(0, len(examples), CHUNK):
            chosen = slice(start, start + CHUNK)
            with seeded(Streams(0).at("measure", start), self.device):  # for layers that always draw
                outputs = examples.outputs(call, self.network.module, chosen)
            right.append(examples.right(outputs, chosen).double())
            finite = finite and bool(outputs.isfinite().all())
        return torch.cat(right).cpu(), finite

"""A network of the user's own as a fitness."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from evokit.common.cores import set_threads
from evokit.common.keys import digest
from evokit.errors import UserError
from evokit.interfaces import Context, Evaluation, Goal
from evokit.networks.examples import CHUNK, Examples, Reader
from evokit.networks.individual import Individuals, Made
from evokit.networks.layers import multiply_adds, trained
from evokit.networks.options import TorchModule
from evokit.networks.source import Source, seeded
from evokit.networks.training import train
from evokit.streams import Streams


class ModuleFitness:
    """Loss or accuracy of a user's network, trained from the same start on the same batches for every individual.

    Args:
        options: What the recipe says.
        reader: Makes examples of the data.
        sides: Training and validation side.
        streams: Decide the module's start, batches and what is dropped, one stream a replicate.
        data_digest: Of the data, for the context.
        device: Where networks lie.
        threads: Torch threads, part of the result.

    Raises:
        ValueError: The module cannot be made, lacks what patterns name, or does not fit the data.
        UserError: There are fewer training examples than a batch has.
    """

    work_unit = "examples"

    def __init__(
        self,
        options: TorchModule,
        reader: Reader,
        sides: Sequence[Any],
        streams: Streams,
        *,
        data_digest: str = "",
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        self.options, self.reader, self.device, self.threads = options, reader, device, threads
        self.train_examples, validation = map(reader.examples, sides)
        self.validation = validation.first(options.validation)
        self.individuals = Individuals(options, Source(options, reader.task, reader.n_classes), device, streams)
        if "accuracy" in options.objectives and reader.task == "table":
            raise ValueError("objectives: a table has a loss and no accuracy")
        if options.training.steps and len(self.train_examples) < options.training.batch:
            n, batch = len(self.train_examples), options.training.batch
            raise UserError(f"fitness torch_module: training.batch: there are {n} training examples, less than {batch}")
        self.train_examples.refuse_misfit(self.individuals.base)
        self._streams, self._first = streams, 0
        self.objectives: Mapping[str, Goal] = {name: goal_of(name) for name in options.objectives}
        self.takes = frozenset(
            {"layers"} if options.replaced else {"params"} if options.layers else {"params", "vector"}
        )
        self.slots: Mapping[str, Any] = self.individuals.slots
        self._steps = {self.work_of(steps): steps for steps in (*options.training.rungs, options.training.steps)}
        self.budgets: Sequence[int] = list(self._steps)
        self.context = self._digest(data_digest)

    def evaluate(self, batch: Sequence[Any], budget: int) -> Iterator[Evaluation]:
        """Make, train and measure the network of each phenotype.

        Raises:
            ValueError: The budget is none of ``budgets``, or a phenotype does not fit the module.
            UserError: The genome says what nothing takes, or does not say what layers need.
        """
        for phenotype in batch:
            self.individuals.refuse_unadapted(phenotype)
            made = self.individuals.made(phenotype, self._replicate)
            yield self.measured(made, budget, self._stream)

    def fresh(self) -> ModuleFitness:
        """The same question with another start and other batches, which neither this one nor those before it used.

        Raises:
            UserError: Nothing is trained, so that nothing would be another.
        """
        if not self.options.training.steps:
            raise UserError("fitness torch_module: nothing is trained, so there is no chance to average; drop confirm")
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, _first=self._first + 1, context=digest([self.context, "fresh"]))
        return other

    def work_of(self, steps: int) -> int:
        """Examples that a network reads in so many steps and its validation."""
        return steps * self.options.training.batch + len(self.validation)

    def measured(self, made: Made, budget: int, streams: Streams) -> Evaluation:
        """Train a network up to the budget, in place, and measure it on validation.

        Raises:
            ValueError: The budget is none of ``budgets``, or the network answers with something of another shape.
        """
        if budget not in self._steps:
            raise ValueError(f"budget must be one of {list(self.budgets)}, got {budget}")
        set_threads(self.threads)
        steps, costs = self._steps[budget], self.costs(made.module)
        ended = train(made.module, self.train_examples, made.training, steps, streams, self.device)
        if ended:
            return Evaluation(outcome="diverged", work=budget, message=ended)
        losses, right = measure(made.module, self.validation)
        told = {"loss": losses.mean().item()} | costs
        if self.reader.task != "table":
            told["accuracy"] = right.mean().item()
        if not math.isfinite(told["loss"]):
            return Evaluation(outcome="nan", work=budget, message=f"the loss on validation is {told['loss']}")
        return Evaluation(tuple(told[name] for name in self.objectives), work=budget, metrics=told)

    def costs(self, module: nn.Module) -> dict[str, float]:
        """How many parameters are trained, and the multiply-adds of replaced layers and adapters."""
        count = sum(one.numel() for one in trained(module).values())
        return {"parameters": float(count), "multiply_adds": float(multiply_adds(module))}

    @property
    def _replicate(self) -> Streams | None:
        """Where networks begin: what is not trained has one start, since another would be another network."""
        return self._streams.at("replicate", self._first) if self.options.training.steps else None

    @property
    def _stream(self) -> Streams:
        return self._streams.at("replicate", self._first, "training")

    def _digest(self, data_digest: str) -> str:
        settings = asdict(self.options)
        for name in ("module", "file", "directory", "options", "frozen"):
            del settings[name]
        del settings["training"]["rungs"]  # budgets are no part of it
        return digest(
            {
                "data": data_digest,
                "module": self.individuals.source.identity(self.individuals.base),
                "settings": settings,
                "streams": self._streams.entropy(),
                "device": self.device,
                "threads": self.threads,
            }
        )


@torch.no_grad()
def measure(module: nn.Module, examples: Examples) -> tuple[torch.Tensor, torch.Tensor]:
    """``(n,)`` float64 losses of examples, and 1 where their class is told right (of a table 0)."""
    module.eval()
    losses, right = [], []
    for start in range(0, len(examples), CHUNK):
        chosen = slice(start, start + CHUNK)
        with seeded(Streams(0).at("measure", start), str(examples.targets.device)):  # for layers that always draw
            outputs = examples.outputs(module, module, chosen)
        losses.append(examples.losses(outputs, chosen).double())
        told = torch.zeros_like(losses[-1]) if examples.task == "table" else examples.right(outputs, chosen).double()
        right.append(told)
    return torch.cat(losses).cpu(), torch.cat(right).cpu()


def goal_of(objective: str) -> Goal:
    """Of an objective."""
    return "max" if objective == "accuracy" else "min"


def build_fitness(options: TorchModule, context: Context) -> ModuleFitness:
    """The fitness of a run, whose seed decides where networks begin.

    Raises:
        ValueError: The module and the data do not fit each other or the options.
    """
    reader = Reader(context.train, options.length, context.device, options.directory)
    return ModuleFitness(
        options,
        reader,
        (context.train, context.validation),
        context.streams.at("torch_module"),
        data_digest=context.data_digest,
        device=context.device,
        threads=context.threads,
    )
